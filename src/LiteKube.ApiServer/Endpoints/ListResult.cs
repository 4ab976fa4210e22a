using System.Buffers;
using System.IO.Pipelines;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>A list put together from its items' bytes while it is written; nothing is parsed or copied before.</summary>
internal abstract class ListResult(ReadOnlyMemory<byte> head, int count) : ApiResult
{
    private const int FlushBytes = 128 * 1024;

    /// <summary>Bytes of the whole body.</summary>
    public abstract long Length { get; }

    /// <summary>What follows the last item.</summary>
    protected abstract ReadOnlySpan<byte> End { get; }

    /// <summary>The bytes of one item.</summary>
    /// <param name="before">Room for what stands before them.</param>
    /// <param name="length">How much of it is used.</param>
    protected abstract ReadOnlySpan<byte> Item(int index, Span<byte> before, out int length);

    public async ValueTask WriteAsync(PipeWriter writer, CancellationToken cancellationToken)
    {
        writer.Write(head.Span);
        var unflushed = 0;
        for (var i = 0; i < count; i++)
        {
            unflushed += WriteItem(writer, i);
            if (unflushed < FlushBytes) continue;
            unflushed = 0;
            var flush = await writer.FlushAsync(cancellationToken);
            if (flush.IsCompleted) return;
        }
        writer.Write(End);
    }

    public byte[] ToArray()
    {
        var body = new ArrayBufferWriter<byte>((int)Length);
        body.Write(head.Span);
        for (var i = 0; i < count; i++) WriteItem(body, i);
        body.Write(End);
        return body.WrittenSpan.ToArray();
    }

    private int WriteItem(IBufferWriter<byte> writer, int index)
    {
        Span<byte> before = stackalloc byte[ProtobufEnvelope.MaxItemHead];
        var item = Item(index, before, out var length);
        var span = writer.GetSpan(length + item.Length);
        before[..length].CopyTo(span);
        item.CopyTo(span[length..]);
        writer.Advance(length + item.Length);
        return length + item.Length;
    }
}

/// <param name="head">Up to and with <c>"items":[</c>.</param>
internal sealed class JsonListResult(ReadOnlyMemory<byte> head, IReadOnlyList<StoredValue> values, ServedResource resource) : ListResult(head, values.Count)
{
    private readonly int _headLength = head.Length;

    public override long Length
    {
        get
        {
            long length = _headLength + 2 + Math.Max(0, values.Count - 1);
            for (var i = 0; i < values.Count; i++) length += Item(i, out var braces).Length + (braces ? 1 : 0);
            return length;
        }
    }

    protected override ReadOnlySpan<byte> End => "]}"u8;

    protected override ReadOnlySpan<byte> Item(int index, Span<byte> before, out int length)
    {
        var item = Item(index, out var braces);
        length = 0;
        if (index > 0) before[length++] = (byte)',';
        if (braces) before[length++] = (byte)'{';
        return item;
    }

    /// <summary>Kubernetes leaves kind and apiVersion out of the items of its own kinds: the list says them once.</summary>
    private ReadOnlySpan<byte> Item(int index, out bool needsBrace)
    {
        var bytes = resource.Represent(values[index]).Span;
        var typeMeta = resource.TypeMeta.Span;
        needsBrace = bytes.StartsWith(typeMeta);
        return needsBrace ? bytes[typeMeta.Length..] : bytes;
    }
}

/// <summary>The same in protobuf: an envelope around the list's metadata and its items' messages.</summary>
internal sealed class ProtobufListResult : ListResult
{
    private readonly byte[] _head;
    private readonly ProtobufObject[] _items;
    private readonly long _itemsLength;

    private ProtobufListResult(byte[] head, ProtobufObject[] items, long itemsLength) : base(head, items.Length) => (_head, _items, _itemsLength) = (head, items, itemsLength);

    public override long Length => _head.Length + _itemsLength + End.Length;

    protected override ReadOnlySpan<byte> End => ProtobufEnvelope.ListEnd;

    /// <param name="metadata">The list's, as JSON.</param>
    public static ProtobufListResult Of(string apiVersion, string kind, ReadOnlySpan<byte> metadata, ProtobufObject[] items)
    {
        var length = items.Sum(i => (long)ProtobufEnvelope.ItemLength(i.Message.Length));
        return new(ProtobufEnvelope.ListHead(apiVersion, kind, metadata, length), items, length) { ContentType = ProtobufEnvelope.ContentType };
    }

    protected override ReadOnlySpan<byte> Item(int index, Span<byte> before, out int length)
    {
        var message = _items[index].Message;
        length = ProtobufEnvelope.WriteItemHead(before, message.Length);
        return message;
    }
}
