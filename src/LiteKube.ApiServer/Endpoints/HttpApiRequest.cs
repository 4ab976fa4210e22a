using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>A request that came over HTTP.</summary>
internal sealed class HttpApiRequest(HttpContext context, int maxBodyBytes) : ApiRequest
{
    private ReadOnlyMemory<byte>? _body;

    public override string RequestUri => context.Features.Get<IHttpRequestFeature>()?.RawTarget is { Length: > 0 } target ? target : base.RequestUri;

    public override IReadOnlyList<string> SourceAddresses
    {
        get
        {
            var headers = context.Request.Headers;
            var addresses = new List<string>();
            foreach (var part in string.Join(',', headers["X-Forwarded-For"].ToArray()).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (IPAddress.TryParse(part, out var forwarded)) addresses.Add(forwarded.ToString());
            }
            if (IPAddress.TryParse(headers["X-Real-Ip"].ToString(), out var real) && (addresses.Count == 0 || addresses[0] != real.ToString())) addresses.Add(real.ToString());
            var remote = context.Connection.RemoteIpAddress;
            if (remote is { IsIPv4MappedToIPv6: true }) remote = remote.MapToIPv4();
            if (remote is not null && (addresses.Count == 0 || addresses[^1] != remote.ToString())) addresses.Add(remote.ToString());
            return addresses;
        }
    }

    public override string? Header(string name) => context.Request.Headers[name];

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

    private ApiException TooLarge() => ApiException.TooLarge($"limit is {maxBodyBytes}");
}
