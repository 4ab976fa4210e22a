using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LiteKube.Apis.Certificates;

namespace LiteKube.Controllers.Certificates;

/// <summary>Signs requests with the cluster's authority: subject and names as asked, usages as granted, never an authority.</summary>
/// <param name="authority">With its private key, which is EC.</param>
internal sealed class CertificateSigner(X509Certificate2 authority, TimeProvider timeProvider)
{
    /// <summary>Longest life; a request may ask for less.</summary>
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(365);
    private static readonly TimeSpan MinLifetime = TimeSpan.FromMinutes(10);

    /// <summary>A certificate counts from a little before now: clocks differ.</summary>
    private static readonly TimeSpan Backdate = TimeSpan.FromMinutes(5);

    /// <summary>A life shorter than this is not shortened by what it begins earlier.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromHours(8);

    /// <returns>The certificate as PEM.</returns>
    /// <exception cref="InvalidOperationException">The authority has expired.</exception>
    public string Sign(SigningRequest request, IReadOnlyCollection<string> usages, int? expirationSeconds)
    {
        var now = timeProvider.GetUtcNow();
        DateTimeOffset authorityEnd = authority.NotAfter;
        if (now >= authorityEnd)
            throw new InvalidOperationException($"the certificate authority expired at {authorityEnd:u}");
        var lifetime = Lifetime(expirationSeconds);
        var end = lifetime < ShortLife ? now + lifetime : now + lifetime - Backdate;
        var begin = now - Backdate;

        var certificate = new CertificateRequest(request.Subject, request.PublicKey, HashAlgorithmName.SHA256);
        foreach (var extension in Extensions(request, usages))
            certificate.CertificateExtensions.Add(extension);
        var serial = new byte[16];
        RandomNumberGenerator.Fill(serial);
        serial[0] &= 0x7f;
        using var key = authority.GetECDsaPrivateKey() ?? throw new InvalidOperationException("the certificate authority has no private key");
        using var signed = certificate.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), begin < authority.NotBefore ? authority.NotBefore : begin, end < authorityEnd ? end : authorityEnd, serial);
        return signed.ExportCertificatePem() + "\n";
    }

    private IEnumerable<X509Extension> Extensions(SigningRequest request, IReadOnlyCollection<string> usages)
    {
        if (KeyUsages.FlagsOf(usages) is not X509KeyUsageFlags.None and var flags)
            yield return new X509KeyUsageExtension(flags, critical: true);
        if (KeyUsages.PurposesOf(usages) is { Count: > 0 } purposes)
        {
            var oids = new OidCollection();
            foreach (var purpose in purposes)
                oids.Add(new Oid(purpose));
            yield return new X509EnhancedKeyUsageExtension(oids, critical: false);
        }
        yield return new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true);
        yield return X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false);
        if (!request.Alternatives.IsEmpty)
            yield return request.Alternatives.ToExtension(isCritical: request.Names is { CommonName: "", Organizations.Count: 0 });
    }

    private static TimeSpan Lifetime(int? seconds)
    {
        if (seconds is not { } asked)
            return MaxLifetime;
        var wish = TimeSpan.FromSeconds(asked);
        return wish > MaxLifetime ? MaxLifetime : wish < MinLifetime ? MinLifetime : wish;
    }
}
