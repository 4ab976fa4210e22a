using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>FlowSchema and PriorityLevelConfiguration: their /status takes the status alone.</summary>
internal sealed class FlowControlStrategy(ResourceInfo resource, Action<FieldErrors, JsonObject> validate) : DefaultStrategy(resource)
{
    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        base.PrepareForUpdate(value, old, context);
        if (context.Subresource != "status" || value.Obj("metadata") is not { } metadata) return;
        KeepField(metadata, old.Obj("metadata") ?? [], "labels");
        KeepField(metadata, old.Obj("metadata") ?? [], "annotations");
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context) => validate(errors, value);

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource != "status") validate(errors, value);
        var types = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var condition in value.Obj("status").Items("conditions"))
        {
            var path = FieldPath.Of("status").Child("conditions").Index(index++).Child("type");
            if (condition.Str("type").Length == 0) errors.Required(path, "must not be empty");
            if (!types.Add(condition.Str("type"))) errors.Duplicate(path, condition.Str("type"));
        }
    }
}
