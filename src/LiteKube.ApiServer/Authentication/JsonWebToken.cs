using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication.Oidc;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication;

/// <summary>The key that signs and verifies tokens (RFC 7515, RS256).</summary>
public sealed class TokenSigningKey
{
    private readonly RSA _key;
    private readonly Lock _lock = new();

    public TokenSigningKey(RSA key)
    {
        _key = key;
        KeyId = Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    /// <summary>As Kubernetes makes it: the hash of the public key.</summary>
    public string KeyId { get; }

    public RSAParameters PublicParameters => _key.ExportParameters(includePrivateParameters: false);

    public string Sign(JsonObject claims)
    {
        var header = new JsonObject { ["alg"] = "RS256", ["kid"] = KeyId };
        var signed = $"{Encode(header)}.{Encode(claims)}";
        byte[] signature;
        // RSA objects promise nothing about use by several threads at once.
        lock (_lock)
            signature = _key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public bool Verify(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        lock (_lock)
            return _key.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    private static string Encode(JsonObject part) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part.ToJsonString()));
}

/// <summary>A signed token's two readable parts. Reading proves nothing; <see cref="IsSignedBy"/> does.</summary>
internal sealed class JsonWebToken
{
    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private JsonWebToken(JsonObject header, JsonObject claims, byte[] signed, byte[] signature) =>
        (Header, Claims, _signed, _signature) = (header, claims, signed, signature);

    public JsonObject Header { get; }
    public JsonObject Claims { get; }

    /// <summary>Null when the text is not three base64url parts of which two hold JSON objects.</summary>
    public static JsonWebToken? TryParse(string text)
    {
        var parts = text.Split('.');
        if (parts.Length != 3)
            return null;
        try
        {
            if (JsonNode.Parse(Base64Url.DecodeFromChars(parts[0])) is not JsonObject header || JsonNode.Parse(Base64Url.DecodeFromChars(parts[1])) is not JsonObject claims)
                return null;
            // Objects with a name twice fail only when they are first read.
            _ = (header.Count, claims.Count);
            return new(header, claims, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]));
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentException)
        {
            return null;
        }
    }

    /// <param name="algorithm">That the token names and its issuer may use.</param>
    public bool IsSignedBy(VerificationKey key, string algorithm) => key.Verifies(algorithm, _signed, _signature);

    /// <summary>Only RS256 is taken: a token may not choose a weaker way to be checked.</summary>
    public bool IsSignedBy(TokenSigningKey key)
    {
        var keyId = Header.StrOrNull("kid");
        return Header.Str("alg") == "RS256" && (keyId is null || keyId == key.KeyId) && key.Verify(_signed, _signature);
    }
}
