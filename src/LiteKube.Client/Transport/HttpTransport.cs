using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;

namespace LiteKube.Client.Transport;

/// <param name="Server">https://host:port of the API server.</param>
/// <param name="Authorities">The certificates that may sign the server's; null for the system's.</param>
/// <param name="ClientCertificate">With its private key; asked for at each connection, so that a renewed one is taken up.</param>
/// <param name="TokenFile">A bearer token, read again every minute because service account tokens rotate.</param>
public sealed record HttpTransportOptions(Uri Server, X509Certificate2Collection? Authorities = null, Func<X509Certificate2?>? ClientCertificate = null, string? TokenFile = null)
{
    public string UserAgent { get; init; } = "litekube";

    /// <summary>For one request; watches have none.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>The API over HTTP/2 and TLS, for a component in another process or on another machine.</summary>
public sealed class HttpTransport : IKubeTransport, IDisposable
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromMinutes(1);
    private const int MaxEventSizeBytes = 64 << 20;
    private readonly HttpTransportOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly HttpClient _http;
    private volatile TokenEntry? _token;

    public HttpTransport(HttpTransportOptions options, TimeProvider timeProvider)
    {
        _options = options;
        _timeProvider = timeProvider;
        var tls = new SslClientAuthenticationOptions();
        if (options.Authorities is { } authorities)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        if (options.ClientCertificate is { } certificate)
            tls.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate()!;
        var handler = new SocketsHttpHandler
        {
            SslOptions = tls,
            EnableMultipleHttp2Connections = true,
            PooledConnectionLifetime = TimeSpan.FromMinutes(30),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // A server that vanished without a word must not hold a watch for ever.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            AutomaticDecompression = DecompressionMethods.GZip,
            UseProxy = false,
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = options.Server,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd(options.UserAgent);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public async Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.RequestTimeout, _timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using var message = await MessageAsync(request, either.Token);
        try
        {
            using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseContentRead, either.Token);
            return new KubeResponse((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(either.Token));
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{request.Method} {request.PathAndQuery}: {_options.Server} did not answer within {_options.RequestTimeout.TotalSeconds} s", e);
        }
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var message = await MessageAsync(request, cancellationToken);
        using var response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if ((int)response.StatusCode >= 400)
            throw KubeApiException.From(new KubeResponse((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellationToken)));
        var reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken));
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(cancellationToken);
                var buffer = read.Buffer;
                while (buffer.PositionOf((byte)'\n') is { } end)
                {
                    var line = buffer.Slice(0, end);
                    buffer = buffer.Slice(buffer.GetPosition(1, end));
                    if (!line.IsEmpty)
                        yield return line.ToArray();
                }
                if (read.IsCompleted)
                {
                    if (!buffer.IsEmpty)
                        yield return buffer.ToArray();
                    yield break;
                }
                if (buffer.Length > MaxEventSizeBytes)
                    throw new InvalidDataException($"{_options.Server} sent a watch event of more than {MaxEventSizeBytes} bytes");
                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<HttpRequestMessage> MessageAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), request.PathAndQuery) { Version = HttpVersion.Version20 };
        if (!request.Body.IsEmpty)
        {
            message.Content = new ReadOnlyMemoryContent(request.Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(request.ContentType ?? "application/json");
        }
        if (_options.TokenFile is { } file)
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(file, cancellationToken));
        return message;
    }

    private async ValueTask<string> TokenAsync(string file, CancellationToken cancellationToken)
    {
        if (_token is { } known && _timeProvider.GetElapsedTime(known.ReadAt) < TokenLifetime)
            return known.Token;
        var token = (await File.ReadAllTextAsync(file, cancellationToken)).Trim();
        _token = new TokenEntry(token, _timeProvider.GetTimestamp());
        return token;
    }

    private sealed record TokenEntry(string Token, long ReadAt);
}
