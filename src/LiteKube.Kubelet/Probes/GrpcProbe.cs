using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace LiteKube.Kubelet.Probes;

/// <summary>
/// The gRPC health check (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) over HTTP/2, without TLS or
/// with a certificate that is not verified. Its
/// two messages have one field each, so they are written and read by hand.
/// </summary>
internal sealed class GrpcProbe : IDisposable
{
    private static readonly string[] ServingStatus = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
    private const int MaxAnswerBytes = 64 << 10;

    private readonly HttpClient _client;
    private readonly TimeProvider _time;

    public GrpcProbe(TimeProvider time)
    {
        _time = time;
        _client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.Zero,
            ActivityHeadersPropagator = null,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _client.Dispose();

    public async Task<ProbeOutcome> RunAsync(string host, int port, string service, bool useTls, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var address = DialErrors.Address(host, port);
        using var deadline = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await CheckAsync($"{(useTls ? "https" : "http")}://{address}", service, timeout, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Failure($"timeout: failed to connect service \"{address}\" within {GoDuration.Format(timeout)}: context deadline exceeded");
        }
        catch (HttpRequestException e)
        {
            var cause = e.InnerException is SocketException socket ? $"dial tcp {address}: {DialErrors.Describe(socket)}" : (e.InnerException ?? e).Message;
            return Failure($"error: failed to connect service at \"{address}\": connection error: desc = \"transport: Error while dialing: {cause}\"");
        }
        catch (IOException e)
        {
            return Failure($"error: health rpc probe failed: {e.Message}");
        }
    }

    private async Task<ProbeOutcome> CheckAsync(string baseUrl, string service, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{baseUrl}/grpc.health.v1.Health/Check")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Request(service)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.TryAddWithoutValidation("User-Agent", HttpProbe.UserAgent);

        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        var body = await ReadAsync(response, cancellationToken);
        var status = Trailer(response, "grpc-status");
        var message = Uri.UnescapeDataString(Trailer(response, "grpc-message"));
        return status switch
        {
            "0" => Verdict(body),
            "4" => Failure($"timeout: health rpc did not complete within {GoDuration.Format(timeout)}"),
            "12" => Failure($"error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {message}"),
            _ => Failure($"error: health rpc probe failed: rpc error: code = {CodeName(status)} desc = {message}"),
        };
    }

    private static ProbeOutcome Verdict(ReadOnlySpan<byte> body)
    {
        // A frame of compressed flag and length, then field 1 (varint); left out means 0.
        var status = body.Length >= 7 && body[5] == 0x08 ? body[6] : 0;
        var name = status < ServingStatus.Length ? ServingStatus[status] : status.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return status == 1 ? new ProbeOutcome(ProbeResult.Success, "service healthy") : Failure($"service unhealthy (responded with \"{name}\")");
    }

    private static byte[] Request(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        using var message = new MemoryStream();
        if (name.Length > 0)
        {
            message.WriteByte(0x0A);
            for (var rest = name.Length; ; rest >>= 7)
            {
                message.WriteByte((byte)(rest > 0x7F ? rest & 0x7F | 0x80 : rest));
                if (rest <= 0x7F)
                    break;
            }
            message.Write(name);
        }
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)message.Length);
        message.ToArray().CopyTo(frame, 5);
        return frame;
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MaxAnswerBytes];
        var length = 0;
        int read;
        // To the end, for the trailers come after it.
        while (length < buffer.Length && (read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken)) > 0)
            length += read;
        return buffer[..length];
    }

    private static string Trailer(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.First() : "";

    private static string CodeName(string code) => code switch
    {
        "1" => "Canceled",
        "2" => "Unknown",
        "3" => "InvalidArgument",
        "5" => "NotFound",
        "7" => "PermissionDenied",
        "8" => "ResourceExhausted",
        "13" => "Internal",
        "14" => "Unavailable",
        "16" => "Unauthenticated",
        _ => $"Code({code})",
    };

    private static ProbeOutcome Failure(string output) => new(ProbeResult.Failure, output);
}
