using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Changes objects by MutatingAdmissionPolicies.</summary>
internal sealed class MutatingAdmissionPolicies(PolicySource<MutatingPolicy> source, PolicyTargets targets) : IAdmissionPlugin
{
    public string Name => "MutatingAdmissionPolicy";

    /// <summary>A deletion has no object that could be changed.</summary>
    public bool Handles(AdmissionOperation operation) => operation != AdmissionOperation.Delete;

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var hooks = source.Current;
        return hooks.Count == 0 || PolicyExemptions.Contains(attributes) ? ValueTask.CompletedTask : ChangeAsync(hooks, attributes, cancellationToken);
    }

    private async ValueTask ChangeAsync(IReadOnlyList<PolicyHook<MutatingPolicy>> hooks, AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var failures = new List<PolicyFailure>();
        var invocations = await targets.FindAsync(hooks, attributes, failures, cancellationToken);
        if (invocations.Count > 0)
        {
            var rounds = attributes.State(this, () => new PolicyRounds());
            rounds.Begin(attributes);
            var ns = targets.NamespaceOf(attributes);
            for (var i = 0; i < invocations.Count; i++) await InvokeAsync(i, invocations[i], attributes, ns, rounds, failures, cancellationToken);
            rounds.End(attributes);
        }
        if (failures.Count > 0) throw Denied(attributes, [.. failures.OrderBy(f => f.Order)]);
    }

    private async ValueTask InvokeAsync(int order, PolicyInvocation<MutatingPolicy> invocation, AdmissionAttributes attributes, JsonObject? ns, PolicyRounds rounds, List<PolicyFailure> failures, CancellationToken cancellationToken)
    {
        var (policy, binding, version, _) = invocation;
        var parameter = invocation.ParameterValue;
        var shown = await version.ShowAsync(attributes, attributes.Object, cancellationToken);
        var view = await targets.ViewAsync(attributes, version, shown, ns, cancellationToken);
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
                    view = await targets.ViewAsync(attributes, version, current, ns, cancellationToken);
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

    private static ApiException Denied(AdmissionAttributes attributes, IReadOnlyList<PolicyFailure> failures)
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

/// <summary>One policy by one binding and parameter.</summary>
internal readonly record struct PolicyKey(string Policy, string Binding, string ParameterNamespace, string Parameter);

/// <summary>Which policies a second round of admission is to run again: those that ran before something else changed the object.</summary>
internal sealed class PolicyRounds
{
    private readonly HashSet<PolicyKey> _invoked = [];
    private readonly HashSet<PolicyKey> _due = [];
    private JsonObject? _lastOutput;
    private bool _hasPatched;

    public bool IsDue(PolicyKey key) => _due.Contains(key);

    public void Begin(AdmissionAttributes attributes)
    {
        _hasPatched = false;
        // Other plugins have changed it since.
        if (attributes.IsReinvocation && !JsonEquality.AreEqual(_lastOutput, attributes.Object)) Require();
    }

    public void Patched() => _hasPatched = true;

    public void Changed(AdmissionAttributes attributes)
    {
        Require();
        attributes.RequireReinvocation();
    }

    public void Invoked(PolicyKey key) => _invoked.Add(key);

    public void End(AdmissionAttributes attributes)
    {
        if (_hasPatched) Changed(attributes);
        _lastOutput = attributes.Object?.DeepClone() as JsonObject;
    }

    private void Require()
    {
        _due.UnionWith(_invoked);
        _invoked.Clear();
    }
}
