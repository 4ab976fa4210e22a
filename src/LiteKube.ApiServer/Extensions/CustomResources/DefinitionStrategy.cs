using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>CustomResourceDefinitions: their validation, the versions that may be stored, and a deletion that waits for their instances.</summary>
/// <param name="written">Told the name of each CRD that was written, before the writer gets its answer: what it serves is up to date then.</param>
internal sealed class DefinitionStrategy(ResourceInfo resource, TimeProvider time, Action<string> written) : DefaultStrategy(resource)
{
    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        value["status"] = new JsonObject();
        KeepStorageVersion(value);
    }

    public override void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        if (context.Subresource == "status")
        {
            // Finalizers are taken here, unlike elsewhere: the cleanup removes its own together with its last word.
            KeepField(value, old, "spec");
            return;
        }
        KeepField(value, old, "status");
        KeepStorageVersion(value);
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        DefinitionValidation.Validate(value, null, errors);
        context.Warnings.AddRange(WarningsOf(value));
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status")
        {
            NamesRules.Validate(new Definition(value).AcceptedNames, FieldPath.Of("status").Child("acceptedNames"), errors);
            return;
        }
        DefinitionValidation.Validate(value, old, errors);
        context.Warnings.AddRange(WarningsOf(value).Except(WarningsOf(old), StringComparer.Ordinal));
    }

    public override void AfterWrite(JsonObject? value, JsonObject? old) => written((value ?? old!).MetaName());

    /// <summary>Nothing is removed at the first word: the cleanup has to see it.</summary>
    public override bool HoldsDeletion(JsonObject value) => !value.IsBeingDeleted();

    public override void PrepareForPendingDelete(JsonObject value)
    {
        if (DefinitionConditions.Find(value, DefinitionConditions.Terminating) is not null) return;
        var finalizers = value.Metadata().GetOrAddArray("finalizers");
        if (!value.MetadataList("finalizers").Contains(Definition.CleanupFinalizer)) finalizers.Add((JsonNode)Definition.CleanupFinalizer);
        DefinitionConditions.Set(value, DefinitionConditions.Terminating, "True", "InstanceDeletionPending", "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon", time.GetUtcNow());
    }

    private static void KeepStorageVersion(JsonObject value)
    {
        if (value.Obj("spec").Items("versions").FirstOrDefault(v => v.Bool("storage")) is not { } storage) return;
        var status = value.GetOrAdd("status");
        if (!status.Strings("storedVersions").Contains(storage.Str("name"))) status.GetOrAddArray("storedVersions").Add((JsonNode)storage.Str("name"));
    }

    private static List<string> WarningsOf(JsonObject value)
    {
        var warnings = new List<string>();
        foreach (var schema in new Definition(value).Versions.SelectMany(v => SchemaTree.All(v.Schema)))
        {
            if (!FormatChecks.IsRecognized(schema)) warnings.Add($"unrecognized format \"{schema.Format}\"");
            if (schema is { ListType: "set", Items.Type: "object" or "array" })
                warnings.Add($"x-kubernetes-list-type: set for items of type \"{schema.Items.Type}\" is not supported by server-side apply or CEL validation rules");
        }
        return [.. warnings.Distinct(StringComparer.Ordinal)];
    }
}
