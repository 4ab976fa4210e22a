using System.IO.Compression;
using LiteKube.ApiServer.Watch;
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

/// <summary>A large document that is kept compressed and goes out as it is to those who take it so.</summary>
internal sealed class CompressedResult(ReadOnlyMemory<byte> gzip) : ApiResult
{
    public ReadOnlyMemory<byte> Gzip { get; } = gzip;

    public byte[] Unpack()
    {
        using var packed = new GZipStream(new MemoryStream(Gzip.ToArray()), CompressionMode.Decompress);
        using var body = new MemoryStream();
        packed.CopyTo(body);
        return body.ToArray();
    }
}

/// <summary>A watch: frames until its end.</summary>
internal sealed class WatchResult(WatchStream stream) : ApiResult
{
    public WatchStream Stream { get; } = stream;
}

/// <summary>The connection itself is the answer: exec, logs, port-forward, proxy. Only HTTP can give it.</summary>
internal class ConnectResult(ApiRequest request, Func<HttpContext, CancellationToken, Task> run) : ApiResult
{
    public ApiRequest Request { get; } = request;
    public Func<HttpContext, CancellationToken, Task> Run { get; } = run;
}

/// <summary>Another server's answer: passed on over HTTP as it comes, read here for a component of this process.</summary>
/// <param name="send">Asks for the answer; its body is still to come.</param>
internal sealed class RelayedResult(ApiRequest request, Func<HttpContext, CancellationToken, Task> run, Func<CancellationToken, Task<HttpResponseMessage>> send) : ConnectResult(request, run)
{
    public Func<CancellationToken, Task<HttpResponseMessage>> Send { get; } = send;
}
