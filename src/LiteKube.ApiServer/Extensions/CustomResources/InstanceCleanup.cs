using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Deletes the instances of a CRD that is being deleted, waits until the last one is gone, and lets the CRD go.</summary>
internal sealed class InstanceCleanup(string name, IObjectReader objects, ObjectRegistry registry, CustomResourceSet resources, DefinitionWriter writer, TimeProvider time)
{
    private const int Parallelism = 32;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly UserInfo Server = new("system:apiserver", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await SayAsync("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress", isLast: false, cancellationToken);
        if (objects.Get(Definition.Resource, "", name) is not { } value) return;
        if (!new Definition(value).IsTrue(DefinitionConditions.Established) || resources.Stored(name) is not { } stored)
        {
            await SayAsync("False", "NeverEstablished", "resource was never established", isLast: true, cancellationToken);
            return;
        }
        while (await DeleteAllAsync(stored, cancellationToken) is { } revision)
        {
            if (!await WaitForChangeAsync(stored, revision, cancellationToken))
                await SayAsync("True", "InstanceDeletionCheck", "could not confirm zero CustomResources remaining: timed out waiting for the condition", isLast: false, cancellationToken);
        }
        await SayAsync("False", "InstanceDeletionCompleted", "removed all instances", isLast: true, cancellationToken);
    }

    /// <returns>Null: there are none left; otherwise the revision at which they were seen.</returns>
    private async Task<long?> DeleteAllAsync(ServedResource stored, CancellationToken cancellationToken)
    {
        var range = await registry.Store.RangeAsync(new RangeRequest(stored.KeyRoot), cancellationToken);
        if (range.Values.Count == 0) return null;
        try
        {
            await Parallel.ForEachAsync(range.Values, new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken }, async (value, cancellation) =>
            {
                // One that waits for its finalizers has been told already.
                if (ObjectView.Of(value).Decode().IsBeingDeleted()) return;
                await DeleteAsync(stored, value, cancellation);
            });
        }
        catch (ApiException exception)
        {
            await SayAsync("True", "InstanceDeletionFailed", $"could not issue all deletes: {exception.Message}", isLast: false, cancellationToken);
            throw;
        }
        range = await registry.Store.RangeAsync(new RangeRequest(stored.KeyRoot), cancellationToken);
        return range.Values.Count == 0 ? null : range.Revision;
    }

    private async ValueTask DeleteAsync(ServedResource stored, StoredValue value, CancellationToken cancellationToken)
    {
        var info = stored.Info.Resource;
        var request = new WriteRequest
        {
            Resource = stored,
            User = Server,
            SkipAdmission = true,
            Info = new RequestInfo { Verb = "delete", Path = "", IsResourceRequest = true, Group = info.Group, Version = info.Version, Resource = info.Resource, Namespace = stored.NamespaceOf(value.Key), Name = stored.NameOf(value.Key) },
        };
        try
        {
            await registry.DeleteAsync(request, new DeleteOptions(), cancellationToken);
        }
        catch (ApiException exception) when (exception.Reason == "NotFound")
        {
            // Gone meanwhile, as wished.
            return;
        }
    }

    /// <returns>False: nothing happened for a minute.</returns>
    private async Task<bool> WaitForChangeAsync(ServedResource stored, long revision, CancellationToken cancellationToken)
    {
        using var alarm = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        await using var watch = registry.Store.Watch(stored.KeyRoot, revision);
        try
        {
            await watch.WaitToReadAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task SayAsync(string status, string reason, string message, bool isLast, CancellationToken cancellationToken)
    {
        while (objects.Get(Definition.Resource, "", name) is { } standing && standing.IsBeingDeleted())
        {
            if (!isLast && DefinitionConditions.Says(standing, DefinitionConditions.Terminating, status, reason, message)) return;
            var changed = (JsonObject)standing.DeepClone();
            DefinitionConditions.Set(changed, DefinitionConditions.Terminating, status, reason, message, time.GetUtcNow());
            if (isLast && changed.Metadata().Arr("finalizers") is { } finalizers)
            {
                for (var i = finalizers.Count - 1; i >= 0; i--)
                {
                    if (JsonFields.AsText(finalizers[i]) == Definition.CleanupFinalizer) finalizers.RemoveAt(i);
                }
                if (finalizers.Count == 0) changed.Metadata().Remove("finalizers");
            }
            if (await writer.WriteStatusAsync(changed, cancellationToken)) return;
        }
    }
}
