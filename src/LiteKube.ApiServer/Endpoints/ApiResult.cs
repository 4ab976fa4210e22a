using System.Buffers;
using System.IO.Pipelines;
using LiteKube.ApiServer.Watch;
using LiteKube.Storage;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>What the pipeline answers; the transport writes it.</summary>
internal abstract class ApiResult
{
    public const string Json = "application/json";

    public int StatusCode { get; init; } = 200;
    public string ContentType { get; init; } = Json;
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>A complete body.</summary>
internal sealed class BytesResult(ReadOnlyMemory<byte> body) : ApiResult
{
    public ReadOnlyMemory<byte> Body { get; } = body;
}

/// <summary>A list put together from stored bytes while it is written; nothing is parsed or copied before.</summary>
/// <param name="head">Up to and with <c>"items":[</c>.</param>
/// <param name="represent">The bytes of one item.</param>
internal sealed class ListResult(ReadOnlyMemory<byte> head, IReadOnlyList<StoredValue> values, Registry.ServedResource resource) : ApiResult
{
    private const int FlushBytes = 128 * 1024;

    /// <summary>Bytes of the whole body.</summary>
    public long Length
    {
        get
        {
            long length = head.Length + 2 + Math.Max(0, values.Count - 1);
            for (var i = 0; i < values.Count; i++) length += Item(i, out var braces).Length + (braces ? 1 : 0);
            return length;
        }
    }

    public async ValueTask WriteAsync(PipeWriter writer, CancellationToken cancellationToken)
    {
        writer.Write(head.Span);
        var unflushed = 0;
        for (var i = 0; i < values.Count; i++)
        {
            unflushed += WriteItem(writer, i);
            if (unflushed < FlushBytes) continue;
            unflushed = 0;
            var flush = await writer.FlushAsync(cancellationToken);
            if (flush.IsCompleted) return;
        }
        writer.Write("]}"u8);
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        var at = 0;
        head.Span.CopyTo(bytes);
        at += head.Length;
        for (var i = 0; i < values.Count; i++)
        {
            if (i > 0) bytes[at++] = (byte)',';
            var item = Item(i, out var braces);
            if (braces) bytes[at++] = (byte)'{';
            item.CopyTo(bytes.AsSpan(at));
            at += item.Length;
        }
        "]}"u8.CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    private int WriteItem(PipeWriter writer, int index)
    {
        var item = Item(index, out var braces);
        var span = writer.GetSpan(item.Length + 2);
        var at = 0;
        if (index > 0) span[at++] = (byte)',';
        if (braces) span[at++] = (byte)'{';
        item.CopyTo(span[at..]);
        writer.Advance(at + item.Length);
        return at + item.Length;
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

/// <summary>A watch: frames until its end.</summary>
internal sealed class WatchResult(WatchStream stream) : ApiResult
{
    public WatchStream Stream { get; } = stream;
}

/// <summary>The connection itself is the answer: exec, logs, port-forward, proxy. Only HTTP can give it.</summary>
internal sealed class ConnectResult(ApiRequest request, Func<HttpContext, CancellationToken, Task> run) : ApiResult
{
    public ApiRequest Request { get; } = request;
    public Func<HttpContext, CancellationToken, Task> Run { get; } = run;
}
