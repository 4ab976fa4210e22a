using System.Collections.Frozen;
using LiteKube.Apis;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Where the server's own group versions stand in discovery: the priorities of their APIServices, Kubernetes' own numbers.</summary>
internal static class ApiServicePriorities
{
    /// <summary>Of the group versions that CRDs bring; several of a group are told apart by their versions' names.</summary>
    public static readonly (int Group, int Version) Custom = (1000, 100);

    /// <summary>apiregistration.k8s.io has no APIService of its own and always comes first.</summary>
    public static readonly (int Group, int Version) Registration = (20_001, 0);

    private const int StableVersion = 15;

    private static readonly FrozenDictionary<string, int> Groups = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        [""] = 18_000,
        ["apps"] = 17_800,
        ["events.k8s.io"] = 17_750,
        ["authentication.k8s.io"] = 17_700,
        ["authorization.k8s.io"] = 17_600,
        ["autoscaling"] = 17_500,
        ["batch"] = 17_400,
        ["certificates.k8s.io"] = 17_300,
        ["networking.k8s.io"] = 17_200,
        ["policy"] = 17_100,
        ["rbac.authorization.k8s.io"] = 17_000,
        ["storage.k8s.io"] = 16_800,
        ["admissionregistration.k8s.io"] = 16_700,
        ["apiextensions.k8s.io"] = 16_700,
        ["scheduling.k8s.io"] = 16_600,
        ["coordination.k8s.io"] = 16_500,
        ["node.k8s.io"] = 16_300,
        ["discovery.k8s.io"] = 16_200,
        ["flowcontrol.apiserver.k8s.io"] = 16_100,
        ["internal.apiserver.k8s.io"] = 16_000,
        ["resource.k8s.io"] = 15_900,
        ["storagemigration.k8s.io"] = 15_800,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Of a built-in group version.</summary>
    public static (int Group, int Version) BuiltIn(GroupVersion groupVersion)
    {
        if (groupVersion.Group == ApiService.Resource.Group) return Registration;
        if (!Groups.TryGetValue(groupVersion.Group, out var group)) return Custom;
        var version = groupVersion switch
        {
            { Group: "" } => 1,
            { Group: "autoscaling", Version: "v2" } => 30,
            { Group: "flowcontrol.apiserver.k8s.io", Version: "v1" } => 21,
            _ when groupVersion.Version.Contains("alpha", StringComparison.Ordinal) => 1,
            _ when groupVersion.Version.Contains("beta", StringComparison.Ordinal) => 9,
            _ => StableVersion,
        };
        return (group, version);
    }
}
