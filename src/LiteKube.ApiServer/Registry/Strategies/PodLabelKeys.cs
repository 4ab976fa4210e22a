using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>
/// matchLabelKeys and mismatchLabelKeys of a new pod become expressions of the selector beside them, with the values of
/// the pod's own labels (KEP-3633, KEP-3243): who reads the pod later needs to know the selector only.
/// </summary>
internal static class PodLabelKeys
{
    public static void Merge(JsonObject pod)
    {
        var (spec, labels) = (pod.Obj("spec"), pod.Meta().Obj("labels"));
        var affinity = spec.Obj("affinity");
        foreach (var kind in (ReadOnlySpan<string>)["podAffinity", "podAntiAffinity"])
        {
            foreach (var preferred in affinity.Obj(kind).Items("preferredDuringSchedulingIgnoredDuringExecution"))
                Merge(preferred.Obj("podAffinityTerm"), labels);
            foreach (var term in affinity.Obj(kind).Items("requiredDuringSchedulingIgnoredDuringExecution"))
                Merge(term, labels);
        }
        foreach (var constraint in spec.Items("topologySpreadConstraints"))
            Merge(constraint, labels);
    }

    private static void Merge(JsonObject? term, JsonObject? labels)
    {
        // No selector matches no pod, whatever is added.
        if (term.Obj("labelSelector") is not { } selector)
            return;
        Add(term.Strings("matchLabelKeys"), "In");
        Add(term.Strings("mismatchLabelKeys"), "NotIn");

        void Add(IEnumerable<string> keys, string op)
        {
            foreach (var key in keys)
            {
                if (!labels.Has(key))
                    continue;
                if (selector.Arr("matchExpressions") is not { } expressions)
                    selector["matchExpressions"] = expressions = [];
                expressions.Add((JsonNode)new JsonObject { ["key"] = key, ["operator"] = op, ["values"] = new JsonArray(labels.Str(key)) });
            }
        }
    }
}
