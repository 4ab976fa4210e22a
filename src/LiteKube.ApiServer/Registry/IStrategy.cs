using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Registry;

/// <param name="Resource">The resource asked for.</param>
/// <param name="Subresource">"" or "status", ...</param>
public sealed record StrategyContext(ResourceInfo Resource, string Subresource, UserInfo User, bool DryRun)
{
    /// <summary>The resource in the version that the request speaks; objects are judged in the stored one.</summary>
    public ResourceInfo Served { get; init; } = Resource;

    /// <summary>Texts for Warning headers.</summary>
    public List<string> Warnings { get; } = [];
}

/// <summary>
/// What a kind does beside the generic path (metadata, generation, defaulting, admission are generic): resets,
/// validation, allocation. <see cref="DefaultStrategy"/> serves kinds that need nothing more.
/// </summary>
public interface IStrategy
{
    /// <summary>Before validation on create: resets what a client may not set (status), fills what the server decides.</summary>
    void PrepareForCreate(JsonObject value, StrategyContext context);

    /// <summary>Before validation on update: keeps what this endpoint may not change (status on the main resource, spec on /status).</summary>
    void PrepareForUpdate(JsonObject value, JsonObject old, StrategyContext context);

    void Validate(JsonObject value, FieldErrors errors, StrategyContext context);

    void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context);

    /// <summary>Reserves what the object needs (addresses, ports) after validation, before the write. Dispose the result to give it back when the write fails; null when there is nothing.</summary>
    IDisposable? Allocate(JsonObject value, JsonObject? old, FieldErrors errors, StrategyContext context);

    /// <summary>After an object is gone or replaced in the store: gives back what it held.</summary>
    void AfterWrite(JsonObject? value, JsonObject? old);

    /// <summary>Begins to write what goes with the object (a Service's IPAddress objects), as the object's own write begins: they share a commit, and the writer has its answer when all are there.</summary>
    Task WriteCompanionsAsync(JsonObject value, JsonObject? old, CancellationToken cancellationToken);

    /// <summary>Takes away what went with the object and does no longer: it is gone or changed, or its own write came to nothing.</summary>
    /// <param name="kept">The object as it stands; null: there is none.</param>
    Task RemoveCompanionsAsync(JsonObject? kept, JsonObject gone, CancellationToken cancellationToken);

    /// <summary>metadata.generation is kept and rises when the spec changes.</summary>
    bool TracksGeneration { get; }

    /// <summary>PUT on a name that does not exist creates it.</summary>
    bool AllowsCreateOnUpdate { get; }

    /// <summary>PUT without a resourceVersion overwrites.</summary>
    bool AllowsUnconditionalUpdate { get; }

    /// <summary>Propagation when a DELETE names none: "Background" or "Orphan".</summary>
    string DefaultPropagation { get; }

    /// <summary>The seconds of grace that this delete gets (pods): 0 removes at once; null: the kind has no graceful deletion.</summary>
    long? GracePeriodSeconds(JsonObject value, long? requested);

    /// <summary>Whether this object must stay in the store although its deletion was asked for and metadata.finalizers is empty (a namespace with spec.finalizers).</summary>
    bool HoldsDeletion(JsonObject value) => false;

    /// <summary>Called when deletionTimestamp was just set and the object stays (grace, finalizers): a namespace turns Terminating.</summary>
    void PrepareForPendingDelete(JsonObject value) { }

    /// <summary>DELETE answers with the object instead of a Status.</summary>
    bool ReturnsDeletedObject { get; }

    /// <summary>The value of a field that a field selector may name beside metadata.name and metadata.namespace; null when the kind does not support it.</summary>
    string? SelectableField(JsonObject value, string field);

    /// <summary>The supported selector fields beside metadata.*.</summary>
    IReadOnlyList<string> SelectableFields { get; }
}
