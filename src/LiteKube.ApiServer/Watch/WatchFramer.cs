using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Tables;
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
/// Writes watch events: JSON lines <c>{"type":"ADDED","object":...}</c>, or protobuf messages behind their lengths.
/// Stored bytes go from memory into the transport's buffer; only other representations build trees.
/// </summary>
internal sealed class WatchFramer(ApiRequest request, ServedResource resource, AcceptedType accepted, ObjectResponder responder)
{
    private const string InitialEventsEnd = "k8s.io/initial-events-end";

    private readonly bool _isProtobuf = accepted.Format == BodyFormat.Protobuf;
    private bool _columnsSent;

    public static string ContentType(AcceptedType accepted) => accepted.Format == BodyFormat.Protobuf ? ProtobufEnvelope.ContentType + ";stream=watch" : ApiResult.Json;

    public void WriteObject(IBufferWriter<byte> writer, WatchEventType type, StoredValue value)
    {
        switch (accepted.Shape)
        {
            case BodyShape.Table:
                WriteTree(writer, type, resource.Decode(value));
                break;
            case BodyShape.PartialMetadata:
                WriteJson(writer, type, PartialMetadata.Of(resource.Represent(value).Span, accepted.Version), PartialMetadata.ApiVersion(accepted.Version), PartialMetadata.Kind);
                break;
            default:
                if (_isProtobuf && resource.Custom is null) ProtobufEnvelope.WriteEvent(writer, NameOf(type), resource.RepresentProtobuf(value).Bytes);
                else WriteFrame(writer, type, resource.Represent(value).Span);
                break;
        }
    }

    /// <summary>An event whose object is a tree: an object that left the selection, at the revision of its leaving.</summary>
    public void WriteTree(IBufferWriter<byte> writer, WatchEventType type, JsonObject value)
    {
        var node = accepted.Shape switch
        {
            BodyShape.Table => Table(value, include: null),
            BodyShape.PartialMetadata => PartialMetadata.Of(value, accepted.Version),
            _ => value,
        };
        WriteJson(writer, type, ObjectWriter.Write(node), node["apiVersion"]!.GetValue<string>(), node["kind"]!.GetValue<string>());
    }

    /// <summary>An object of the kind with nothing in it but the revision.</summary>
    public void WriteBookmark(IBufferWriter<byte> writer, long revision, bool endsInitialEvents)
    {
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture) };
        if (endsInitialEvents) metadata["annotations"] = new JsonObject { [InitialEventsEnd] = "true" };
        var bookmark = new JsonObject { ["kind"] = resource.Info.Kind, ["apiVersion"] = resource.ApiVersion, ["metadata"] = metadata };
        foreach (var (name, value) in resource.EmptyObject)
        {
            if (!bookmark.ContainsKey(name)) bookmark[name] = value?.DeepClone();
        }
        if (accepted.Shape != BodyShape.Table || !endsInitialEvents)
        {
            WriteTree(writer, WatchEventType.Bookmark, bookmark);
            return;
        }
        // The annotation must reach the client whatever part of the objects it asked for.
        var include = ObjectResponder.IncludeOf(request);
        WriteFrame(writer, WatchEventType.Bookmark, ObjectWriter.Write(Table(bookmark, include == IncludeObject.None ? IncludeObject.Metadata : include)));
    }

    public void WriteError(IBufferWriter<byte> writer, ApiException error) => WriteJson(writer, WatchEventType.Error, ObjectWriter.Write(StatusObjects.Failure(error)), "v1", "Status");

    private JsonObject Table(JsonObject value, IncludeObject? include)
    {
        var table = responder.Table(request, accepted, resource.Info, [value], value.ResourceVersion(), null, withColumns: !_columnsSent, include);
        _columnsSent = true;
        return table;
    }

    private void WriteJson(IBufferWriter<byte> writer, WatchEventType type, byte[] json, string apiVersion, string kind)
    {
        if (_isProtobuf) ProtobufEnvelope.WriteEvent(writer, NameOf(type), BodyEncoder.ToProtobuf(json, apiVersion, kind));
        else WriteFrame(writer, type, json);
    }

    private static ReadOnlySpan<byte> NameOf(WatchEventType type) => type switch
    {
        WatchEventType.Added => "ADDED"u8,
        WatchEventType.Modified => "MODIFIED"u8,
        WatchEventType.Deleted => "DELETED"u8,
        WatchEventType.Bookmark => "BOOKMARK"u8,
        _ => "ERROR"u8,
    };

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
