using System.Security.Cryptography.X509Certificates;

namespace LiteKube.ApiServer.Certificates;

/// <summary>Checks certificates against our own authorities only: the machine's trust store, downloads and revocation lists play no part.</summary>
internal static class ChainVerifier
{
    /// <summary>Signed by the authority, whatever the time and purpose.</summary>
    public static bool IsSignedBy(X509Certificate2 certificate, X509Certificate2 authority)
    {
        // The chain is judged in the middle of the leaf's life: time is checked by the caller, who knows its own rules.
        var middle = certificate.NotBefore + ((certificate.NotAfter - certificate.NotBefore) / 2);
        return Verify(certificate, authority, middle, purposeOid: null) is null;
    }

    /// <summary>Null when the certificate is good for the purpose at this time, else what is wrong, in OpenSSL's words.</summary>
    public static string? Verify(X509Certificate2 certificate, X509Certificate2 authority, DateTimeOffset at, string? purposeOid, X509Certificate2Collection? intermediates = null)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.Add(authority);
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.VerificationTimeIgnored = false;
        policy.VerificationTime = at.LocalDateTime;
        if (intermediates is not null)
            policy.ExtraStore.AddRange(intermediates);
        if (purposeOid is not null)
            policy.ApplicationPolicy.Add(new(purposeOid));
        var isGood = chain.Build(certificate);
        foreach (var element in chain.ChainElements)
            element.Certificate.Dispose();
        return isGood ? null : string.Join("; ", chain.ChainStatus.Select(s => s.StatusInformation));
    }
}
