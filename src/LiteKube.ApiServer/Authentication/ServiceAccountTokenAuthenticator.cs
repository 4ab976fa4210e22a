using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication;

/// <summary>A token's user, or why there is none.</summary>
/// <param name="Audiences">Those of the asked audiences that the token is meant for.</param>
public readonly record struct TokenResult(UserInfo? User, IReadOnlyList<string> Audiences, string? Error)
{
    /// <summary>No token of this kind.</summary>
    internal static readonly TokenResult Unknown = new(null, [], null);

    internal static TokenResult Fail(string error) => new(null, [], error);
}

/// <summary>
/// Checks service account tokens: signature (once per token), times, audience, and at each use that the account and
/// what the token is bound to still exist under the same uid. Deleting a pod thus ends its tokens at once.
/// </summary>
public sealed class ServiceAccountTokenAuthenticator(TokenSigningKey key, string issuer, IReadOnlyList<string> apiAudiences, IObjectReader objects, TimeProvider time, LegacyTokenUse? legacyUse = null) : IAuthenticator, ITokenAuthenticator
{
    private const int MaxCachedTokens = 10_000;
    private const int MaxTokenLength = 16 * 1024;
    private const string ExtraPrefix = "authentication.kubernetes.io/";

    /// <summary>Clocks differ; also for how long a deleted object still vouches for its tokens.</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromMinutes(1);

    // Only what cannot change is kept: the claims of tokens whose signature was good (an RSA check costs 30 us).
    private readonly ConcurrentDictionary<UInt128, ServiceAccountClaims> _verified = new();

    public IReadOnlyList<string> ApiAudiences { get; } = apiAudiences;

    public ValueTask<UserInfo?> AuthenticateAsync(Credentials credentials, CancellationToken cancellationToken)
    {
        if (credentials.BearerToken is not { Length: > 0 } token)
            return ValueTask.FromResult<UserInfo?>(null);
        return Authenticate(token, ApiAudiences).User is { } user ? ValueTask.FromResult<UserInfo?>(user) : throw ApiException.Unauthorized();
    }

    public ValueTask<TokenResult> AuthenticateTokenAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Verify(token) is { } claims ? Judge(claims, token, audiences) : TokenResult.Unknown);

    public TokenResult Authenticate(string token, IReadOnlyList<string> audiences) =>
        Verify(token) is { } claims ? Judge(claims, token, audiences) : TokenResult.Fail("invalid bearer token");

    private TokenResult Judge(ServiceAccountClaims claims, string token, IReadOnlyList<string> audiences)
    {
        var now = time.GetUtcNow();
        if (claims.NotBefore is { } notBefore && now + Leeway < DateTimeOffset.FromUnixTimeSeconds(notBefore))
            return TokenResult.Fail("service account token is not valid yet");
        if (claims.Expires is { } expires && now - Leeway > DateTimeOffset.FromUnixTimeSeconds(expires))
            return TokenResult.Fail("service account token has expired");
        var tokenAudiences = claims.IsLegacy ? ApiAudiences : claims.Audiences;
        var meant = audiences.Where(tokenAudiences.Contains).ToList();
        if (meant.Count == 0)
            return TokenResult.Fail($"token audiences [{string.Join(' ', tokenAudiences.Select(Quote))}] is invalid for the target audiences [{string.Join(' ', audiences.Select(Quote))}]");
        return CheckAlive(claims, token, now) is { } error ? TokenResult.Fail(error) : new(UserOf(claims), meant, null);
    }

    private ServiceAccountClaims? Verify(string token)
    {
        if (token.Length > MaxTokenLength)
            return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(token), hash);
        var cacheKey = System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(hash);
        if (_verified.TryGetValue(cacheKey, out var known))
            return known;
        if (JsonWebToken.TryParse(token) is not { } parsed || ServiceAccountClaims.From(parsed.Claims, issuer) is not { } claims || !parsed.IsSignedBy(key))
            return null;
        if (_verified.Count >= MaxCachedTokens)
            _verified.Clear();
        _verified[cacheKey] = claims;
        return claims;
    }

    private string? CheckAlive(ServiceAccountClaims claims, string token, DateTimeOffset now)
    {
        if (IsGone(CoreResources.ServiceAccounts, claims.Namespace, claims.ServiceAccount, now))
            return "service account token has been invalidated: the service account was deleted";
        if (claims.Secret is { } secret)
        {
            var stored = objects.Get(CoreResources.Secrets, claims.Namespace, secret.Name);
            if (stored is null || IsDeleted(stored, now) || (secret.Uid.Length > 0 && stored.MetaUid() != secret.Uid))
                return "service account token has been invalidated: its secret was deleted";
            // The Secret's present content is what counts: replacing it revokes the older token.
            if (claims.IsLegacy && !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(token))), Encoding.UTF8.GetBytes(stored.Obj("data").Str("token"))))
                return "token does not match server's copy";
            if (claims.IsLegacy && stored.Labels().ContainsKey(LegacyTokenUse.InvalidSinceLabel))
                return $"the token in secret {claims.Namespace}/{secret.Name} for service account {claims.Namespace}/{claims.ServiceAccount.Name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{LegacyTokenUse.InvalidSinceLabel}' label from the secret to temporarily allow use of this token";
            if (claims.IsLegacy)
                legacyUse?.Used(stored);
        }
        if (claims.Pod is { } pod && IsGone(CoreResources.Pods, claims.Namespace, pod, now))
            return "service account token has been invalidated: its pod was deleted";
        // A token bound to a pod names the node for information only.
        if (claims.Pod is null && claims.Node is { } node && IsGone(CoreResources.Nodes, "", node, now))
            return "service account token has been invalidated: its node was deleted";
        return null;
    }

    private bool IsGone(GroupResource resource, string ns, ObjectReference reference, DateTimeOffset now) =>
        objects.Get(resource, ns, reference.Name) is not { } stored || stored.MetaUid() != reference.Uid || IsDeleted(stored, now);

    private static bool IsDeleted(JsonObject stored, DateTimeOffset now) =>
        stored.Meta().StrOrNull("deletionTimestamp") is { } text
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var deleted) && deleted < now - Leeway;

    private static UserInfo UserOf(ServiceAccountClaims claims)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (claims.TokenId.Length > 0)
            extra[ExtraPrefix + "credential-id"] = ["JTI=" + claims.TokenId];
        if (claims.Pod is { } pod)
            (extra[ExtraPrefix + "pod-name"], extra[ExtraPrefix + "pod-uid"]) = ([pod.Name], [pod.Uid]);
        if (claims.Node is { } node)
            (extra[ExtraPrefix + "node-name"], extra[ExtraPrefix + "node-uid"]) = ([node.Name], [node.Uid]);
        return new(ServiceAccountNames.User(claims.Namespace, claims.ServiceAccount.Name), [.. ServiceAccountNames.Groups(claims.Namespace), UserInfo.AuthenticatedGroup], claims.ServiceAccount.Uid, extra.Count > 0 ? extra : null);
    }

    private static string Quote(string text) => $"\"{text}\"";
}
