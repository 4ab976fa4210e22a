using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>
/// The keys that an issuer publishes (https://openid.net/specs/openid-connect-discovery-1_0.html): fetched in the
/// background, so that an issuer that is down holds up no start; fetched anew now and then, and when a token names a key
/// that is not known yet.
/// </summary>
internal sealed class IssuerKeys : IDisposable
{
    private const string WellKnownPath = "/.well-known/openid-configuration";
    private const int MaxResponseBytes = 1024 * 1024;
    private const int MaxKeys = 100;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    private readonly JwtIssuer _issuer;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpClient _client;
    private readonly SemaphoreSlim _fetching = new(1);
    private volatile KeySet? _keys;

    private sealed record KeySet(IReadOnlyList<VerificationKey> Keys, long FetchedAt);

    /// <exception cref="InvalidDataException">The issuer's certificate authority is no PEM certificate.</exception>
    public IssuerKeys(JwtIssuer issuer, TimeProvider time, ILogger logger)
    {
        (_issuer, _time, _logger) = (issuer, time, logger);
        var handler = new SocketsHttpHandler { MaxAutomaticRedirections = 3, PooledConnectionLifetime = RefreshInterval };
        if (issuer.CertificateAuthority.Length > 0)
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = TrustOnly(issuer) };
        _client = new HttpClient(handler) { Timeout = RequestTimeout, MaxResponseContentBufferSize = MaxResponseBytes };
    }

    /// <summary>Keeps the keys fresh until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var isFetched = await TryFetchAsync(cancellationToken);
            await Task.Delay(isFetched ? RefreshInterval : RetryInterval, _time, cancellationToken);
        }
    }

    /// <summary>Asks the issuer once; what it does not answer comes later.</summary>
    public Task FetchOnceAsync(CancellationToken cancellationToken) => TryFetchAsync(cancellationToken);

    /// <summary>The keys that may have signed a token; null while the issuer has not answered yet.</summary>
    /// <param name="keyId">"": the token names none, and any may have.</param>
    public async ValueTask<IReadOnlyList<VerificationKey>?> FindAsync(string keyId, CancellationToken cancellationToken)
    {
        if (_keys is not { } known)
            return null;
        var found = Matching(known, keyId);
        // A key that has just come into use; not more often than this, whatever tokens are sent.
        if (found.Count > 0 || _time.GetElapsedTime(known.FetchedAt) < RetryInterval)
            return found;
        await TryFetchAsync(cancellationToken, unlessNewerThan: known.FetchedAt);
        return Matching(_keys ?? known, keyId);
    }

    public void Dispose()
    {
        _client.Dispose();
        _fetching.Dispose();
    }

    private static List<VerificationKey> Matching(KeySet set, string keyId) => [.. set.Keys.Where(k => keyId.Length == 0 || k.Id == keyId)];

    private async Task<bool> TryFetchAsync(CancellationToken cancellationToken, long? unlessNewerThan = null)
    {
        await _fetching.WaitAsync(cancellationToken);
        try
        {
            // Someone else fetched while this one waited.
            if (unlessNewerThan is { } before && _keys is { } newer && newer.FetchedAt != before)
                return true;
            _keys = new(await FetchAsync(cancellationToken), _time.GetTimestamp());
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or InvalidDataException or DecodeException or IOException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // What is known stays good; the next try is not sooner than after a first failure.
            if (_keys is { } known)
                _keys = known with { FetchedAt = _time.GetTimestamp() };
            OidcLog.FetchFailed(_logger, _issuer.Url, exception.Message);
            return false;
        }
        finally
        {
            _fetching.Release();
        }
    }

    private async Task<IReadOnlyList<VerificationKey>> FetchAsync(CancellationToken cancellationToken)
    {
        var discovery = await GetAsync(_issuer.DiscoveryUrl.Length > 0 ? _issuer.DiscoveryUrl : _issuer.Url.TrimEnd('/') + WellKnownPath, cancellationToken);
        if (discovery.Str("issuer") != _issuer.Url)
            throw new InvalidDataException($"oidc: issuer did not match the issuer returned by provider, expected \"{_issuer.Url}\" got \"{discovery.Str("issuer")}\"");
        var address = discovery.Str("jwks_uri");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
            throw new InvalidDataException($"oidc: the issuer's jwks_uri \"{address}\" is no https address");
        var set = await GetAsync(address, cancellationToken);
        var keys = set.Items("keys").Take(MaxKeys).Select(VerificationKey.TryRead).OfType<VerificationKey>().ToList();
        return keys.Count > 0 ? keys : throw new InvalidDataException($"oidc: {address} holds no key that could verify a signature");
    }

    private async Task<JsonObject> GetAsync(string address, CancellationToken cancellationToken)
    {
        using var response = await _client.GetAsync(address, cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw new InvalidDataException($"oidc: {address} answered {(int)response.StatusCode}");
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        return ObjectDecoder.ParseJson(body) as JsonObject ?? throw new InvalidDataException($"oidc: {address} answered no JSON object");
    }

    private static X509ChainPolicy TrustOnly(JwtIssuer issuer)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPem(issuer.CertificateAuthority);
        }
        catch (System.Security.Cryptography.CryptographicException exception)
        {
            throw new InvalidDataException($"the certificate authority of the issuer {issuer.Url} is no PEM certificate", exception);
        }
        return policy.CustomTrustStore.Count > 0 ? policy : throw new InvalidDataException($"the certificate authority of the issuer {issuer.Url} holds no certificate");
    }
}

/// <summary>Event ids 2130-2139.</summary>
internal static partial class OidcLog
{
    [LoggerMessage(EventId = 2130, Level = LogLevel.Warning, Message = "The keys of the token issuer {Issuer} could not be fetched: {Reason}")]
    public static partial void FetchFailed(ILogger logger, string issuer, string reason);

    [LoggerMessage(EventId = 2131, Level = LogLevel.Information, Message = "The authentication configuration {Path} was taken up")]
    public static partial void Reloaded(ILogger logger, string path);

    [LoggerMessage(EventId = 2132, Level = LogLevel.Error, Message = "The authentication configuration stays as it was: {Reason}")]
    public static partial void ReloadFailed(ILogger logger, string reason);
}
