using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication;

internal readonly record struct ObjectReference(string Name, string Uid)
{
    public static ObjectReference? From(JsonObject? value) => value is null ? null : new(value.Str("name"), value.Str("uid"));

    public JsonObject ToJson() => new() { ["name"] = Name, ["uid"] = Uid };
}

/// <summary>
/// What a service account's token says: bound tokens (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens)
/// and the older ones that live in a Secret and never end.
/// </summary>
internal sealed record ServiceAccountClaims
{
    public const string LegacyIssuer = "kubernetes/serviceaccount";
    private const string LegacyPrefix = "kubernetes.io/serviceaccount/";

    public required string Namespace { get; init; }
    public required ObjectReference ServiceAccount { get; init; }
    public ObjectReference? Pod { get; init; }
    public ObjectReference? Node { get; init; }
    public ObjectReference? Secret { get; init; }
    public IReadOnlyList<string> Audiences { get; init; } = [];
    public string TokenId { get; init; } = "";
    /// <summary>Seconds since 1970; null: no bound.</summary>
    public long? NotBefore { get; init; }
    public long? Expires { get; init; }
    public bool IsLegacy { get; init; }

    /// <summary>Null when the claims are not those of a service account of this issuer.</summary>
    public static ServiceAccountClaims? From(JsonObject claims, string issuer)
    {
        if (claims.Str("iss") == LegacyIssuer)
            return Check(claims, FromLegacy(claims));
        if (claims.Str("iss") != issuer || claims.Obj("kubernetes.io") is not { } own || ObjectReference.From(own.Obj("serviceaccount")) is not { } account)
            return null;
        return Check(claims, new()
        {
            Namespace = own.Str("namespace"),
            ServiceAccount = account,
            Pod = ObjectReference.From(own.Obj("pod")),
            Node = ObjectReference.From(own.Obj("node")),
            Secret = ObjectReference.From(own.Obj("secret")),
            Audiences = claims.StrOrNull("aud") is { } one ? [one] : [.. claims.Strings("aud")],
            TokenId = claims.Str("jti"),
            NotBefore = claims.LongOrNull("nbf"),
            Expires = claims.LongOrNull("exp"),
        });
    }

    public JsonObject ToJson(string issuer, DateTimeOffset issued, long? warnAfter)
    {
        var own = new JsonObject { ["namespace"] = Namespace };
        if (Node is { } node) own["node"] = node.ToJson();
        if (Pod is { } pod) own["pod"] = pod.ToJson();
        if (Secret is { } secret) own["secret"] = secret.ToJson();
        own["serviceaccount"] = ServiceAccount.ToJson();
        if (warnAfter is { } seconds) own["warnafter"] = seconds;
        return new JsonObject
        {
            ["aud"] = new JsonArray([.. Audiences.Select(a => (JsonNode)a)]),
            ["exp"] = Expires,
            ["iat"] = issued.ToUnixTimeSeconds(),
            ["iss"] = issuer,
            ["jti"] = TokenId,
            ["kubernetes.io"] = own,
            ["nbf"] = NotBefore,
            ["sub"] = ServiceAccountNames.User(Namespace, ServiceAccount.Name),
        };
    }

    public JsonObject ToLegacyJson() => new()
    {
        ["iss"] = LegacyIssuer,
        [LegacyPrefix + "namespace"] = Namespace,
        [LegacyPrefix + "secret.name"] = Secret!.Value.Name,
        [LegacyPrefix + "service-account.name"] = ServiceAccount.Name,
        [LegacyPrefix + "service-account.uid"] = ServiceAccount.Uid,
        ["sub"] = ServiceAccountNames.User(Namespace, ServiceAccount.Name),
    };

    private static ServiceAccountClaims FromLegacy(JsonObject claims) => new()
    {
        Namespace = claims.Str(LegacyPrefix + "namespace"),
        ServiceAccount = new(claims.Str(LegacyPrefix + "service-account.name"), claims.Str(LegacyPrefix + "service-account.uid")),
        Secret = new(claims.Str(LegacyPrefix + "secret.name"), ""),
        IsLegacy = true,
    };

    private static ServiceAccountClaims? Check(JsonObject claims, ServiceAccountClaims value) =>
        value.Namespace.Length > 0 && value.ServiceAccount is { Name.Length: > 0, Uid.Length: > 0 }
        && claims.Str("sub") == ServiceAccountNames.User(value.Namespace, value.ServiceAccount.Name) ? value : null;
}
