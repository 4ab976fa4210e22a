using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LiteKube.ApiServer.Certificates;

/// <summary>
/// One leaf certificate kept in files and renewed while the program runs: before less than 30 % of its life is left,
/// when its names change, when its authority changed. Readers take <see cref="Current"/> per connection.
/// </summary>
public sealed class RenewingCertificate
{
    private const double RenewBelowFractionLeft = 0.3;
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);

    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly Func<X509Certificate2> _authority;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private CertificateSubject _subject;
    private volatile Pair _pair;

    internal RenewingCertificate(string directory, string fileName, CertificateSubject subject, Func<X509Certificate2> authority, TimeProvider time)
    {
        _certificatePath = Path.Combine(directory, fileName + ".crt");
        _keyPath = Path.Combine(directory, fileName + ".key");
        (_subject, _authority, _time) = (subject, authority, time);
        var stored = CertificateFiles.TryReadPair(_certificatePath, _keyPath);
        _pair = stored is not null && IsGood(stored) ? new(stored, Context(stored)) : Issue();
    }

    /// <summary>With its private key.</summary>
    public X509Certificate2 Current => _pair.Certificate;

    /// <summary>For SslStream and Kestrel: keeps the prepared chain (and resumable sessions) over connections.</summary>
    public SslStreamCertificateContext CurrentContext => _pair.Context;

    public string CertificatePem => Current.ExportCertificatePem() + "\n";

    public string KeyPem
    {
        get
        {
            using var key = Current.GetECDsaPrivateKey()!;
            return key.ExportECPrivateKeyPem() + "\n";
        }
    }

    /// <summary>After a new certificate took the place of <see cref="Current"/>.</summary>
    public event Action? Renewed;

    /// <summary>The names that the certificate must hold from now on.</summary>
    public bool SetAlternativeNames(IReadOnlyList<string> names)
    {
        lock (_lock)
            _subject = _subject with { AlternativeNames = names };
        return RenewIfNeeded();
    }

    /// <summary>True when a new certificate was made.</summary>
    public bool RenewIfNeeded()
    {
        lock (_lock)
        {
            if (IsGood(Current))
                return false;
            // The old one is left to the collector: connections may still be using it.
            _pair = Issue();
        }
        Renewed?.Invoke();
        return true;
    }

    private Pair Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = CertificateIssuer.CreateLeaf(_authority(), _subject, key, _time.GetUtcNow(), Lifetime);
        CertificateFiles.Write(_keyPath, key.ExportECPrivateKeyPem() + "\n");
        CertificateFiles.Write(_certificatePath, certificate.ExportCertificatePem() + "\n");
        return new(certificate, Context(certificate));
    }

    private SslStreamCertificateContext Context(X509Certificate2 certificate) =>
        SslStreamCertificateContext.Create(certificate, [X509CertificateLoader.LoadCertificate(_authority().RawDataMemory.Span)], offline: true);

    private bool IsGood(X509Certificate2 certificate)
    {
        var now = _time.GetUtcNow();
        DateTimeOffset notBefore = certificate.NotBefore, notAfter = certificate.NotAfter;
        return now >= notBefore
            && notAfter - now > (notAfter - notBefore) * RenewBelowFractionLeft
            && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) == _subject.CommonName
            && CertificateIssuer.ReadAlternativeNames(certificate).SetEquals(_subject.AlternativeNames)
            && ChainVerifier.IsSignedBy(certificate, _authority());
    }

    private sealed record Pair(X509Certificate2 Certificate, SslStreamCertificateContext Context);
}
