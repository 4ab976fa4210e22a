using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>A pod's quality of service class (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/).</summary>
internal static class QualityOfService
{
    private static readonly string[] Counted = ["cpu", "memory"];

    public static string Of(JsonObject? spec)
    {
        var isGuaranteed = true;
        var hasAny = false;
        var level = spec.Obj("resources");
        IEnumerable<JsonObject?> parts = HasCounted(level)
            ? [level]
            : spec.Items("containers").Concat(spec.Items("initContainers")).Select(c => c.Obj("resources"));
        foreach (var resources in parts)
        {
            foreach (var name in Counted)
            {
                var (request, limit) = (Read(resources.Obj("requests"), name), Read(resources.Obj("limits"), name));
                hasAny |= request is not null || limit is not null;
                if (limit is null || (request is not null && request != limit))
                    isGuaranteed = false;
            }
        }
        return !hasAny ? "BestEffort" : isGuaranteed ? "Guaranteed" : "Burstable";
    }

    private static bool HasCounted(JsonObject? resources) => Counted.Any(n => resources.Obj("requests").Has(n) || resources.Obj("limits").Has(n));

    private static Quantity? Read(JsonObject? list, string name) =>
        list.Has(name) && Quantity.TryParse(JsonFields.AsText(list![name]), out var value) && !value.IsZero ? value : null;
}
