using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Defaulting;

/// <summary>A pod's own resources, completed from its containers' (KEP-2837). Only for pods that state some.</summary>
internal static class PodLevelResources
{
    public static void Apply(DefaultTarget spec)
    {
        if (spec.ChildOrNull("resources") is not { } resources || (resources.IsEmpty("limits") && resources.IsEmpty("requests")))
            return;
        var hadLimits = !resources.IsEmpty("limits");
        var limitsOfContainers = Aggregate(spec, "limits");
        Complete(resources, "limits", limitsOfContainers.Where(l => IsHugePages(l.Key) && resources.Value["requests"]?[l.Key] is null));
        if (!resources.IsEmpty("limits"))
        {
            Complete(resources, "requests", Aggregate(spec, "requests").Where(r => IsOvercommitted(r.Key)));
            var limits = resources.Value["limits"]!.AsObject().Where(l => IsOvercommitted(l.Key) || IsHugePages(l.Key));
            Complete(resources, "requests", limits.Select(l => KeyValuePair.Create(l.Key, Parse(l.Value))));
        }

        if (!hadLimits && resources.IsEmpty("limits"))
            Complete(resources, "limits", limitsOfContainers.Where(l => IsOvercommitted(l.Key) && AllContainersLimit(spec, l.Key)));
    }

    private static void Complete(DefaultTarget resources, string field, IEnumerable<KeyValuePair<string, Quantity>> amounts)
    {
        var found = new JsonObject(amounts.Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value.ToString())));
        if (found.Count == 0)
            return;
        resources.IfMissing(field, new JsonObject());
        PodDefaults.CopyMissing(found, resources.Value[field]!.AsObject());
    }

    // Containers run together, and sidecars with them; init containers run one at a time beside the sidecars started so far.
    private static Dictionary<string, Quantity> Aggregate(DefaultTarget spec, string field)
    {
        var running = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Children("containers"))
            Add(running, Amounts(container, field));
        var sidecars = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        var highest = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var container in spec.Children("initContainers"))
        {
            var needed = new Dictionary<string, Quantity>(sidecars, StringComparer.Ordinal);
            Add(needed, Amounts(container, field));
            if (container.Text("restartPolicy") == "Always")
                sidecars = needed;
            foreach (var (name, amount) in needed)
                highest[name] = highest.TryGetValue(name, out var h) && h > amount ? h : amount;
        }

        Add(running, sidecars);
        foreach (var (name, amount) in highest)
        {
            if (!running.TryGetValue(name, out var sum) || sum < amount)
                running[name] = amount;
        }

        return running;
    }

    private static bool AllContainersLimit(DefaultTarget spec, string name) =>
        spec.Children("containers").Concat(spec.Children("initContainers")).All(c => c.Value["resources"]?["limits"]?[name] is not null);

    private static void Add(Dictionary<string, Quantity> sum, IEnumerable<KeyValuePair<string, Quantity>> amounts)
    {
        foreach (var (name, amount) in amounts)
            sum[name] = sum.TryGetValue(name, out var s) ? s + amount : amount;
    }

    private static IEnumerable<KeyValuePair<string, Quantity>> Amounts(DefaultTarget container, string field) =>
        (container.Value["resources"]?[field] as JsonObject ?? []).Select(a => KeyValuePair.Create(a.Key, Parse(a.Value)));

    private static Quantity Parse(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) && Quantity.TryParse(text, out var quantity) ? quantity : default;

    private static bool IsOvercommitted(string name) => name is "cpu" or "memory";

    private static bool IsHugePages(string name) => name.StartsWith("hugepages-", StringComparison.Ordinal);
}
