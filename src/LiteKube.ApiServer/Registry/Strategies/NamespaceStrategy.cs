using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Namespaces stay, Terminating, until the namespace controller has emptied them and cleared spec.finalizers through /finalize.</summary>
internal sealed class NamespaceStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private const string Finalizer = "kubernetes";

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        value["status"] = new JsonObject { ["phase"] = "Active" };
        var finalizers = value.GetOrAdd("spec").GetOrAddArray("finalizers");
        if (!value.Obj("spec").Strings("finalizers").Contains(Finalizer))
            finalizers.Add((JsonNode)Finalizer);
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        switch (context.Subresource)
        {
            case "finalize":
                KeepField(value, old, "status");
                break;
            case "status":
                KeepField(value, old, "spec");
                break;
            default:
                KeepField(value, old, "spec");
                KeepField(value, old, "status");
                break;
        }
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status")
        {
            var phase = value.Obj("status").Str("phase");
            if (value.Meta().Has("deletionTimestamp") ? phase != "Terminating" : phase != "Active")
                errors.Invalid(FieldPath.Of("status").Child("Phase"), phase, value.Meta().Has("deletionTimestamp") ? "may only be 'Terminating' if `deletionTimestamp` is not empty" : "may only be 'Active' if `deletionTimestamp` is empty");
        }
        var index = 0;
        foreach (var finalizer in value.Obj("spec").Strings("finalizers"))
            Checks.Name(errors, FieldPath.Of("spec").Child("finalizers").Index(index++), finalizer, NameChecks.QualifiedName);
    }

    public override bool HoldsDeletion(JsonObject value) => value.Obj("spec").Arr("finalizers") is { Count: > 0 };

    public override void PrepareForPendingDelete(JsonObject value) => value.GetOrAdd("status")["phase"] = "Terminating";
}
