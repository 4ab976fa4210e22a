using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Kubelet.Environment;

/// <summary>Reads a container's requests and limits for the downward API, in units of the divisor, rounded up.</summary>
internal static class ResourceFields
{
    /// <param name="own">The container that asks; a selector without a container name means it.</param>
    /// <param name="allocatable">The node's: stands in for a cpu or memory limit that is not set.</param>
    /// <exception cref="FormatException">No such container or resource, in the kubelet's words.</exception>
    public static string Read(V1Pod pod, V1Container? own, V1ResourceFieldSelector selector, IDictionary<string, ResourceQuantity>? allocatable)
    {
        var container = string.IsNullOrEmpty(selector.ContainerName)
            ? own ?? throw new FormatException("container  not found")
            : Find(pod, selector.ContainerName) ?? throw new FormatException($"container {selector.ContainerName} not found");

        var dot = selector.Resource.IndexOf('.', StringComparison.Ordinal);
        var name = selector.Resource[(dot + 1)..];
        var isLimit = selector.Resource.StartsWith("limits.", StringComparison.Ordinal);
        var known = name is "cpu" or "memory" or "ephemeral-storage" || name.StartsWith("hugepages-", StringComparison.Ordinal);
        if (!known || (!isLimit && !selector.Resource.StartsWith("requests.", StringComparison.Ordinal)))
            throw new FormatException($"unsupported container resource : {selector.Resource}");

        var list = isLimit ? container.Resources?.Limits : container.Resources?.Requests;
        var value = list is not null && list.TryGetValue(name, out var quantity) ? Quantity.Parse(quantity.ToString()) : Quantity.Zero;
        // An unset limit means all that the node has to give; only these three have such a default.
        if (isLimit && name is ("cpu" or "memory" or "ephemeral-storage") && value.CompareTo(Quantity.Zero) == 0 && allocatable is not null && allocatable.TryGetValue(name, out var whole))
            value = Quantity.Parse(whole.ToString());

        var divisor = selector.Divisor is null ? Quantity.Zero : Quantity.Parse(selector.Divisor.ToString());
        if (divisor.CompareTo(Quantity.Zero) == 0)
            divisor = Quantity.FromLong(1);
        var units = name == "cpu" ? DivideUp(value.ToMilli(), divisor.ToMilli()) : DivideUp(value.ToLong(), divisor.ToLong());
        return units.ToString(CultureInfo.InvariantCulture);
    }

    private static V1Container? Find(V1Pod pod, string name) =>
        pod.Spec.Containers.FirstOrDefault(c => c.Name == name) ?? pod.Spec.InitContainers?.FirstOrDefault(c => c.Name == name);

    private static long DivideUp(long value, long divisor) => value / divisor + (value % divisor > 0 ? 1 : 0);
}
