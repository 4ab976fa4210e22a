using System.IO.Compression;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>Writes bodies that are there in full, compressed where that is worth it.</summary>
internal static class ResponseBodies
{
    /// <summary>Upstream's threshold: smaller answers cost more to compress than to send.</summary>
    private const int GzipThresholdBytes = 128 * 1024;

    public static ValueTask WriteAsync(HttpContext context, BytesResult bytes, CancellationToken cancellationToken) => WithinLimitAsync(context, WriteBytesAsync(context, bytes.Body, cancellationToken));

    public static ValueTask WriteAsync(HttpContext context, CompressedResult packed, CancellationToken cancellationToken) => WithinLimitAsync(context, WriteCompressedAsync(context, packed, cancellationToken));

    public static ValueTask WriteAsync(HttpContext context, ListResult list, CancellationToken cancellationToken) => WithinLimitAsync(context, WriteListAsync(context, list, cancellationToken));

    private static async ValueTask WriteBytesAsync(HttpContext context, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var response = context.Response;
        if (response.StatusCode == 304) return;
        if (body.Length > GzipThresholdBytes && BeginGzip(context) is { } gzip)
        {
            await using (gzip) await gzip.WriteAsync(body, cancellationToken);
            return;
        }
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await response.BodyWriter.WriteAsync(body, cancellationToken);
    }

    private static async ValueTask WriteCompressedAsync(HttpContext context, CompressedResult packed, CancellationToken cancellationToken)
    {
        if (!AcceptsGzip(context))
        {
            await WriteBytesAsync(context, packed.Unpack(), cancellationToken);
            return;
        }
        context.Response.Headers.ContentEncoding = "gzip";
        context.Response.Headers.Append("Vary", "Accept-Encoding");
        context.Response.ContentLength = packed.Gzip.Length;
        await context.Response.BodyWriter.WriteAsync(packed.Gzip, cancellationToken);
    }

    private static bool AcceptsGzip(HttpContext context) =>
        context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase) && !HttpMethods.IsHead(context.Request.Method);

    private static async ValueTask WriteListAsync(HttpContext context, ListResult list, CancellationToken cancellationToken)
    {
        var response = context.Response;
        var length = list.Length;
        if (length > GzipThresholdBytes && BeginGzip(context) is { } gzip)
        {
            await using (gzip)
            {
                var writer = System.IO.Pipelines.PipeWriter.Create(gzip, new(leaveOpen: true));
                await list.WriteAsync(writer, cancellationToken);
                await writer.CompleteAsync();
            }
            return;
        }
        response.ContentLength = length;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await list.WriteAsync(response.BodyWriter, cancellationToken);
        await response.BodyWriter.FlushAsync(cancellationToken);
    }

    private static GZipStream? BeginGzip(HttpContext context)
    {
        if (!AcceptsGzip(context)) return null;
        context.Response.Headers.ContentEncoding = "gzip";
        context.Response.Headers.Append("Vary", "Accept-Encoding");
        return new GZipStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
    }

    /// <summary>A client that does not read would keep its seat: it is left after a minute, as upstream leaves it.</summary>
    private static async ValueTask WithinLimitAsync(HttpContext context, ValueTask writing)
    {
        if (writing.IsCompleted)
        {
            await writing;
            return;
        }
        var task = writing.AsTask();
        try
        {
            await task.WaitAsync(RequestDeadlines.Limit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            context.Abort();
            await task;
        }
    }
}
