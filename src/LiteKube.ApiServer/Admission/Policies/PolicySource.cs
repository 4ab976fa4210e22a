using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>
/// The policies of one kind with their bindings. A policy holds for the first request after the one that wrote it, and where
/// there is none, asking costs two field accesses.
/// </summary>
internal sealed class PolicySource<TPolicy>(IObjectReader objects, GroupResource policies, GroupResource bindings, Func<JsonObject, TPolicy> parse)
    where TPolicy : AdmissionPolicy
{
    private readonly ParsedObjects<TPolicy> _policies = new(objects, policies, value => [parse(value)]);
    private readonly ParsedObjects<PolicyBinding> _bindings = new(objects, bindings, value => [new(value)]);
    private volatile Joined? _joined;

    /// <summary>Policies without a binding do nothing and are left out.</summary>
    public IReadOnlyList<PolicyHook<TPolicy>> Current
    {
        get
        {
            var bindings = _bindings.Current;
            if (bindings.Count == 0) return [];
            var policies = _policies.Current;
            if (_joined is { } joined && ReferenceEquals(joined.Policies, policies) && ReferenceEquals(joined.Bindings, bindings)) return joined.Hooks;
            joined = Join(policies, bindings);
            _joined = joined;
            return joined.Hooks;
        }
    }

    public GroupResource Policies => policies;
    public GroupResource Bindings => bindings;

    /// <summary>A policy was written.</summary>
    public void PolicyWritten() => _policies.Invalidate();

    /// <summary>A binding was written.</summary>
    public void BindingWritten() => _bindings.Invalidate();

    private static Joined Join(IReadOnlyList<TPolicy> policies, IReadOnlyList<PolicyBinding> bindings)
    {
        var byPolicy = bindings.ToLookup(b => b.PolicyName, StringComparer.Ordinal);
        return new(policies, bindings, [.. policies.Where(p => byPolicy.Contains(p.Name)).Select(p => new PolicyHook<TPolicy>(p, [.. byPolicy[p.Name]]))]);
    }

    private sealed record Joined(IReadOnlyList<TPolicy> Policies, IReadOnlyList<PolicyBinding> Bindings, PolicyHook<TPolicy>[] Hooks);
}

/// <summary>What no policy is about.</summary>
internal static class PolicyExemptions
{
    // Policies about policies could lock everybody out; reviews are questions, not objects.
    private static readonly HashSet<GroupResource> Resources =
    [
        PolicyResources.ValidatingPolicies, PolicyResources.ValidatingBindings, PolicyResources.MutatingPolicies, PolicyResources.MutatingBindings,
        new("authentication.k8s.io", "selfsubjectreviews"), new("authentication.k8s.io", "tokenreviews"),
        new("authorization.k8s.io", "localsubjectaccessreviews"), new("authorization.k8s.io", "selfsubjectaccessreviews"),
        new("authorization.k8s.io", "selfsubjectrulesreviews"), new("authorization.k8s.io", "subjectaccessreviews"),
    ];

    public static bool Contains(AdmissionAttributes attributes) => Resources.Contains(new(attributes.Request.Group, attributes.Request.Resource));
}

/// <summary>The resources of the four kinds.</summary>
internal static class PolicyResources
{
    public const string Group = "admissionregistration.k8s.io";

    public static readonly GroupResource ValidatingPolicies = new(Group, "validatingadmissionpolicies");
    public static readonly GroupResource ValidatingBindings = new(Group, "validatingadmissionpolicybindings");
    public static readonly GroupResource MutatingPolicies = new(Group, "mutatingadmissionpolicies");
    public static readonly GroupResource MutatingBindings = new(Group, "mutatingadmissionpolicybindings");
}
