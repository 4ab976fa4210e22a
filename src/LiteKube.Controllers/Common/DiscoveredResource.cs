namespace LiteKube.Controllers.Common;

/// <summary>A resource as discovery describes it, in the version that its group prefers.</summary>
internal sealed record DiscoveredResource(string Group, string Version, string Resource, string Kind, bool Namespaced, IReadOnlyList<string> Verbs)
{
    public string ApiVersion { get; } = Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>"deployments.apps", "pods".</summary>
    public string GroupResource { get; } = Group.Length == 0 ? Resource : $"{Resource}.{Group}";

    public bool Supports(string verb) => Verbs.Contains(verb, StringComparer.Ordinal);

    public string Path(string ns, string? name = null)
    {
        var path = (Group.Length == 0 ? "/api/" : "/apis/") + ApiVersion + (Namespaced && ns.Length > 0 ? "/namespaces/" + Uri.EscapeDataString(ns) : "") + "/" + Resource;
        return name is null ? path : path + "/" + Uri.EscapeDataString(name);
    }
}

/// <param name="FailedGroupVersions">What could not be read ("metrics.k8s.io/v1beta1") and why; an aggregated API whose server is down.</param>
internal sealed record DiscoveryResult(IReadOnlyList<DiscoveredResource> Resources, IReadOnlyDictionary<string, string> FailedGroupVersions);
