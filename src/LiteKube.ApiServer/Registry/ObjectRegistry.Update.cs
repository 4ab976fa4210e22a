using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Registry.Ownership;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>The object as it shall be, made from the one that stands: once for a PUT, again after each lost race for a patch.</summary>
/// <param name="current">The standing object in the request's version, read-only; null when there is none.</param>
/// <param name="standing">The same as it is stored.</param>
internal delegate ValueTask<JsonObject> UpdatedObject(JsonObject? current, StoredValue? standing, CancellationToken cancellationToken);

internal sealed partial class ObjectRegistry
{
    /// <summary>Upstream tries until it wins or its time is up. Each round that one writer loses another wins, so this many end only what is hopeless: on a busy machine a writer may lose a hundred in a row.</summary>
    private const int MaxUpdateAttempts = 10_000;
    private const string ModifiedMessage = "the object has been modified; please apply your changes to the latest version and try again";

    /// <param name="createsMissing">A PUT or apply on a name that does not exist may create it; runs before the creation (the create verb is authorized there).</param>
    /// <param name="alwaysCreates">An apply creates what is missing whatever the kind.</param>
    public async ValueTask<(StoredValue Value, bool Created)> UpdateAsync(WriteRequest request, UpdatedObject update, Action? createsMissing, CancellationToken cancellationToken, bool alwaysCreates = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            var current = store.Get(request.Key);
            if (current is null)
            {
                if (createsMissing is null || !(alwaysCreates || request.Resource.Strategy.AllowsCreateOnUpdate) || request.Subresource.Length > 0)
                    throw ApiException.NotFound(request.Resource.GroupResource, request.Name);
                createsMissing();
                var value = await update(null, null, cancellationToken);
                value.Metadata().Remove("resourceVersion");
                try
                {
                    return (await CreateAsync(request, value, cancellationToken), true);
                }
                catch (ApiException exception) when (alwaysCreates && exception.Reason == "AlreadyExists" && attempt < MaxUpdateAttempts)
                {
                    // Another apply came first: this one merges into what that one made.
                    continue;
                }
            }

            await request.Resource.PrepareAsync([current], cancellationToken);
            var live = request.Resource.Decode(current);
            var served = await update(live, current, cancellationToken);
            CheckConditions(request, served, current);
            var managed = OwnershipRecorder.AfterUpdate(request, current, live, served, time.GetUtcNow());
            if (await TryUpdateAsync(request, ToStored(request.Resource, served), managed, current, cancellationToken) is { } written) return (written, false);
            // A version that the client demands is refused by the next round's conditions; a patch's is that round's own.
            if (attempt == MaxUpdateAttempts) throw ApiException.Conflict(request.Resource.GroupResource, request.Name, ModifiedMessage);
        }
    }

    private static void CheckConditions(WriteRequest request, JsonObject value, StoredValue current)
    {
        var resource = request.Resource;
        var old = ObjectView.Of(current).Decode();
        if (value.Uid() is { Length: > 0 } uid && uid != old.Uid())
            throw ApiException.Conflict(resource.GroupResource, request.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {old.Uid()}");
        var version = value.ResourceVersion();
        if (version is "" or "0")
        {
            if (resource.Strategy.AllowsUnconditionalUpdate) return;
            var errors = new FieldErrors();
            errors.Invalid(FieldPath.Of("metadata").Child("resourceVersion"), 0, "must be specified for an update");
            throw ApiException.Invalid(resource.Info.GroupVersionKind, request.Name, errors);
        }
        if (!ulong.TryParse(version, out _))
        {
            var errors = new FieldErrors();
            errors.Invalid(FieldPath.Of("metadata").Child("resourceVersion"), version, $"strconv.ParseUint: parsing \"{version}\": invalid syntax");
            throw ApiException.Invalid(resource.Info.GroupVersionKind, request.Name, errors);
        }
        if (version != old.ResourceVersion()) throw ApiException.Conflict(resource.GroupResource, request.Name, ModifiedMessage);
    }

    /// <summary>Null: another write came first.</summary>
    private async ValueTask<StoredValue?> TryUpdateAsync(WriteRequest request, JsonObject value, ManagedFieldsList managed, StoredValue current, CancellationToken cancellationToken)
    {
        var strategy = request.Resource.Strategy;
        var context = request.StrategyContext();
        var old = request.Resource.DecodeStanding(current);

        ObjectMetaRules.SetNamespace(value.Metadata(), request.StoredInfo, request.Namespace);
        var attributes = admission.Attributes(request, AdmissionOperation.Update, value, old, managed);
        await admission.MutateAsync(attributes, cancellationToken);
        if (attributes is not null) (value, managed) = (attributes.Object!, attributes.Owners);

        ObjectMetaRules.PrepareForUpdate(value, old, request.StoredInfo, request.Namespace);
        strategy.PrepareForUpdate(value, old, context);
        // Being bound is not a new wish of the user, and a status is none at all.
        if (strategy.TracksGeneration && request.Subresource is not ("binding" or "status") && HasNewDesire(value, old)) value.Metadata()["generation"] = (old.Metadata().Number("generation") ?? 0) + 1;

        var errors = new FieldErrors();
        ObjectMetaRules.ValidateUpdate(value, old, request.StoredInfo, errors);
        strategy.ValidateUpdate(value, old, errors, context);
        ThrowIfInvalid(request, value, errors);
        await admission.ValidateAsync(attributes, cancellationToken);

        var reservation = strategy.Allocate(value, old, errors, context);
        var kept = false;
        try
        {
            ThrowIfInvalid(request, value, errors);
            request.Warnings.AddRange(context.Warnings);
            var encoded = await EncodeUpdateAsync(request.Resource, value, managed, current, cancellationToken);
            var template = new ValueTemplate(encoded.Utf8, encoded.ResourceVersionOffset);
            var removes = IsReadyToGo(strategy, value);
            if (request.DryRun) return new StoredValue(request.Key, WithRevision(encoded, old.ResourceVersion()), current.CreateRevision, current.ModRevision);
            // Nothing changed: no write, no event, the revision stays, as upstream's etcd3 store does; unless the disk
            // holds it under a key that is no longer the first.
            if (!removes && IsSame(encoded, current) && !store.IsStale(current)) return current;
            var companions = removes ? Task.CompletedTask : strategy.WriteCompanionsAsync(value, old, CancellationToken.None);
            var result = removes
                ? await store.DeleteAsync(request.Key, current.ModRevision, template, cancellationToken)
                : await store.PutAsync(request.Key, template, current.ModRevision, cancellationToken);
            if (!companions.IsCompletedSuccessfully) await companions;
            if (result.Status == WriteStatus.Conflict)
            {
                await strategy.RemoveCompanionsAsync(old, value, CancellationToken.None);
                return null;
            }
            kept = true;
            if (!removes) ObjectView.Of(result.Value!).Remember(managed);
            strategy.AfterWrite(removes ? null : value, old);
            await strategy.RemoveCompanionsAsync(removes ? null : value, old, CancellationToken.None);
            return result.Value;
        }
        finally
        {
            if (!kept) reservation?.Dispose();
        }
    }

    /// <summary>Times alone are no change: with nothing else new the owners' times stay what they were.</summary>
    private static async ValueTask<EncodedObject> EncodeUpdateAsync(ServedResource resource, JsonObject value, ManagedFieldsList managed, StoredValue current, CancellationToken cancellationToken)
    {
        var encoded = await EncodeAsync(resource, value, managed, cancellationToken);
        var standing = ObjectView.Of(current).ManagedFields;
        if (ReferenceEquals(managed, standing) || !managed.SaysTheSameAs(standing)) return encoded;
        var withTimes = await EncodeAsync(resource, value, standing, cancellationToken);
        return IsSame(withTimes, current) ? withTimes : encoded;
    }

    /// <summary>An object whose deletion was asked for goes when the last finalizer goes.</summary>
    private static bool IsReadyToGo(IStrategy strategy, JsonObject value) =>
        value.IsBeingDeleted() && !value.HasFinalizers() && (value.Metadata().Number("deletionGracePeriodSeconds") ?? 0) == 0 && !strategy.HoldsDeletion(value);

    /// <summary>Anything beside metadata and status differs: the generation rises.</summary>
    private static bool HasNewDesire(JsonObject value, JsonObject old)
    {
        foreach (var (field, node) in value)
        {
            if (field is not ("metadata" or "status" or "kind" or "apiVersion") && !JsonNode.DeepEquals(node, old[field])) return true;
        }
        foreach (var (field, _) in old)
        {
            if (field is not ("metadata" or "status" or "kind" or "apiVersion") && !value.ContainsKey(field)) return true;
        }
        return false;
    }
}
