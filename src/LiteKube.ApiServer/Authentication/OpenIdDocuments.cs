using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Authentication;

/// <summary>
/// What lets others verify service account tokens
/// (https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery).
/// Both are constant while the server runs.
/// </summary>
public sealed class OpenIdDocuments
{
    public const string ConfigurationPath = "/.well-known/openid-configuration";
    public const string ConfigurationContentType = "application/json";
    public const string KeysPath = "/openid/v1/jwks";
    public const string KeysContentType = "application/jwk-set+json";
    public const string CacheControl = "public, max-age=3600";

    public OpenIdDocuments(TokenSigningKey key, string issuer)
    {
        Configuration = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["issuer"] = issuer,
            ["jwks_uri"] = issuer.TrimEnd('/') + KeysPath,
            ["response_types_supported"] = new JsonArray("id_token"),
            ["subject_types_supported"] = new JsonArray("public"),
            ["id_token_signing_alg_values_supported"] = new JsonArray("RS256"),
        }.ToJsonString());
        var parameters = key.PublicParameters;
        Keys = Encoding.UTF8.GetBytes(new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["use"] = "sig",
                ["kty"] = "RSA",
                ["kid"] = key.KeyId,
                ["alg"] = "RS256",
                ["n"] = Base64Url.EncodeToString(parameters.Modulus),
                ["e"] = Base64Url.EncodeToString(parameters.Exponent),
            }),
        }.ToJsonString());
    }

    /// <summary>GET /.well-known/openid-configuration</summary>
    public ReadOnlyMemory<byte> Configuration { get; }

    /// <summary>GET /openid/v1/jwks</summary>
    public ReadOnlyMemory<byte> Keys { get; }
}
