using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Watch;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>GET of one object and of a collection. Answers are bytes from memory.</summary>
internal sealed class ReadEndpoints(ObjectRegistry registry, ObjectResponder responder, TimeProvider time)
{
    private const string InconsistentContinue =
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
        + "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

    private static readonly TimeSpan FutureWait = TimeSpan.FromSeconds(3);

    private readonly WatchOpener _opener = new(registry.Store, responder, time);

    public ValueTask<ApiResult> GetAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken) =>
        request.RawQuery.Length > 0 && request.Query.Has("resourceVersion") ? GetNotOlderAsync(request, resource, cancellationToken) : Get(request, resource, cancellationToken);

    private ValueTask<ApiResult> Get(ApiRequest request, ServedResource resource, CancellationToken cancellationToken) =>
        responder.ObjectAsync(request, resource, registry.Get(resource, request.Info.Namespace, request.Info.Name), cancellationToken);

    /// <summary>The state is never older than any version that was given out; a version from the future is waited for.</summary>
    private async ValueTask<ApiResult> GetNotOlderAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var version = ListOptions.ParseVersion(resource, isList: false, request.Query.Get("resourceVersion"));
        if (version > registry.Store.CurrentRevision) await WaitForRevisionAsync(version, cancellationToken);
        return await Get(request, resource, cancellationToken);
    }

    public async ValueTask<ApiResult> WatchAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var options = ListOptions.Parse(request, resource);
        // Only a watch that begins with what is there must have it first; another one begins after its version, whenever that comes.
        var isLate = options.SendInitialEvents == true && options.ResourceVersion > registry.Store.CurrentRevision && !await TryWaitForRevisionAsync(options.ResourceVersion, cancellationToken);
        return await _opener.OpenAsync(request, resource, options, isLate ? StatusObjects.TooLargeResourceVersion(options.ResourceVersion, registry.Store.CurrentRevision) : null, cancellationToken);
    }

    public async ValueTask<ApiResult> ListAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var options = ListOptions.Parse(request, resource);
        return await PageAsync(request, accepted, resource, await ReadPageAsync(resource, options, cancellationToken), options, cancellationToken);
    }

    /// <summary>Objects as one list in the representation that the client accepts.</summary>
    public async ValueTask<ApiResult> PageAsync(ApiRequest request, AcceptedType accepted, ServedResource resource, ListPage page, ListOptions options, CancellationToken cancellationToken)
    {
        await resource.PrepareAsync(page.Values, cancellationToken);
        var next = page.Remaining == 0 || page.Last is null ? null : ContinueToken.Encode(page.Revision, page.Last, resource);
        return Page(request, accepted, resource, page, next, options);
    }

    private ApiResult Page(ApiRequest request, AcceptedType accepted, ServedResource resource, ListPage page, string? next, ListOptions options)
    {
        var kind = resource.Info.GroupVersionKind;
        switch (accepted.Shape)
        {
            case BodyShape.Whole when accepted.Format == BodyFormat.Protobuf:
                return ProtobufListResult.Of(kind.ApiVersion, resource.Info.ListKind, Metadata(page, next, options), [.. page.Values.Select(resource.RepresentProtobuf)]);
            case BodyShape.Whole:
                var list = new JsonListResult(Head(resource, page, next, options), page.Values, resource);
                return accepted.IsPlainJson ? list : BodyEncoder.Encode(accepted, list.ToArray(), kind.ApiVersion, resource.Info.ListKind);
            case BodyShape.PartialMetadataList:
                return PartialList(accepted, resource, page, next, options);
            case BodyShape.PartialMetadata:
                throw IsList(resource);
            default:
                var fields = JsonNode.Parse(Metadata(page, next, options))!.AsObject();
                return ObjectResponder.Whole(accepted, responder.Table(request, accepted, resource.Info, page.Values.Select(resource.Decode), fields.Text("resourceVersion"), fields));
        }
    }

    public static ApiException IsList(ServedResource resource) => MediaTypes.NotAcceptable($"you requested PartialObjectMetadata, but the requested object is a list ({resource.GoListType})");

    private static ApiResult PartialList(AcceptedType accepted, ServedResource resource, ListPage page, string? next, ListOptions options)
    {
        const string Kind = "PartialObjectMetadataList";
        var apiVersion = PartialMetadata.ApiVersion(accepted.Version);
        var items = page.Values.Select(v => PartialMetadata.Of(resource.Represent(v).Span, accepted.Version));
        if (accepted.Format == BodyFormat.Protobuf) return ProtobufListResult.Of(apiVersion, Kind, Metadata(page, next, options), [.. items.Select(i => ProtobufEnvelope.Write(i, PartialMetadata.Schema, "", ""))]);
        var body = new ArrayBufferWriter<byte>();
        body.Write(Encoding.UTF8.GetBytes($"{{\"kind\":\"{Kind}\",\"apiVersion\":\"{apiVersion}\",\"metadata\":"));
        body.Write(Metadata(page, next, options));
        body.Write(",\"items\":["u8);
        var isFirst = true;
        foreach (var item in items)
        {
            if (!isFirst) body.Write(","u8);
            isFirst = false;
            body.Write(item);
        }
        body.Write("]}"u8);
        return BodyEncoder.Encode(accepted, body.WrittenSpan.ToArray(), apiVersion, Kind);
    }

    /// <summary>The list's metadata as JSON.</summary>
    private static byte[] Metadata(ListPage page, string? next, ListOptions options) => Encoding.ASCII.GetBytes($"{{\"resourceVersion\":\"{MetadataRest(page, next, options)}}}");

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
        if (options.ResourceVersion > store.CurrentRevision) await WaitForRevisionAsync(options.ResourceVersion, cancellationToken);
        var revision = options.IsExact ? options.ResourceVersion : 0;
        if (options.Selection.IsEverything && options.ExactKey is null)
        {
            var range = await RangeAsync(resource, new RangeRequest(options.Prefix, options.StartAfter, options.Limit, revision), options, cancellationToken);
            return new(range.Values, range.Revision, range.Remaining, range.Values.Count == 0 ? null : range.Values[^1].Key);
        }

        var matching = new List<StoredValue>();
        var after = options.StartAfter;
        // With a limit, pages of the store are read until enough objects match.
        var pageSize = options.Limit == 0 ? 0 : Math.Max(options.Limit, 500);
        while (true)
        {
            var range = await RangeAsync(resource, new RangeRequest(options.Prefix, after, pageSize, revision), options, cancellationToken);
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

    private async ValueTask<RangeResult> RangeAsync(ServedResource resource, RangeRequest range, ListOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await registry.Store.RangeAsync(range, cancellationToken);
        }
        catch (CompactedException) when (options.StartAfter is not null)
        {
            // The token of the answer goes on from the same place in the newest state.
            throw new ApiException(410, "Expired", InconsistentContinue) { Continue = ContinueToken.Encode(-1, options.StartAfter, resource) };
        }
        catch (CompactedException)
        {
            throw ApiException.Expired("The resourceVersion for the provided list is too old.");
        }
    }

    /// <summary>A version from the future may come soon; upstream waits three seconds for it.</summary>
    private async ValueTask WaitForRevisionAsync(long version, CancellationToken cancellationToken)
    {
        if (!await TryWaitForRevisionAsync(version, cancellationToken)) throw StatusObjects.TooLargeResourceVersion(version, registry.Store.CurrentRevision);
    }

    private async ValueTask<bool> TryWaitForRevisionAsync(long version, CancellationToken cancellationToken)
    {
        var store = registry.Store;
        using var alarm = new CancellationTokenSource(FutureWait, time);
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, alarm.Token);
        try
        {
            await using var watch = store.Watch("", store.CurrentRevision);
            while (store.CurrentRevision < version && await watch.WaitToReadAsync(wait.Token))
            {
                while (watch.TryRead(out _)) continue;
            }
            return store.CurrentRevision >= version;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static ReadOnlyMemory<byte> Head(ServedResource resource, ListPage page, string? next, ListOptions options)
    {
        var rest = MetadataRest(page, next, options) + "},\"items\":[";
        var head = new byte[resource.ListHead.Length + rest.Length];
        resource.ListHead.CopyTo(head);
        Encoding.ASCII.GetBytes(rest, head.AsSpan(resource.ListHead.Length));
        return head;
    }

    private static string MetadataRest(ListPage page, string? next, ListOptions options)
    {
        var rest = new StringBuilder(64).Append(page.Revision.ToString(CultureInfo.InvariantCulture)).Append('"');
        if (next is not null) rest.Append(",\"continue\":\"").Append(next).Append('"');
        if (next is not null && options.Selection.IsEverything) rest.Append(",\"remainingItemCount\":").Append(page.Remaining.ToString(CultureInfo.InvariantCulture));
        return rest.ToString();
    }
}

/// <param name="Remaining">How many keys follow; with a selector not all of them match.</param>
/// <param name="Last">The key after which the next page starts.</param>
internal sealed record ListPage(IReadOnlyList<StoredValue> Values, long Revision, int Remaining, string? Last);
