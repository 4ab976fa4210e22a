using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Certificates;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What the kinds of certificates.k8s.io hold, checked with Kubernetes' texts.</summary>
internal static class CertificateValidation
{
    public const string LegacySigner = "kubernetes.io/legacy-unknown";
    private const int MaxDomainLength = 253;
    /// <summary>Room for FQDN/namespace.name.</summary>
    private const int MaxSignerNameLength = 253 + 1 + 63 + 1 + 253;
    private const int MaxTrustBundleBytes = 1024 * 1024;
    private const string Omitted = "<value omitted>";

    /// <summary>"example.com/signer-name".</summary>
    public static void SignerName(FieldErrors errors, FieldPath field, string name)
    {
        if (name.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        var segments = name.Split('/');
        if (segments.Length != 2)
        {
            errors.Invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
            return;
        }
        var labels = segments[0].Split('.');
        if (segments[0].Length > MaxDomainLength)
            errors.TooLong(field, MaxDomainLength);
        foreach (var label in labels)
        {
            if (NameChecks.DnsLabel(label) is not [var complaint, ..])
                continue;
            errors.Invalid(field, segments[0], $"validating label \"{label}\": {complaint}");
            break;
        }
        if (labels.Length < 2)
            errors.Invalid(field, segments[0], "should be a domain with at least two segments separated by dots");
        foreach (var label in segments[1].Split('.'))
        {
            if (NameChecks.DnsSubdomain(label) is not [var complaint, ..])
                continue;
            errors.Invalid(field, segments[1], $"validating label \"{label}\": {complaint}");
            break;
        }
        if (name.Length > MaxSignerNameLength)
            errors.TooLong(field, MaxSignerNameLength);
    }

    /// <summary>What is wrong with status.certificate; null when it is a chain of certificates in PEM.</summary>
    public static string? ChainError(ReadOnlySpan<byte> pem)
    {
        var blocks = 0;
        foreach (var block in PemBlocks(pem))
        {
            if (block.Label != "CERTIFICATE")
                return $"only CERTIFICATE PEM blocks are allowed, found \"{block.Label}\"";
            if (block.HasHeaders)
                return "no PEM block headers are permitted";
            if (TryLoad(block.Data) is not { } certificate)
                return "x509: malformed certificate";
            certificate.Dispose();
            blocks++;
        }
        return blocks == 0 ? "must contain at least one CERTIFICATE PEM block" : null;
    }

    public static void ClusterTrustBundle(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (spec, signer) = (FieldPath.Of("spec"), value.Obj("spec").Str("signerName"));
        if (BundleNameError(value.MetaName(), signer) is { } complaint && old is null)
            errors.Invalid(FieldPath.Of("metadata").Child("name"), value.MetaName(), complaint);
        if (signer.Length > 0)
            SignerName(errors, spec.Child("signerName"), signer);
        var bundle = value.Obj("spec").Str("trustBundle");
        if (old is null || bundle != old.Obj("spec").Str("trustBundle"))
            TrustBundle(errors, spec.Child("trustBundle"), bundle);
        if (old is not null && signer != old.Obj("spec").Str("signerName"))
            errors.Invalid(spec.Child("signerName"), signer, Checks.FieldImmutable);
    }

    /// <summary>A bundle of a signer bears its name: "example.com:signer:suffix".</summary>
    public static string? BundleNameError(string name, string signer)
    {
        if (signer.Length == 0)
            return name.Contains(':', StringComparison.Ordinal) ? "ClusterTrustBundle without signer name must not have \":\" in its name" : NameChecks.DnsSubdomain(name).FirstOrDefault();
        var prefix = signer.Replace('/', ':') + ":";
        return name.StartsWith(prefix, StringComparison.Ordinal)
            ? NameChecks.DnsSubdomain(name[prefix.Length..]).FirstOrDefault()
            : $"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}";
    }

    private static void TrustBundle(FieldErrors errors, FieldPath field, string text)
    {
        if (Encoding.UTF8.GetByteCount(text) > MaxTrustBundleBytes)
        {
            errors.TooLong(field, MaxTrustBundleBytes);
            return;
        }
        var (index, found) = (-1, errors.Count);
        var seen = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        foreach (var block in PemBlocks(Encoding.UTF8.GetBytes(text)))
        {
            index++;
            if (AnchorError(block) is { } complaint)
                errors.Invalid(field, Omitted, $"entry {index} {complaint}");
            else if (seen.TryGetValue(Convert.ToBase64String(block.Data), out var indices))
                indices.Add(index);
            else
                seen[Convert.ToBase64String(block.Data)] = [index];
        }
        if (errors.Count > found)
            return;
        if (seen.Count == 0)
            errors.Invalid(field, Omitted, "at least one trust anchor must be provided");
        foreach (var indices in seen.Values.Where(i => i.Count > 1))
            errors.Invalid(field, Omitted, $"duplicate trust anchor (indices [{string.Join(' ', indices)}])");
    }

    private static string? AnchorError(PemBlock block)
    {
        if (block.Label != "CERTIFICATE")
            return $"has bad block type: {block.Label}";
        if (block.HasHeaders)
            return "has PEM block headers";
        using var certificate = TryLoad(block.Data);
        if (certificate is null)
            return "does not parse as X.509";
        return certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority) ? null : "does not have the CA bit set";
    }

    private static X509Certificate2? TryLoad(byte[] der)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(der);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private sealed record PemBlock(string Label, bool HasHeaders, byte[] Data);

    /// <summary>The blocks in their order; what is between them does not count. A block with headers keeps them out of its data.</summary>
    private static List<PemBlock> PemBlocks(ReadOnlySpan<byte> pem)
    {
        var blocks = new List<PemBlock>();
        string? label = null;
        var (body, hasHeaders) = (new StringBuilder(), false);
        foreach (var line in Encoding.Latin1.GetString(pem).Split('\n').Select(l => l.Trim()))
        {
            if (line.StartsWith("-----BEGIN ", StringComparison.Ordinal) && line.EndsWith("-----", StringComparison.Ordinal))
            {
                label = line["-----BEGIN ".Length..^5];
                body.Clear();
                hasHeaders = false;
            }
            else if (label is not null && line == $"-----END {label}-----")
            {
                var data = new byte[body.Length];
                if (Convert.TryFromBase64String(body.ToString(), data, out var length))
                    blocks.Add(new(label, hasHeaders, data[..length]));
                label = null;
            }
            else if (label is not null && line.Contains(':', StringComparison.Ordinal))
            {
                hasHeaders = true;
            }
            else if (label is not null)
            {
                body.Append(line);
            }
        }
        return blocks;
    }

    /// <summary>Null when spec.request holds a request whose signature is good.</summary>
    public static string? RequestError(byte[]? pem)
    {
        if (pem is null)
            return "PEM block type must be CERTIFICATE REQUEST";
        return SigningRequest.TryParse(pem, out var error) is null ? error : null;
    }

    /// <summary>A []byte field; null when it is absent.</summary>
    public static byte[]? Bytes(JsonObject? value, string field) => value.StrOrNull(field) is { Length: > 0 } text ? Convert.FromBase64String(text) : null;
}
