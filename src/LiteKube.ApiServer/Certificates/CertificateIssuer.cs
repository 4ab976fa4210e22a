using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LiteKube.ApiServer.Certificates;

/// <summary>What a leaf certificate says. <paramref name="Organizations"/> become the groups of a client.</summary>
public sealed record CertificateSubject(string CommonName, IReadOnlyList<string> Organizations, IReadOnlyList<string> AlternativeNames, bool IsServer, bool IsClient)
{
    public static CertificateSubject Client(string user, params IReadOnlyList<string> groups) => new(user, groups, [], IsServer: false, IsClient: true);
    public static CertificateSubject Server(string name, IReadOnlyList<string> alternativeNames) => new(name, [], alternativeNames, IsServer: true, IsClient: false);
}

/// <summary>Makes X.509 certificates on P-256 (RFC 5280): authorities and the leaves under them.</summary>
internal static class CertificateIssuer
{
    public const string ServerAuthOid = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthOid = "1.3.6.1.5.5.7.3.2";

    /// <summary>A certificate counts from a little before now: clocks of clients differ.</summary>
    private static readonly TimeSpan Backdate = TimeSpan.FromMinutes(5);

    public static X509Certificate2 CreateAuthority(string commonName, ECDsa key, DateTimeOffset now, TimeSpan lifetime)
    {
        var request = new CertificateRequest(Name(commonName, []), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, critical: true));
        // Made from the key alone, so that a renewed authority still fits the leaves under the old one.
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - Backdate, now + lifetime);
    }

    public static X509Certificate2 CreateLeaf(X509Certificate2 authority, CertificateSubject subject, ECDsa key, DateTimeOffset now, TimeSpan lifetime)
    {
        using var unsigned = Sign(authority, subject, new PublicKey(key), now, lifetime);
        return unsigned.CopyWithPrivateKey(key);
    }

    /// <summary>For a key that its owner keeps (a CertificateSigningRequest).</summary>
    public static X509Certificate2 Sign(X509Certificate2 authority, CertificateSubject subject, PublicKey publicKey, DateTimeOffset now, TimeSpan lifetime)
    {
        var request = new CertificateRequest(Name(subject.CommonName, subject.Organizations), publicKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        var usage = X509KeyUsageFlags.DigitalSignature;
        if (publicKey.GetRSAPublicKey() is { } rsa)
        {
            usage |= X509KeyUsageFlags.KeyEncipherment;
            rsa.Dispose();
        }
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        var purposes = new OidCollection();
        if (subject.IsServer) purposes.Add(new Oid(ServerAuthOid));
        if (subject.IsClient) purposes.Add(new Oid(ClientAuthOid));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (subject.AlternativeNames.Count > 0)
            request.CertificateExtensions.Add(AlternativeNames(subject.AlternativeNames));

        var notBefore = Later(now - Backdate, authority.NotBefore);
        var notAfter = Earlier(now + lifetime, authority.NotAfter);
        var serial = new byte[16];
        RandomNumberGenerator.Fill(serial);
        serial[0] &= 0x7f;
        // The issuer's key is EC whatever the leaf's is, so the generator is named instead of taken from the leaf.
        using var issuerKey = authority.GetECDsaPrivateKey() ?? throw new InvalidOperationException("the certificate authority has no private key");
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(issuerKey), notBefore, notAfter, serial);
    }

    public static IReadOnlySet<string> ReadAlternativeNames(X509Certificate2 certificate)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var extension in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            names.UnionWith(extension.EnumerateDnsNames());
            names.UnionWith(extension.EnumerateIPAddresses().Select(a => a.ToString()));
        }
        return names;
    }

    private static X509Extension AlternativeNames(IEnumerable<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
                builder.AddIpAddress(address);
            else
                builder.AddDnsName(name);
        }
        return builder.Build();
    }

    private static X500DistinguishedName Name(string commonName, IReadOnlyList<string> organizations)
    {
        var builder = new X500DistinguishedNameBuilder();
        foreach (var organization in organizations)
            builder.AddOrganizationName(organization);
        builder.AddCommonName(commonName);
        return builder.Build();
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTime b) => a > b ? a : new DateTimeOffset(b);
    private static DateTimeOffset Earlier(DateTimeOffset a, DateTime b) => a < b ? a : new DateTimeOffset(b);
}
