using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// Tokens with which nodes join (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/):
/// ID.SECRET, kept in the Secret kube-system/bootstrap-token-ID. Deleting the Secret ends the token at once.
/// </summary>
public sealed partial class BootstrapTokenAuthenticator(IReadOnlyList<string> apiAudiences, IObjectReader objects, TimeProvider time) : ITokenAuthenticator
{
    private const string SecretType = "bootstrap.kubernetes.io/token";
    private const string UserPrefix = "system:bootstrap:";
    private const string DefaultGroup = "system:bootstrappers";

    public ValueTask<TokenResult> AuthenticateTokenAsync(string token, IReadOnlyList<string> audiences, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Authenticate(token, audiences));

    private TokenResult Authenticate(string token, IReadOnlyList<string> audiences)
    {
        if (!TokenForm().IsMatch(token) || BearerTokenAuthenticator.OwnAudiences(apiAudiences, audiences) is not { Count: > 0 } meant)
            return TokenResult.Unknown;
        var (id, secret) = (token[..6], token[7..]);
        // Why it is refused is not told: it would say which tokens there are.
        if (objects.Get(CoreResources.Secrets, "kube-system", "bootstrap-token-" + id) is not { } stored || !IsGood(stored, id, secret) || Groups(stored) is not { } groups)
            return TokenResult.Unknown;
        return new(new(UserPrefix + id, [DefaultGroup, .. groups, UserInfo.AuthenticatedGroup]), meant, null);
    }

    private bool IsGood(JsonObject stored, string id, string secret)
    {
        if (stored.Str("type") != SecretType || stored.IsBeingDeleted())
            return false;
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Data(stored, "token-secret")), Encoding.UTF8.GetBytes(secret)))
            return false;
        if (Data(stored, "token-id") != id || Data(stored, "usage-bootstrap-authentication") != "true")
            return false;
        // A time that cannot be read is one that has passed.
        var expiration = Data(stored, "expiration");
        return expiration.Length == 0 || (ObjectFields.TryParseTime(expiration, out var end) && end > time.GetUtcNow());
    }

    /// <summary>Null when one of them is no group that a bootstrap token may have.</summary>
    private static string[]? Groups(JsonObject stored)
    {
        var text = Data(stored, "auth-extra-groups");
        if (text.Length == 0)
            return [];
        var groups = text.Split(',').Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        return Array.TrueForAll(groups, g => GroupForm().IsMatch(g)) ? groups : null;
    }

    private static string Data(JsonObject secret, string key)
    {
        var encoded = secret.Obj("data").Str(key);
        var bytes = new byte[encoded.Length];
        return Convert.TryFromBase64String(encoded, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : "";
    }

    [GeneratedRegex(@"\A[a-z0-9]{6}\.[a-z0-9]{16}\z", RegexOptions.CultureInvariant)]
    private static partial Regex TokenForm();

    [GeneratedRegex(@"\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex GroupForm();
}
