using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>A public key of a JSON Web Key Set (RFC 7517).</summary>
internal sealed class VerificationKey
{
    private const int MinRsaBits = 1024;

    private readonly RSAParameters? _rsa;
    private readonly ECParameters? _ec;
    private readonly string _curve;

    private VerificationKey(string id, RSAParameters? rsa, ECParameters? ec, string curve) => (Id, _rsa, _ec, _curve) = (id, rsa, ec, curve);

    /// <summary>"" of a key without one.</summary>
    public string Id { get; }

    /// <summary>Null: a kind of key that signs no tokens here, or one that is broken. A set may hold such beside good ones.</summary>
    public static VerificationKey? TryRead(JsonObject key)
    {
        if (key.Str("use") is not ("" or "sig"))
            return null;
        try
        {
            switch (key.Str("kty"))
            {
                case "RSA":
                    var rsa = new RSAParameters { Modulus = Base64Url.DecodeFromChars(key.Str("n")), Exponent = Base64Url.DecodeFromChars(key.Str("e")) };
                    if (rsa.Modulus.Length * 8 < MinRsaBits)
                        return null;
                    using (RSA.Create(rsa)) return new(key.Str("kid"), rsa, null, "");
                case "EC":
                    ECCurve? curve = key.Str("crv") switch
                    {
                        "P-256" => ECCurve.NamedCurves.nistP256,
                        "P-384" => ECCurve.NamedCurves.nistP384,
                        "P-521" => ECCurve.NamedCurves.nistP521,
                        _ => null,
                    };
                    if (curve is not { } known)
                        return null;
                    var ec = new ECParameters { Curve = known, Q = new ECPoint { X = Base64Url.DecodeFromChars(key.Str("x")), Y = Base64Url.DecodeFromChars(key.Str("y")) } };
                    using (ECDsa.Create(ec)) return new(key.Str("kid"), null, ec, key.Str("crv"));
                default:
                    return null;
            }
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            return null;
        }
    }

    /// <summary>A key is used only in the way that it is made for: no algorithm makes an RSA key a shared secret.</summary>
    public bool Verifies(string algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        var hash = algorithm[2..] switch
        {
            "256" => HashAlgorithmName.SHA256,
            "384" => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
        try
        {
            if (algorithm[0] is 'R' or 'P')
            {
                if (_rsa is not { } parameters)
                    return false;
                using var rsa = RSA.Create(parameters);
                return rsa.VerifyData(signed, signature, hash, algorithm[0] == 'R' ? RSASignaturePadding.Pkcs1 : RSASignaturePadding.Pss);
            }
            if (_ec is not { } point || (algorithm, _curve) is not (("ES256", "P-256") or ("ES384", "P-384") or ("ES512", "P-521")))
                return false;
            using var ecdsa = ECDsa.Create(point);
            return ecdsa.VerifyData(signed, signature, hash);
        }
        catch (CryptographicException)
        {
            // A signature of another length than the key's.
            return false;
        }
    }
}
