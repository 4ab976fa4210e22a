using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Controllers.ResourceQuotas;

/// <summary>
/// What a pod needs as a whole: containers and sidecars at once, or its hungriest init container
/// (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers). Pure.
/// </summary>
internal static class PodResources
{
    public static Dictionary<string, Quantity> Requests(V1PodSpec spec) => Total(spec, r => r?.Requests, isRequest: true);

    public static Dictionary<string, Quantity> Limits(V1PodSpec spec) => Total(spec, r => r?.Limits, isRequest: false);

    /// <summary>Nothing is asked for and nothing limited (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/).</summary>
    public static bool IsBestEffort(V1PodSpec spec) => (spec.Containers ?? []).Concat(spec.InitContainers ?? []).Select(c => c.Resources).Append(spec.Resources)
        .All(r => !AsksFor(r?.Requests) && !AsksFor(r?.Limits));

    public static void Add(Dictionary<string, Quantity> total, IEnumerable<KeyValuePair<string, Quantity>> part)
    {
        foreach (var (name, quantity) in part)
            total[name] = total.TryGetValue(name, out var sum) ? sum + quantity : quantity;
    }

    public static Dictionary<string, Quantity> Read(IDictionary<string, ResourceQuantity>? list)
    {
        var values = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var (name, text) in list ?? new Dictionary<string, ResourceQuantity>())
        {
            if (Quantity.TryParse(text?.ToString(), out var quantity))
                values[name] = quantity;
        }
        return values;
    }

    private static bool AsksFor(IDictionary<string, ResourceQuantity>? list) => Read(list).Any(r => r.Key is "cpu" or "memory" && !r.Value.IsZero);

    private static Dictionary<string, Quantity> Total(V1PodSpec spec, Func<V1ResourceRequirements?, IDictionary<string, ResourceQuantity>?> field, bool isRequest)
    {
        var total = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Containers ?? [])
            Add(total, Read(field(container.Resources)));
        var sidecars = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var peak = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.InitContainers ?? [])
        {
            var own = Read(field(container.Resources));
            if (container.RestartPolicy == "Always")
            {
                Add(total, own);
                Add(sidecars, own);
                RaiseTo(peak, sidecars);
                continue;
            }
            Add(own, sidecars);
            RaiseTo(peak, own);
        }
        RaiseTo(total, peak);
        // What is set for the pod as a whole stands for its containers.
        foreach (var (name, quantity) in Read(field(spec.Resources)))
            total[name] = quantity;
        var overhead = Read(spec.Overhead);
        Add(total, isRequest ? overhead : overhead.Where(o => total.ContainsKey(o.Key)).ToList());
        return total;
    }

    private static void RaiseTo(Dictionary<string, Quantity> total, Dictionary<string, Quantity> floor)
    {
        foreach (var (name, quantity) in floor)
        {
            if (!total.TryGetValue(name, out var sum) || sum < quantity)
                total[name] = quantity;
        }
    }
}
