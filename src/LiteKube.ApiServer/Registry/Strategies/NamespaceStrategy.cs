using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Namespaces stay, Terminating, until the namespace controller has emptied them and cleared spec.finalizers through /finalize.</summary>
internal sealed class NamespaceStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private const string Finalizer = "kubernetes";
    private static readonly FieldPath Finalizers = FieldPath.Of("spec").Child("finalizers");

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

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        foreach (var finalizer in value.Obj("spec").Strings("finalizers"))
            FinalizerName(errors, finalizer, Finalizers);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        switch (context.Subresource)
        {
            case "status":
                var (field, phase, isLeaving) = (FieldPath.Of("status").Child("Phase"), value.Obj("status").Str("phase"), value.Meta().Has("deletionTimestamp"));
                if (isLeaving && phase != "Terminating")
                    errors.Invalid(field, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
                else if (!isLeaving && phase != "Active")
                    errors.Invalid(field, phase, "may only be 'Active' if `deletionTimestamp` is empty");
                break;
            case "finalize":
                var index = 0;
                foreach (var finalizer in value.Obj("spec").Strings("finalizers"))
                    FinalizerName(errors, finalizer, Finalizers.Index(index++));
                break;
        }
    }

    public override bool HoldsDeletion(JsonObject value) => value.Obj("spec").Arr("finalizers") is { Count: > 0 };

    public override void PrepareForPendingDelete(JsonObject value) => value.GetOrAdd("status")["phase"] = "Terminating";

    private static void FinalizerName(FieldErrors errors, string name, FieldPath field)
    {
        var complaints = NameChecks.QualifiedName(name);
        foreach (var complaint in complaints)
            errors.Invalid(field, name, complaint);
        if (complaints.Count == 0 && !name.Contains('/', StringComparison.Ordinal) && name is not (Finalizer or "orphan" or "foregroundDeletion"))
            errors.Invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified");
    }
}
