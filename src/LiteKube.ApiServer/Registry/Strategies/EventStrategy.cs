using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Events: what core/v1 takes leniently, events.k8s.io/v1 asks for in full (KEP-383).</summary>
internal sealed class EventStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private const int MaxWordLength = 128;
    private const int MaxNoteLength = 1024;

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        var isNew = IsNew(context);
        Common(errors, value, isNew);
        if (!isNew)
            return;
        Checks.Name(errors, FieldPath.Of("metadata").Child("name"), value.MetaName(), NameChecks.DnsSubdomain);
        Series(errors, value);
        if (value.Str("eventTime").Length == 0)
            errors.Required(FieldPath.Of("eventTime"), "");
        if (value.Str("type") is not ("Normal" or "Warning"))
            errors.Invalid(FieldPath.Of("type"), "", $"has invalid value: {value.Str("type")}");
        foreach (var field in (ReadOnlySpan<string>)["firstTimestamp", "lastTimestamp"])
        {
            if (value.Str(field).Length > 0)
                errors.Invalid(FieldPath.Of(field), "", "needs to be unset");
        }
        if (value.Long("count") != 0)
            errors.Invalid(FieldPath.Of("count"), "", "needs to be unset");
        if (value.Obj("source").Str("component").Length > 0 || value.Obj("source").Str("host").Length > 0)
            errors.Invalid(FieldPath.Of("source"), "", "needs to be unset");
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        var isNew = IsNew(context);
        Common(errors, value, isNew);
        if (!isNew)
            return;
        if (!value["series"].SemanticallySameAs(old["series"]))
            Series(errors, value);
        foreach (var field in (ReadOnlySpan<string>)["involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action", "related", "reportingInstance"])
            Checks.Immutable(errors, value[field], old[field], FieldPath.Of(field));
        Checks.Immutable(errors, value["reportingComponent"], old["reportingComponent"], FieldPath.Of("reportingController"));
    }

    private static bool IsNew(StrategyContext context) => context.Served.Resource.Group.Length > 0;

    private static void Common(FieldErrors errors, JsonObject value, bool isNew)
    {
        var (ns, about) = (value.MetaNamespace(), value.Obj("involvedObject").Str("namespace"));
        if (value.Str("eventTime").Length == 0)
        {
            if (about.Length == 0 ? ns is not ("" or "default") : about != ns)
                errors.Invalid(FieldPath.Of("involvedObject").Child("namespace"), about, "does not match event.namespace");
            return;
        }
        // Events about cluster-scoped objects are kept in default or kube-system.
        if (about.Length == 0 && ns is not ("default" or "kube-system"))
            errors.Invalid(FieldPath.Of("involvedObject").Child("namespace"), about, "does not match event.namespace");
        var controller = FieldPath.Of(isNew ? "reportingController" : "reportingComponent");
        if (value.Str("reportingComponent").Length == 0)
            errors.Required(controller, "");
        Checks.Name(errors, controller, value.Str("reportingComponent"), NameChecks.QualifiedName);
        foreach (var field in (ReadOnlySpan<string>)["reportingInstance", "action", "reason"])
        {
            if (value.Str(field).Length == 0)
                errors.Required(FieldPath.Of(field), "");
            if (value.Str(field).Length > MaxWordLength)
                errors.Invalid(FieldPath.Of(field), "", $"can have at most {MaxWordLength} characters");
        }
        if (value.Str("message").Length > MaxNoteLength)
            errors.Invalid(FieldPath.Of("message"), "", $"can have at most {MaxNoteLength} characters");
    }

    private static void Series(FieldErrors errors, JsonObject value)
    {
        if (value.Obj("series") is not { } series)
            return;
        if (series.Long("count") < 2)
            errors.Invalid(FieldPath.Of("series.count"), "", "should be at least 2");
        if (series.Str("lastObservedTime").Length == 0)
            errors.Required(FieldPath.Of("series.lastObservedTime"), "");
    }
}
