using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>Users by the tokens of one issuer outside the cluster (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#openid-connect-tokens).</summary>
internal sealed class JwtAuthenticator : ITokenAuthenticator, IDisposable
{
    private const int MaxTokenLength = 64 * 1024;

    /// <summary>Clocks differ.</summary>
    private static readonly TimeSpan NotBeforeLeeway = TimeSpan.FromMinutes(5);

    private readonly JwtIssuer _issuer;
    private readonly IReadOnlyList<string> _apiAudiences;
    private readonly TimeProvider _time;
    private readonly ClaimMapper _mapper;
    private readonly IssuerKeys _keys;

    /// <exception cref="InvalidDataException">An expression or the certificate authority is not valid.</exception>
    public JwtAuthenticator(JwtIssuer issuer, IReadOnlyList<string> apiAudiences, TimeProvider time, ILogger<JwtAuthenticator> logger)
    {
        (_issuer, _apiAudiences, _time) = (issuer, apiAudiences, time);
        _mapper = new ClaimMapper(issuer);
        _keys = new IssuerKeys(issuer, time, logger);
    }

    /// <summary>Keeps the issuer's keys at hand until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _keys.RunAsync(cancellationToken);

    /// <summary>Asks the issuer for its keys once, before the first token comes.</summary>
    public Task FetchKeysAsync(CancellationToken cancellationToken) => _keys.FetchOnceAsync(cancellationToken);

    public async ValueTask<TokenResult> AuthenticateTokenAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken)
    {
        if (token.Length > MaxTokenLength || JsonWebToken.TryParse(token) is not { } parsed || parsed.Claims.Str("iss") != _issuer.Url)
            return TokenResult.Unknown;
        // The token's audience is the client's id at the issuer; it says nothing of ours.
        if (BearerTokenAuthenticator.OwnAudiences(_apiAudiences, audiences) is not { Count: > 0 } meant)
            return TokenResult.Unknown;
        if (await VerifyAsync(parsed, cancellationToken) is { } error)
            return TokenResult.Fail(error);
        try
        {
            var user = _mapper.Map(parsed.Claims);
            return new(user with { Groups = [.. user.Groups, UserInfo.AuthenticatedGroup] }, meant, null);
        }
        catch (ClaimException exception)
        {
            return TokenResult.Fail(exception.Message);
        }
    }

    public void Dispose() => _keys.Dispose();

    /// <summary>Null when the issuer signed it for us, now.</summary>
    private async ValueTask<string?> VerifyAsync(JsonWebToken token, CancellationToken cancellationToken)
    {
        var audiences = token.Claims.StrOrNull("aud") is { } one ? [one] : token.Claims.Strings("aud").ToList();
        if (!audiences.Exists(_issuer.Audiences.Contains))
            return $"oidc: verify token: oidc: expected audience in [{string.Join(' ', _issuer.Audiences.Select(a => $"\"{a}\""))}] got [{string.Join(' ', audiences.Select(a => $"\"{a}\""))}]";
        if (CheckTimes(token.Claims) is { } late)
            return "oidc: verify token: " + late;
        var algorithm = token.Header.Str("alg");
        if (!_issuer.Algorithms.Contains(algorithm))
            return $"oidc: verify token: oidc: id token signed with unsupported algorithm, expected [{string.Join(' ', _issuer.Algorithms.Select(a => $"\"{a}\""))}] got \"{algorithm}\"";
        if (await _keys.FindAsync(token.Header.Str("kid"), cancellationToken) is not { } keys)
            return "oidc: authenticator not initialized";
        return keys.Any(k => token.IsSignedBy(k, algorithm)) ? null : "oidc: verify token: failed to verify signature: failed to verify id token signature";
    }

    private string? CheckTimes(JsonObject claims)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        // A token without an end would be good for ever.
        if (Seconds(claims, "exp") is not { } end || now > end)
            return $"oidc: token is expired (Token Expiry: {(Seconds(claims, "exp") is { } seconds and > -62_135_596_800 and < 253_402_300_800 ? DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("u", System.Globalization.CultureInfo.InvariantCulture) : "none")})";
        return Seconds(claims, "nbf") is { } start && now + (long)NotBeforeLeeway.TotalSeconds < start ? "oidc: current time is before the nbf (not before) time" : null;
    }

    /// <summary>Some issuers write fractions.</summary>
    private static long? Seconds(JsonObject claims, string field) =>
        claims[field] is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.Number && value.TryGetValue<double>(out var seconds) && Math.Abs(seconds) < 1e15 ? (long)seconds : claims.LongOrNull(field);
}
