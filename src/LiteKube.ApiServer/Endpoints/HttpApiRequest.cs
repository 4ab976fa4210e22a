using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>A request that came over HTTP.</summary>
internal sealed class HttpApiRequest(HttpContext context, int maxBodyBytes) : ApiRequest
{
    private ReadOnlyMemory<byte>? _body;

    /// <remarks>Kept once it is read: an update that loses a race decodes it again.</remarks>
    public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken cancellationToken)
    {
        if (_body is { } known) return ValueTask.FromResult(known);
        var length = context.Request.ContentLength;
        if (length > maxBodyBytes) throw TooLarge();
        // Without a length and without transfer-encoding (or h2 DATA) there is no body.
        return length == 0 ? ValueTask.FromResult(ReadOnlyMemory<byte>.Empty) : ReadAsync(cancellationToken);
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            if (read.Buffer.Length > maxBodyBytes) throw TooLarge();
            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                _body = body;
                return body;
            }
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private ApiException TooLarge() => new(413, "RequestEntityTooLarge", $"Request entity too large: limit is {maxBodyBytes}");
}
