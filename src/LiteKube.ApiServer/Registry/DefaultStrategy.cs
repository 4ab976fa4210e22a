using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry;

/// <summary>
/// What holds for every kind: status is written through /status alone, the rest through the main resource alone.
/// Strategies of single kinds derive from it and add validation and allocation.
/// </summary>
public class DefaultStrategy(ResourceInfo resource) : IStrategy
{
    private readonly KindRules _rules = KindRules.For(resource.GroupResource);

    protected ResourceInfo Resource { get; } = resource;

    public virtual void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        if (Resource.HasStatus) value.Remove("status");
    }

    public virtual void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context)
    {
        if (context.Subresource == "status") KeepAllButStatus(value, old);
        else if (Resource.HasStatus) KeepField(value, old, "status");
    }

    public virtual void Validate(JsonObject value, FieldErrors errors, StrategyContext context) { }

    public virtual void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context) { }

    public virtual IDisposable? Allocate(JsonObject value, JsonObject? old, FieldErrors errors, StrategyContext context) => null;

    public virtual void AfterWrite(JsonObject? value, JsonObject? old) { }

    public virtual Task WriteCompanionsAsync(JsonObject value, JsonObject? old, CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual Task RemoveCompanionsAsync(JsonObject? kept, JsonObject gone, CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual bool TracksGeneration => _rules.TracksGeneration;
    public virtual bool AllowsCreateOnUpdate => _rules.AllowsCreateOnUpdate;
    public virtual bool AllowsUnconditionalUpdate => _rules.AllowsUnconditionalUpdate;
    public virtual string DefaultPropagation => _rules.OrphansByDefault ? "Orphan" : "Background";
    public virtual long? GracePeriodSeconds(JsonObject value, long? requested) => null;
    public virtual bool HoldsDeletion(JsonObject value) => false;
    public virtual void PrepareForPendingDelete(JsonObject value) { }
    public virtual bool ReturnsDeletedObject => _rules.ReturnsDeletedObject;
    public virtual IReadOnlyList<string> SelectableFields => [.. _rules.SelectableFields.Keys];

    public virtual string? SelectableField(JsonObject value, string field)
    {
        if (!_rules.SelectableFields.TryGetValue(field, out var rule)) return null;
        foreach (var path in rule.Paths)
        {
            if (FieldText(value, path) is { Length: > 0 } text) return text;
        }
        return rule.Missing;
    }

    /// <summary>Gives <paramref name="value"/> the field as <paramref name="old"/> has it.</summary>
    protected static void KeepField(JsonObject value, JsonObject old, string field)
    {
        if (old[field] is { } kept) value[field] = kept.DeepClone();
        else value.Remove(field);
    }

    /// <summary>On /status a client's spec is ignored; its labels and annotations are taken.</summary>
    protected static void KeepAllButStatus(JsonObject value, JsonObject old)
    {
        for (var i = value.Count - 1; i >= 0; i--)
        {
            if (value.GetAt(i).Key is var field and not ("metadata" or "status" or "kind" or "apiVersion") && !old.ContainsKey(field)) value.RemoveAt(i);
        }
        foreach (var (field, kept) in old)
        {
            if (field is not ("metadata" or "status")) value[field] = kept?.DeepClone();
        }
        // Ownership and finalizers belong to the main resource (rest.ResetObjectMetaForStatus).
        if (value["metadata"] is JsonObject metadata && old["metadata"] is JsonObject oldMetadata)
        {
            KeepField(metadata, oldMetadata, "ownerReferences");
            KeepField(metadata, oldMetadata, "finalizers");
        }
    }

    /// <summary>The text at a dotted path; empty when it is not there, booleans and numbers as Go prints them.</summary>
    protected static string FieldText(JsonObject value, string path)
    {
        JsonNode? node = value;
        foreach (var part in path.Split('.'))
            node = (node as JsonObject)?[part];
        return node switch
        {
            null => "",
            JsonValue scalar when scalar.TryGetValue<string>(out var text) => text,
            _ => node.ToJsonString(),
        };
    }
}
