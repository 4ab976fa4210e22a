using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Watch;

internal enum WatchEventType
{
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// <summary>
/// Writes watch events as JSON lines: <c>{"type":"ADDED","object":...}</c>. Stored bytes go from memory into the
/// transport's buffer; only other representations build trees.
/// </summary>
internal sealed class WatchFramer(ApiRequest request, ServedResource resource, AcceptedType accepted, ObjectResponder responder)
{
    private const string InitialEventsEnd = "k8s.io/initial-events-end";

    private bool _columnsSent;

    public void WriteObject(IBufferWriter<byte> writer, WatchEventType type, StoredValue value)
    {
        if (accepted.Representation == Representation.Json)
        {
            WriteFrame(writer, type, resource.Represent(value).Span);
            return;
        }
        WriteTree(writer, type, resource.Decode(value));
    }

    /// <summary>An event whose object is a tree: an object that left the selection, at the revision of its leaving.</summary>
    public void WriteTree(IBufferWriter<byte> writer, WatchEventType type, JsonObject value)
    {
        var node = accepted.Representation switch
        {
            Representation.Table => Table(value),
            Representation.PartialMetadata => ObjectResponder.PartialMetadata(value, accepted.Version),
            _ => value,
        };
        WriteFrame(writer, type, ObjectWriter.Write(node));
    }

    public void WriteBookmark(IBufferWriter<byte> writer, long revision, bool endsInitialEvents)
    {
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture), ["creationTimestamp"] = null };
        if (endsInitialEvents) metadata["annotations"] = new JsonObject { [InitialEventsEnd] = "true" };
        var bookmark = accepted.Representation switch
        {
            Representation.Table => new JsonObject { ["kind"] = "Table", ["apiVersion"] = $"meta.k8s.io/{accepted.Version}", ["metadata"] = metadata, ["columnDefinitions"] = new JsonArray(), ["rows"] = new JsonArray() },
            Representation.PartialMetadata => new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = $"meta.k8s.io/{accepted.Version}", ["metadata"] = metadata },
            _ => new JsonObject { ["kind"] = resource.Info.Kind, ["apiVersion"] = resource.Info.GroupVersionKind.ApiVersion, ["metadata"] = metadata },
        };
        WriteFrame(writer, WatchEventType.Bookmark, ObjectWriter.Write(bookmark));
    }

    public static void WriteError(IBufferWriter<byte> writer, ApiException error) => WriteFrame(writer, WatchEventType.Error, ObjectWriter.Write(StatusObjects.Failure(error)));

    private JsonObject Table(JsonObject value)
    {
        var table = responder.Table(request, accepted, resource, [value], value.ResourceVersion(), null, withColumns: !_columnsSent);
        _columnsSent = true;
        return table;
    }

    private static void WriteFrame(IBufferWriter<byte> writer, WatchEventType type, ReadOnlySpan<byte> value)
    {
        var head = type switch
        {
            WatchEventType.Added => "{\"type\":\"ADDED\",\"object\":"u8,
            WatchEventType.Modified => "{\"type\":\"MODIFIED\",\"object\":"u8,
            WatchEventType.Deleted => "{\"type\":\"DELETED\",\"object\":"u8,
            WatchEventType.Bookmark => "{\"type\":\"BOOKMARK\",\"object\":"u8,
            _ => "{\"type\":\"ERROR\",\"object\":"u8,
        };
        var length = head.Length + value.Length + 2;
        var span = writer.GetSpan(length);
        head.CopyTo(span);
        value.CopyTo(span[head.Length..]);
        "}\n"u8.CopyTo(span[(head.Length + value.Length)..]);
        writer.Advance(length);
    }
}
