using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication;

/// <summary>Answers TokenRequest (POST serviceaccounts/NAME/token): signs a token for an account, bound to a pod, secret or node where asked.</summary>
public sealed class TokenIssuer(TokenSigningKey key, string issuer, IReadOnlyList<string> apiAudiences, IObjectReader objects, TimeProvider time)
{
    private const long DefaultSeconds = 3600;
    private const long MinSeconds = 600;
    private const long MaxSeconds = 1L << 32;

    /// <summary>
    /// A pod's kube-api-access volume asks for exactly this. Clients that never reload the file would fail after an
    /// hour, so such a token is signed for a year; the kubelet still replaces it by the hour it was told.
    /// </summary>
    private const long RotatedByKubeletSeconds = 3607;
    private const long ExtendedSeconds = 365 * 24 * 3600;

    private static readonly GroupVersionKind TokenRequestKind = new("authentication.k8s.io", "v1", "TokenRequest");

    /// <param name="request">A TokenRequest; not changed.</param>
    /// <returns>The request with its status filled.</returns>
    public JsonObject Issue(string ns, string serviceAccount, JsonObject request)
    {
        var account = objects.Get(CoreResources.ServiceAccounts, ns, serviceAccount) ?? throw ApiException.NotFound(CoreResources.ServiceAccounts, serviceAccount);
        var answer = (JsonObject)request.DeepClone();
        CheckName(answer, ns, serviceAccount);
        var spec = answer.GetOrAdd("spec");
        var seconds = spec.LongOrNull("expirationSeconds") ?? DefaultSeconds;
        CheckSeconds(answer.MetaName(), seconds);
        var audiences = spec.Strings("audiences").ToList();
        if (audiences.Count == 0)
            audiences = [.. apiAudiences];

        var now = time.GetUtcNow();
        var claims = Bind(spec.Obj("boundObjectRef"), new ServiceAccountClaims
        {
            Namespace = ns,
            ServiceAccount = new(serviceAccount, account.MetaUid()),
            Audiences = audiences,
            TokenId = Guid.NewGuid().ToString("D"),
            NotBefore = now.ToUnixTimeSeconds(),
        });
        var isRotated = seconds == RotatedByKubeletSeconds && claims.Pod is not null && audiences.TrueForAll(apiAudiences.Contains);
        claims = claims with { Expires = now.ToUnixTimeSeconds() + (isRotated ? ExtendedSeconds : seconds) };
        var token = key.Sign(claims.ToJson(issuer, now, isRotated ? now.ToUnixTimeSeconds() + seconds : null));

        spec["audiences"] = new JsonArray([.. audiences.Select(a => (JsonNode)a)]);
        spec["expirationSeconds"] = seconds;
        if (!spec.ContainsKey("boundObjectRef"))
            spec["boundObjectRef"] = null;
        answer["status"] = new JsonObject
        {
            ["token"] = token,
            ["expirationTimestamp"] = now.AddSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        };
        var metadata = answer.GetOrAdd("metadata");
        (metadata["name"], metadata["namespace"]) = (serviceAccount, ns);
        return answer;
    }

    /// <summary>The never-ending token of a Secret of type kubernetes.io/service-account-token, as its data.token holds it before base64.</summary>
    public string IssueForSecret(JsonObject account, string secretName) => key.Sign(new ServiceAccountClaims
    {
        Namespace = account.MetaNamespace(),
        ServiceAccount = new(account.MetaName(), account.MetaUid()),
        Secret = new(secretName, ""),
        IsLegacy = true,
    }.ToLegacyJson());

    private ServiceAccountClaims Bind(JsonObject? reference, ServiceAccountClaims claims)
    {
        if (reference is null)
            return claims;
        var (kind, name, ns) = ($"{reference.Str("apiVersion")}/{reference.Str("kind")}", reference.Str("name"), claims.Namespace);
        switch (kind)
        {
            case "v1/Pod":
                var pod = Bound(CoreResources.Pods, ns, name, reference);
                if (pod.Obj("spec").Str("serviceAccountName") != claims.ServiceAccount.Name)
                    throw ApiException.BadRequest($"cannot bind token for serviceaccount \"{claims.ServiceAccount.Name}\" to pod running with different serviceaccount name.");
                var node = objects.Get(CoreResources.Nodes, "", pod.Obj("spec").Str("nodeName"));
                return claims with { Pod = new(name, pod.MetaUid()), Node = node is null ? null : new(node.MetaName(), node.MetaUid()) };
            case "v1/Secret":
                return claims with { Secret = new(name, Bound(CoreResources.Secrets, ns, name, reference).MetaUid()) };
            case "v1/Node":
                return claims with { Node = new(name, Bound(CoreResources.Nodes, "", name, reference).MetaUid()) };
            default:
                var version = GroupVersion.Parse(reference.Str("apiVersion"));
                throw ApiException.BadRequest($"cannot bind token to object of type {new GroupVersionKind(version.Group, version.Version, reference.Str("kind"))}");
        }
    }

    private JsonObject Bound(GroupResource resource, string ns, string name, JsonObject reference)
    {
        var bound = objects.Get(resource, ns, name) ?? throw ApiException.NotFound(resource, name);
        var uid = reference.Str("uid");
        return uid.Length == 0 || uid == bound.MetaUid() ? bound
            : throw ApiException.Conflict(resource, name, $"the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated");
    }

    private static void CheckName(JsonObject request, string ns, string name)
    {
        if (request.MetaName() is { Length: > 0 } given && given != name)
            throw ApiException.BadRequest($"the name of the object ({given}) does not match the name on the URL ({name})");
        if (request.MetaNamespace() is { Length: > 0 } givenNs && givenNs != ns)
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
    }

    private static void CheckSeconds(string name, long seconds)
    {
        var errors = new FieldErrors();
        var field = FieldPath.Of("spec").Child("expirationSeconds");
        if (seconds < MinSeconds)
            errors.Invalid(field, seconds, "may not specify a duration less than 10 minutes");
        if (seconds > MaxSeconds)
            errors.Invalid(field, seconds, "may not specify a duration larger than 2^32 seconds");
        if (errors.Count > 0)
            throw ApiException.Invalid(TokenRequestKind, name, errors);
    }
}
