using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Watch;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>GET of one object and of a collection. Answers are bytes from memory.</summary>
internal sealed class ReadEndpoints(ObjectRegistry registry, ObjectResponder responder, TimeProvider time)
{
    private static readonly TimeSpan FutureWait = TimeSpan.FromSeconds(3);

    private readonly WatchOpener _opener = new(registry.Store, responder, time);

    public ValueTask<ApiResult> GetAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken) =>
        responder.ObjectAsync(request, resource, registry.Get(resource, request.Info.Namespace, request.Info.Name), cancellationToken);

    public async ValueTask<ApiResult> WatchAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken) =>
        await _opener.OpenAsync(request, resource, ListOptions.Parse(request, resource), cancellationToken);

    public async ValueTask<ApiResult> ListAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = MediaTypes.Negotiate(request.Accept);
        var options = ListOptions.Parse(request, resource);
        var page = await ReadPageAsync(resource, options, cancellationToken);
        await resource.PrepareAsync(page.Values, cancellationToken);
        var next = page.Remaining == 0 || page.Last is null ? null : ListOptions.EncodeContinue(page.Revision, page.Last, resource);
        if (accepted.Representation == Representation.Json && !request.Query.Flag("pretty"))
            return new ListResult(Head(resource, page, next, options), page.Values, resource);
        return Tree(request, accepted, resource, page, next, options);
    }

    /// <summary>The objects that a list or a collection delete is about.</summary>
    public async ValueTask<ListPage> ReadPageAsync(ServedResource resource, ListOptions options, CancellationToken cancellationToken)
    {
        if (options.ExactKey is { } key && !options.IsExact && options.ResourceVersion <= registry.Store.CurrentRevision)
        {
            // The revision is read first: the object may then be newer, never older, than the list says.
            var revision = registry.Store.CurrentRevision;
            var value = registry.Store.Get(key);
            if (value is not null) await resource.PrepareAsync([value], cancellationToken);
            return new ListPage(value is not null && options.Selection.Matches(value) ? [value] : [], Math.Max(revision, value?.ModRevision ?? 0), 0, null);
        }
        return await ReadRangeAsync(resource, options, cancellationToken);
    }

    private async ValueTask<ListPage> ReadRangeAsync(ServedResource resource, ListOptions options, CancellationToken cancellationToken)
    {
        var store = registry.Store;
        if (options.ResourceVersion > store.CurrentRevision) await WaitForRevisionAsync(options, cancellationToken);
        var revision = options.IsExact ? options.ResourceVersion : 0;
        if (options.Selection.IsEverything && options.ExactKey is null)
        {
            var range = await RangeAsync(new RangeRequest(options.Prefix, options.StartAfter, options.Limit, revision), options, cancellationToken);
            return new(range.Values, range.Revision, range.Remaining, range.Values.Count == 0 ? null : range.Values[^1].Key);
        }

        var matching = new List<StoredValue>();
        var after = options.StartAfter;
        // With a limit, pages of the store are read until enough objects match.
        var pageSize = options.Limit == 0 ? 0 : Math.Max(options.Limit, 500);
        while (true)
        {
            var range = await RangeAsync(new RangeRequest(options.Prefix, after, pageSize, revision), options, cancellationToken);
            revision = range.Revision;
            if (options.Selection.HasFields) await resource.PrepareAsync(range.Values, cancellationToken);
            for (var i = 0; i < range.Values.Count; i++)
            {
                var value = range.Values[i];
                after = value.Key;
                if ((options.ExactKey is not null && value.Key != options.ExactKey) || !options.Selection.Matches(value)) continue;
                matching.Add(value);
                if (matching.Count == options.Limit) return new(matching, revision, range.Remaining + range.Values.Count - 1 - i, after);
            }
            if (range.Remaining == 0 || pageSize == 0) return new(matching, revision, 0, null);
        }
    }

    private async ValueTask<RangeResult> RangeAsync(RangeRequest range, ListOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await registry.Store.RangeAsync(range, cancellationToken);
        }
        catch (CompactedException) when (options.StartAfter is not null)
        {
            throw ApiException.Expired("The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.");
        }
        catch (CompactedException exception)
        {
            throw ApiException.Expired($"The resourceVersion for the provided list is too old: {exception.Requested}; the oldest available is {exception.Compacted + 1}.");
        }
    }

    /// <summary>A version from the future may come soon; upstream waits three seconds for it.</summary>
    private async ValueTask WaitForRevisionAsync(ListOptions options, CancellationToken cancellationToken)
    {
        var store = registry.Store;
        using var alarm = new CancellationTokenSource(FutureWait, time);
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        try
        {
            await using var watch = store.Watch("", store.CurrentRevision);
            while (store.CurrentRevision < options.ResourceVersion && await watch.WaitToReadAsync(wait.Token))
            {
                while (watch.TryRead(out _)) continue;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw StatusObjects.TooLargeResourceVersion(options.ResourceVersion, store.CurrentRevision);
        }
    }

    private static ReadOnlyMemory<byte> Head(ServedResource resource, ListPage page, string? next, ListOptions options)
    {
        var rest = new StringBuilder(64).Append(page.Revision.ToString(CultureInfo.InvariantCulture)).Append('"');
        if (next is not null) rest.Append(",\"continue\":\"").Append(next).Append('"');
        if (next is not null && options.Selection.IsEverything) rest.Append(",\"remainingItemCount\":").Append(page.Remaining.ToString(CultureInfo.InvariantCulture));
        rest.Append("},\"items\":[");
        var head = new byte[resource.ListHead.Length + rest.Length];
        resource.ListHead.CopyTo(head);
        Encoding.ASCII.GetBytes(rest.ToString(), head.AsSpan(resource.ListHead.Length));
        return head;
    }

    private ApiResult Tree(ApiRequest request, AcceptedType accepted, ServedResource resource, ListPage page, string? next, ListOptions options)
    {
        var fields = new JsonObject();
        if (next is not null) fields["continue"] = next;
        if (next is not null && options.Selection.IsEverything) fields["remainingItemCount"] = page.Remaining;
        var version = page.Revision.ToString(CultureInfo.InvariantCulture);
        var items = page.Values.Select(resource.Decode);
        if (accepted.Representation == Representation.Table)
            return ObjectResponder.Json(request, responder.Table(request, accepted, resource, items, version, fields));

        var isMetadata = accepted.Representation == Representation.PartialMetadata;
        var list = new JsonObject
        {
            ["kind"] = isMetadata ? "PartialObjectMetadataList" : resource.Info.ListKind,
            ["apiVersion"] = isMetadata ? $"meta.k8s.io/{accepted.Version}" : resource.Info.GroupVersionKind.ApiVersion,
            ["metadata"] = ObjectResponder.ListMeta(version, fields),
            ["items"] = new JsonArray([.. items.Select(item => isMetadata ? ObjectResponder.PartialMetadata(item, accepted.Version) : item.DeepClone())]),
        };
        return accepted.Representation == Representation.Yaml ? ObjectResponder.Yaml(list) : ObjectResponder.Json(request, list);
    }
}

/// <param name="Remaining">How many keys follow; with a selector not all of them match.</param>
/// <param name="Last">The key after which the next page starts.</param>
internal sealed record ListPage(IReadOnlyList<StoredValue> Values, long Revision, int Remaining, string? Last);
