using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>Lists of quantities by resource name.</summary>
internal static class ResourceLists
{
    public static Dictionary<string, Quantity> Read(JsonObject? list)
    {
        var values = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var (name, text) in list ?? [])
        {
            if (Quantity.TryParse(JsonFields.AsText(text), out var quantity))
                values[name] = quantity;
        }
        return values;
    }

    public static void Add(Dictionary<string, Quantity> total, IEnumerable<KeyValuePair<string, Quantity>> part)
    {
        foreach (var (name, quantity) in part)
            total[name] = total.TryGetValue(name, out var sum) ? sum + quantity : quantity;
    }
}

/// <summary>What a pod needs as a whole: containers and sidecars at once, or its hungriest init container (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers).</summary>
internal static class PodResources
{
    /// <param name="field">"requests" or "limits".</param>
    public static Dictionary<string, Quantity> Total(JsonObject? spec, string field)
    {
        var total = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Items("containers"))
            ResourceLists.Add(total, ResourceLists.Read(container.Obj("resources", field)));
        var (sidecars, peak) = (new Dictionary<string, Quantity>(StringComparer.Ordinal), new Dictionary<string, Quantity>(StringComparer.Ordinal));
        foreach (var container in spec.Items("initContainers"))
        {
            var own = ResourceLists.Read(container.Obj("resources", field));
            if (container.Str("restartPolicy") == "Always")
            {
                ResourceLists.Add(total, own);
                ResourceLists.Add(sidecars, own);
                RaiseTo(peak, sidecars);
                continue;
            }
            ResourceLists.Add(own, sidecars);
            RaiseTo(peak, own);
        }
        RaiseTo(total, peak);
        foreach (var (name, quantity) in ResourceLists.Read(spec.Obj("resources", field)))
            total[name] = quantity;
        var overhead = ResourceLists.Read(spec.Obj("overhead"));
        ResourceLists.Add(total, field == "requests" ? overhead : overhead.Where(o => total.ContainsKey(o.Key)));
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
