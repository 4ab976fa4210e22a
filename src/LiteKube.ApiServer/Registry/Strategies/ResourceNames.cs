using System.Collections.Frozen;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What the names of resources mean (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).</summary>
internal static class ResourceNames
{
    private const string HugePages = "hugepages-";
    private const string Requests = "requests.";

    private static readonly FrozenSet<string> Counted = FrozenSet.Create(StringComparer.Ordinal,
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers");

    private static readonly FrozenSet<string> Standard = FrozenSet.Create(StringComparer.Ordinal,
        [.. Counted, "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "storage", "requests.storage"]);

    public static bool IsHugePages(string name) => name.StartsWith(HugePages, StringComparison.Ordinal);

    /// <summary>Kubernetes' own, as opposed to example.com/dongle.</summary>
    public static bool IsNative(string name) => !name.Contains('/', StringComparison.Ordinal) || name.Contains("kubernetes.io/", StringComparison.Ordinal);

    /// <summary>hugepages and extended resources are given whole: what is asked for is what is held.</summary>
    public static bool CanOvercommit(string name) => IsNative(name) && !IsHugePages(name);

    public static bool IsExtended(string name) =>
        !IsNative(name) && !name.StartsWith(Requests, StringComparison.Ordinal) && NameChecks.QualifiedName(Requests + name).Count == 0;

    public static bool IsOfContainers(string name) => name is "cpu" or "memory" or "ephemeral-storage" || IsHugePages(name);

    public static bool IsOfPods(string name) => name is "cpu" or "memory" || IsHugePages(name);

    public static bool IsStandard(string name) => Standard.Contains(name) || IsHugePagesOfQuota(name);

    public static bool IsOfQuotas(string name) => Standard.Contains(name) || IsHugePagesOfQuota(name);

    public static bool IsInteger(string name) => Counted.Contains(name) || IsExtended(name);

    /// <summary>Whether an amount is so many whole pages.</summary>
    public static bool IsWholePages(string name, Quantity amount)
    {
        if (!Quantity.TryParse(name[HugePages.Length..], out var page) || page.Sign <= 0 || page.ToMilli() % 1000 != 0)
            return false;
        return amount.ToLong() % page.ToLong() == 0;
    }

    private static bool IsHugePagesOfQuota(string name) => IsHugePages(name) || name.StartsWith(Requests + HugePages, StringComparison.Ordinal);
}
