using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Changes objects by MutatingAdmissionPolicies.</summary>
internal sealed class MutatingAdmissionPolicies(PolicySource<MutatingPolicy> source, PolicyTargets targets) : PolicyPlugin<MutatingPolicy>(source, targets)
{
    public override string Name => "MutatingAdmissionPolicy";

    /// <summary>A deletion has no object that could be changed.</summary>
    public override bool Handles(AdmissionOperation operation) => operation != AdmissionOperation.Delete;

    public override ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => RunAsync(attributes, cancellationToken);

    protected override async ValueTask FollowAsync(IReadOnlyList<PolicyInvocation<MutatingPolicy>> invocations, AdmissionAttributes attributes, JsonObject? ns, List<PolicyFailure> failures, CancellationToken cancellationToken)
    {
        var rounds = attributes.State(this, () => new PolicyRounds());
        rounds.Begin(attributes);
        for (var i = 0; i < invocations.Count; i++) await InvokeAsync(i, invocations[i], attributes, ns, rounds, failures, cancellationToken);
        rounds.End(attributes);
    }

    private async ValueTask InvokeAsync(int order, PolicyInvocation<MutatingPolicy> invocation, AdmissionAttributes attributes, JsonObject? ns, PolicyRounds rounds, List<PolicyFailure> failures, CancellationToken cancellationToken)
    {
        var (policy, binding, version, _) = invocation;
        var parameter = invocation.ParameterValue;
        var shown = await version.ShowAsync(attributes, attributes.Object, cancellationToken);
        var view = await Targets.ViewAsync(attributes, version, shown, ns, cancellationToken);
        if (!PolicyTargets.Meets(policy, view, parameter, out var error, cancellationToken))
        {
            if (error is not null) Fail(error);
            return;
        }
        var key = new PolicyKey(policy.Name, binding.Name, invocation.Parameter.Meta().Str("namespace"), invocation.Parameter.Meta().Str("name"));
        if (attributes.IsReinvocation && !rounds.IsDue(key)) return;
        if (shown is not null)
        {
            var current = shown;
            foreach (var mutation in policy.Mutations)
            {
                try
                {
                    current = PolicyPatch.Apply(mutation, policy.Variables, view, parameter, version, current, cancellationToken);
                    rounds.Patched();
                    // The next mutation sees what this one made.
                    view = await Targets.ViewAsync(attributes, version, current, ns, cancellationToken);
                }
                catch (PolicyPatchException exception)
                {
                    Fail(exception.Message);
                }
            }
            if (!JsonEquality.AreEqual(shown, current)) rounds.Changed(attributes);
            if (!ReferenceEquals(shown, current)) attributes.Object = await version.TakeBackAsync(attributes, current, cancellationToken);
        }
        if (policy.IsReinvoked) rounds.Invoked(key);

        void Fail(string message)
        {
            if (!policy.IgnoresFailures) failures.Add(new(order, policy, binding, message, "Invalid"));
        }
    }

    protected override ApiException Denied(AdmissionAttributes attributes, IReadOnlyList<PolicyFailure> failures)
    {
        var causes = new JsonArray();
        foreach (var failure in failures) causes.Add((JsonNode)new JsonObject { ["message"] = Describe(failure) });
        var details = PolicyDenial.Details(attributes, out _);
        details["causes"] = causes;
        return new ApiException(403, failures[0].Reason is { Length: > 0 } reason ? reason : "Forbidden", Describe(failures[0]), details);
    }

    private static string Describe(PolicyFailure failure) => failure.Binding is { } binding
        ? $"policy '{failure.Policy.Name}' with binding '{binding.Name}' denied request: {failure.Message}"
        : $"policy {GoValues.Quote(failure.Policy.Name)} denied request: {failure.Message}";
}
