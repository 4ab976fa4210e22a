using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.ApiServer.Admission.Policies;

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
