using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Volumes begin as Pending and note when their phase last changed (KEP-3762).</summary>
internal sealed class PersistentVolumeStrategy(ResourceInfo resource, TimeProvider time) : ValidatedStrategy(resource, StorageValidation.Volume)
{
    private const string Changed = "lastPhaseTransitionTime";

    public override void PrepareForCreate(JsonObject value, StrategyContext context) =>
        value["status"] = new JsonObject { ["phase"] = "Pending", [Changed] = Now() };

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        base.PrepareForUpdate(value, old, context);
        if (context.Subresource != "status")
            return;
        var (status, before) = (value.GetOrAdd("status"), old.Obj("status"));
        var (given, noted) = (status.Str(Changed), before.Str(Changed));
        if (status.Str("phase") == before.Str("phase"))
        {
            if (given.Length == 0 && noted.Length > 0)
                status[Changed] = noted;
        }
        else if (given.Length == 0 || given == noted)
        {
            status[Changed] = Now();
        }
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        base.Validate(value, errors, context);
        if (value.Obj("spec").Str("persistentVolumeReclaimPolicy") == "Recycle")
            context.Warnings.Add("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.");
    }

    private string Now() => KubernetesTime.Format(time.GetUtcNow());
}

/// <summary>Claims begin as Pending; who binds them says what follows.</summary>
internal sealed class PersistentVolumeClaimStrategy(ResourceInfo resource) : ValidatedStrategy(resource, StorageValidation.Claim, StorageValidation.ClaimStatus)
{
    public override void PrepareForCreate(JsonObject value, StrategyContext context) => value["status"] = new JsonObject { ["phase"] = "Pending" };
}
