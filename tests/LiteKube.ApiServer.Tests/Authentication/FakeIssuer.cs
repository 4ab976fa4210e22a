using System.Buffers.Text;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Tests.Authentication;

/// <summary>An OpenID Connect issuer on loopback with a certificate of its own: publishes its keys and signs tokens.</summary>
internal sealed class FakeIssuer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly X509Certificate2 _certificate;
    private readonly Dictionary<string, AsymmetricAlgorithm> _keys = new(StringComparer.Ordinal);
    private readonly Task _loop;

    public FakeIssuer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=issuer", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        _listener.Start();
        Url = $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        PublishedIssuer = Url;
        _loop = AcceptAsync();
    }

    public string Url { get; }
    public string CertificateAuthority => _certificate.ExportCertificatePem();
    /// <summary>What discovery says that the issuer is.</summary>
    public string PublishedIssuer { get; set; }
    /// <summary>Where discovery is, beside the usual place.</summary>
    public string DiscoveryPath { get; set; } = "/.well-known/openid-configuration";
    /// <summary>How often the keys were fetched.</summary>
    public int KeyFetches;

    public void AddKey(string id, AsymmetricAlgorithm key)
    {
        lock (_keys)
            _keys[id] = key;
    }

    /// <param name="isProbe">Signs nothing: for asking whether the keys are there.</param>
    public string Sign(string keyId, string algorithm, JsonObject claims, bool isProbe = false)
    {
        var header = new JsonObject { ["alg"] = algorithm, ["kid"] = keyId };
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        if (isProbe)
            return signed + ".AAAA";
        var hash = algorithm[2..] switch { "256" => HashAlgorithmName.SHA256, "384" => HashAlgorithmName.SHA384, _ => HashAlgorithmName.SHA512 };
        AsymmetricAlgorithm key;
        lock (_keys)
            key = _keys[keyId];
        var signature = key is RSA rsa
            ? rsa.SignData(Encoding.ASCII.GetBytes(signed), hash, algorithm[0] == 'R' ? RSASignaturePadding.Pkcs1 : RSASignaturePadding.Pss)
            : ((ECDsa)key).SignData(Encoding.ASCII.GetBytes(signed), hash);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _loop;
        _listener.Stop();
        _certificate.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                await using var stream = new SslStream(client.GetStream());
                try
                {
                    await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stopping.Token);
                    await AnswerAsync(stream);
                }
                catch (Exception exception) when (exception is System.Security.Authentication.AuthenticationException or IOException)
                {
                    // A client that does not trust us; that is what it is there to find out.
                    continue;
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(SslStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, _stopping.Token) == 1) head.Append((char)one[0]);
        var path = head.ToString().Split(' ') is [_, var target, ..] ? target : "";
        var (status, body) = path == DiscoveryPath ? ("200 OK", new JsonObject { ["issuer"] = PublishedIssuer, ["jwks_uri"] = Url + "/keys" })
            : path == "/keys" ? ("200 OK", Keys())
            : ("404 Not Found", new JsonObject());
        var bytes = Encoding.UTF8.GetBytes(body.ToJsonString());
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\nConnection: close\r\n\r\n"), _stopping.Token);
        await stream.WriteAsync(bytes, _stopping.Token);
        await stream.FlushAsync(_stopping.Token);
    }

    private JsonObject Keys()
    {
        Interlocked.Increment(ref KeyFetches);
        var keys = new JsonArray();
        lock (_keys)
        {
            foreach (var (id, key) in _keys)
                keys.Add((JsonNode)Describe(id, key));
        }
        return new JsonObject { ["keys"] = keys };
    }

    private static JsonObject Describe(string id, AsymmetricAlgorithm key)
    {
        if (key is RSA rsa)
        {
            var parameters = rsa.ExportParameters(false);
            return new() { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = id, ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) };
        }
        var point = ((ECDsa)key).ExportParameters(false);
        return new() { ["kty"] = "EC", ["kid"] = id, ["crv"] = $"P-{((ECDsa)key).KeySize}", ["x"] = Base64Url.EncodeToString(point.Q.X), ["y"] = Base64Url.EncodeToString(point.Q.Y) };
    }
}
