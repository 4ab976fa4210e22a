using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Admission;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

internal sealed partial class ObjectRegistry
{
    private const string OrphanFinalizer = "orphan";
    private const string ForegroundFinalizer = "foregroundDeletion";

    public async ValueTask<DeleteResult> DeleteAsync(WriteRequest request, DeleteOptions options, CancellationToken cancellationToken)
    {
        var admitted = false;
        for (var attempt = 1; ; attempt++)
        {
            var current = Get(request.Resource, request.Namespace, request.Name);
            await request.Resource.PrepareAsync([current], cancellationToken);
            var old = request.Resource.DecodeStanding(current);
            CheckPreconditions(request, options, old);
            if (!admitted)
            {
                var attributes = admission.Attributes(request, AdmissionOperation.Delete, null, old);
                await admission.MutateAsync(attributes, cancellationToken);
                await admission.ValidateAsync(attributes, cancellationToken);
                admitted = true;
            }
            if (await TryDeleteAsync(request, options, current, old, cancellationToken) is { } result) return result;
            if (attempt == MaxUpdateAttempts) throw ApiException.Conflict(request.Resource.GroupResource, request.Name, ModifiedMessage);
        }
    }

    private async ValueTask<DeleteResult?> TryDeleteAsync(WriteRequest request, DeleteOptions options, StoredValue current, JsonObject old, CancellationToken cancellationToken)
    {
        var strategy = request.Resource.Strategy;
        var value = (JsonObject)old.DeepClone();
        var finalizersChanged = SetPropagationFinalizers(value, options.Propagation, strategy.DefaultPropagation, request.StoredInfo.Kind != "Event");
        var grace = DecideGrace(strategy, value, options.GracePeriodSeconds);
        if (grace == Grace.AlreadyPending && !finalizersChanged) return new(current, false);

        var stays = grace is Grace.Pending or Grace.AlreadyPending || value.HasFinalizers() || strategy.HoldsDeletion(value);
        if (stays)
        {
            if (grace == Grace.None) MarkForDeletion(value, 0);
            strategy.PrepareForPendingDelete(value);
        }
        value.Metadata().Remove("managedFields");
        var encoded = await EncodeAsync(request.Resource, value, ObjectView.Of(current).ManagedFields, cancellationToken);
        var template = new ValueTemplate(encoded.Utf8, encoded.ResourceVersionOffset);
        if (request.DryRun) return new(new StoredValue(request.Key, WithRevision(encoded, old.ResourceVersion()), current.CreateRevision, current.ModRevision), !stays);
        if (stays && IsSame(encoded, current)) return new(current, false);
        var result = stays
            ? await store.PutAsync(request.Key, template, current.ModRevision, cancellationToken)
            : await store.DeleteAsync(request.Key, current.ModRevision, template, cancellationToken);
        if (result.Status == WriteStatus.Conflict) return null;
        strategy.AfterWrite(stays ? value : null, old);
        if (!stays) await strategy.RemoveCompanionsAsync(null, old, CancellationToken.None);
        return new(result.Value!, !stays);
    }

    private enum Grace
    {
        /// <summary>The object is removed at once, unless finalizers hold it.</summary>
        None,
        /// <summary>deletionTimestamp was set or brought forward; the kubelet ends the wait.</summary>
        Pending,
        /// <summary>An earlier deletion is waiting and this one does not shorten it.</summary>
        AlreadyPending,
    }

    private Grace DecideGrace(IStrategy strategy, JsonObject value, long? requested)
    {
        // Negative periods count as one second.
        if (requested < 0) requested = 1;
        var metadata = value.Metadata();
        if (value.IsBeingDeleted())
        {
            var standing = metadata.Number("deletionGracePeriodSeconds") ?? 0;
            if (standing == 0 || strategy.GracePeriodSeconds(value, requested) is null) return Grace.None;
            if (requested is not { } wish || wish >= standing) return Grace.AlreadyPending;
            if (ObjectFields.TryParseTime(metadata.Text("deletionTimestamp"), out var deadline))
                metadata["deletionTimestamp"] = ObjectFields.FormatTime(deadline.AddSeconds(wish - standing));
            metadata["deletionGracePeriodSeconds"] = wish;
            return wish == 0 ? Grace.None : Grace.Pending;
        }
        if (strategy.GracePeriodSeconds(value, requested) is not { } seconds || seconds <= 0) return Grace.None;
        MarkForDeletion(value, seconds);
        return Grace.Pending;
    }

    private void MarkForDeletion(JsonObject value, long graceSeconds)
    {
        var metadata = value.Metadata();
        if (!value.IsBeingDeleted())
        {
            metadata["deletionTimestamp"] = ObjectFields.FormatTime(time.GetUtcNow().AddSeconds(graceSeconds));
            if (metadata.Number("generation") is > 0 and { } generation) metadata["generation"] = generation + 1;
        }
        metadata["deletionGracePeriodSeconds"] = graceSeconds;
    }

    private static void CheckPreconditions(WriteRequest request, DeleteOptions options, JsonObject old)
    {
        if (options.Uid is { } uid && uid != old.Uid())
            throw ApiException.Conflict(request.Resource.GroupResource, request.Name, $"the UID in the precondition ({uid}) does not match the UID in record ({old.Uid()}). The object might have been deleted and then recreated");
        if (options.ResourceVersion is { } version && version != old.ResourceVersion())
            throw ApiException.Conflict(request.Resource.GroupResource, request.Name, $"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({old.ResourceVersion()}). The object might have been modified");
    }

    /// <summary>
    /// Orphan and Foreground are carried out by the garbage collector, which the finalizer holds the object for. What
    /// the request says comes before the finalizers that are there, and these before the kind's default.
    /// </summary>
    private static bool SetPropagationFinalizers(JsonObject value, string? requested, string byDefault, bool isCollected)
    {
        var finalizers = value.MetadataList("finalizers");
        var policy = requested ?? (finalizers.Contains(OrphanFinalizer) ? "Orphan" : finalizers.Contains(ForegroundFinalizer) ? "Foreground" : byDefault);
        var wanted = finalizers.Where(f => f is not (OrphanFinalizer or ForegroundFinalizer)).ToList();
        if (isCollected && policy == "Orphan") wanted.Add(OrphanFinalizer);
        if (isCollected && policy == "Foreground") wanted.Add(ForegroundFinalizer);
        if (wanted.Count == finalizers.Count && !wanted.Except(finalizers, StringComparer.Ordinal).Any()) return false;
        if (wanted.Count == 0) value.Metadata().Remove("finalizers");
        else value.Metadata()["finalizers"] = new JsonArray([.. wanted.Select(f => (JsonNode)f)]);
        return true;
    }
}
