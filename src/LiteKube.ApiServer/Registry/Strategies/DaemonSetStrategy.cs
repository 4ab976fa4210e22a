using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>
/// A DaemonSet counts the changes of its template in an annotation, which is all that is left of spec.templateGeneration
/// of older versions. It is the server's: what a client says of it after the creation does not count.
/// </summary>
internal sealed class DaemonSetStrategy(ResourceInfo resource, string use) : WorkloadStrategy(resource, WorkloadValidation.DaemonSet, WorkloadStatusValidation.DaemonSet, use)
{
    private const string Annotation = "deprecated.daemonset.template.generation";

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        base.PrepareForCreate(value, context);
        Set(value, Math.Max(1, Of(value) ?? 0));
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        base.PrepareForUpdate(value, old, context);
        var generation = Of(old) ?? 1;
        Set(value, value.Obj("spec", "template").SameAs(old.Obj("spec", "template")) ? generation : generation + 1);
    }

    private static long? Of(JsonObject value) =>
        long.TryParse(value.Meta().Obj("annotations").Str(Annotation), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var generation) ? generation : null;

    private static void Set(JsonObject value, long generation) =>
        value.GetOrAdd("metadata").GetOrAdd("annotations")[Annotation] = generation.ToString(CultureInfo.InvariantCulture);
}
