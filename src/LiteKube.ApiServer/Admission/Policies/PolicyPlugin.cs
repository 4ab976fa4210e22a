using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>What both kinds of policies do with a request: find those that are about it, follow them, tell the first failure.</summary>
internal abstract class PolicyPlugin<TPolicy>(PolicySource<TPolicy> source, PolicyTargets targets) : IAdmissionPlugin
    where TPolicy : AdmissionPolicy
{
    protected PolicyTargets Targets => targets;

    public abstract string Name { get; }

    public virtual bool Handles(AdmissionOperation operation) => true;

    public virtual ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public virtual ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Costs two field accesses where there is no policy.</summary>
    protected ValueTask RunAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var hooks = source.Current;
        return hooks.Count == 0 || PolicyExemptions.Contains(attributes) ? ValueTask.CompletedTask : RunAsync(hooks, attributes, cancellationToken);
    }

    /// <param name="ns">The request's namespace; null: it has none.</param>
    /// <param name="failures">Gets what denies the request.</param>
    protected abstract ValueTask FollowAsync(IReadOnlyList<PolicyInvocation<TPolicy>> invocations, AdmissionAttributes attributes, JsonObject? ns, List<PolicyFailure> failures, CancellationToken cancellationToken);

    /// <param name="failures">In the order of the policies, at least one.</param>
    protected abstract ApiException Denied(AdmissionAttributes attributes, IReadOnlyList<PolicyFailure> failures);

    private async ValueTask RunAsync(IReadOnlyList<PolicyHook<TPolicy>> hooks, AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var failures = new List<PolicyFailure>();
        var invocations = await targets.FindAsync(hooks, attributes, failures, cancellationToken);
        if (invocations.Count > 0) await FollowAsync(invocations, attributes, targets.NamespaceOf(attributes), failures, cancellationToken);
        if (failures.Count > 0) throw Denied(attributes, [.. failures.OrderBy(f => f.Order)]);
    }
}
