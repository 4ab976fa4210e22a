using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Certificates;

/// <param name="Directory">Where the files are: DATA/pki.</param>
/// <param name="ServingNames">DNS names and addresses of the serving certificate beside the standard ones: host name, node addresses, service address, what the configuration adds.</param>
public sealed record ClusterPkiOptions(string Directory, IReadOnlyList<string> ServingNames, string ClusterDomain = "cluster.local");

/// <summary>
/// The cluster's keys and certificates (https://kubernetes.io/docs/setup/best-practices/certificates/), under
/// kubeadm's file names: made at the first start, read at later ones, renewed before they end. Certificates are
/// ECDSA P-256 because handshakes with it cost a fraction of RSA's; service account tokens are signed with RSA
/// because RS256 is what every client can verify.
/// </summary>
public sealed class ClusterPki : IDisposable
{
    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromHours(1);

    private readonly ClusterPkiOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<string, RenewingCertificate> _leaves = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly ITimer _timer;

    private ClusterPki(ClusterPkiOptions options, TimeProvider time, ILogger logger, RSA serviceAccountKey)
    {
        (_options, _time, _logger, ServiceAccountKey) = (options, time, logger, serviceAccountKey);
        CertificateAuthority = OpenAuthority("ca", "kubernetes");
        FrontProxyAuthority = OpenAuthority("front-proxy-ca", "kubernetes-front-proxy-ca");
        Serving = Leaf("apiserver", CertificateSubject.Server("kube-apiserver", StandardNames(options)));
        Admin = Leaf("admin", CertificateSubject.Client("kubernetes-admin", "system:masters"));
        KubeletClient = Leaf("apiserver-kubelet-client", CertificateSubject.Client("kube-apiserver-kubelet-client", "system:masters"));
        FrontProxyClient = Leaf("front-proxy-client", CertificateSubject.Client("front-proxy-client"), FrontProxyAuthority);
        _timer = time.CreateTimer(_ => RenewDue(), null, CheckInterval, CheckInterval);
    }

    /// <summary>With its private key: signs every certificate of the cluster.</summary>
    public X509Certificate2 CertificateAuthority { get; }

    /// <summary>Signs the certificate with which aggregated API servers know us.</summary>
    public X509Certificate2 FrontProxyAuthority { get; }

    /// <summary>RSA 2048; signs service account tokens.</summary>
    public RSA ServiceAccountKey { get; }

    /// <summary>The API server's own certificate.</summary>
    public RenewingCertificate Serving { get; }

    /// <summary>kubernetes-admin in system:masters.</summary>
    public RenewingCertificate Admin { get; }

    /// <summary>With which the API server asks kubelets.</summary>
    public RenewingCertificate KubeletClient { get; }

    /// <summary>With which the API server asks aggregated API servers.</summary>
    public RenewingCertificate FrontProxyClient { get; }

    public string CertificateAuthorityPem => CertificateAuthority.ExportCertificatePem() + "\n";
    public string FrontProxyAuthorityPem => FrontProxyAuthority.ExportCertificatePem() + "\n";

    /// <exception cref="InvalidDataException">A file cannot be read as what it must be; the message says what to do.</exception>
    public static async Task<ClusterPki> OpenAsync(ClusterPkiOptions options, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        CertificateFiles.EnsureDirectory(options.Directory);
        // The RSA key takes up to some hundred milliseconds the first time; the other keys are made meanwhile.
        var key = await Task.Run(() => OpenServiceAccountKey(options.Directory), cancellationToken);
        return new ClusterPki(options, time, logger, key);
    }

    /// <summary>The serving certificate of a node's kubelet.</summary>
    public RenewingCertificate KubeletServing(string nodeName, IReadOnlyList<string> addresses) =>
        Leaf($"kubelet-{nodeName}", new CertificateSubject($"system:node:{nodeName}", ["system:nodes"], [.. addresses.Append(nodeName).Distinct(StringComparer.OrdinalIgnoreCase)], IsServer: true, IsClient: false));

    /// <summary>A client's certificate kept as <paramref name="fileName"/>.crt and .key: a node's kubelet, a component outside this process.</summary>
    public RenewingCertificate Client(string fileName, string user, params IReadOnlyList<string> groups) => Leaf(fileName, CertificateSubject.Client(user, groups));

    /// <summary>A certificate for a client that is kept nowhere.</summary>
    public X509Certificate2 IssueClientCertificate(string user, IReadOnlyList<string> groups, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateIssuer.CreateLeaf(CertificateAuthority, CertificateSubject.Client(user, groups), key, _time.GetUtcNow(), lifetime);
    }

    /// <summary>For Kestrel's per-connection selection.</summary>
    public SslStreamCertificateContext SelectServingCertificate() => Serving.CurrentContext;

    /// <summary>The machine's names or addresses changed: the serving certificate follows at once.</summary>
    public void SetServingNames(IReadOnlyList<string> names)
    {
        if (Serving.SetAlternativeNames(StandardNames(_options with { ServingNames = names })))
            CertificatesLog.Renewed(_logger, "apiserver", Serving.Current.NotAfter);
    }

    /// <summary>A kubeconfig for the admin, complete in itself.</summary>
    /// <param name="server">"https://127.0.0.1:16443"</param>
    public string AdminKubeconfig(string server, string clusterName = "litekube") =>
        KubeconfigText.Write(server, clusterName, "admin", CertificateAuthorityPem, Admin.CertificatePem, Admin.KeyPem);

    /// <summary>Renews what is due; the timer's work.</summary>
    public void RenewDue()
    {
        KeyValuePair<string, RenewingCertificate>[] leaves;
        lock (_lock)
            leaves = [.. _leaves];
        foreach (var (name, leaf) in leaves)
        {
            try
            {
                if (leaf.RenewIfNeeded())
                    CertificatesLog.Renewed(_logger, name, leaf.Current.NotAfter);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                CertificatesLog.RenewalFailed(_logger, name, leaf.Current.NotAfter, e);
            }
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        ServiceAccountKey.Dispose();
    }

    private RenewingCertificate Leaf(string fileName, CertificateSubject subject, X509Certificate2? authority = null)
    {
        lock (_lock)
        {
            if (_leaves.TryGetValue(fileName, out var leaf))
            {
                leaf.SetAlternativeNames(subject.AlternativeNames);
                return leaf;
            }
            var issuer = authority ?? CertificateAuthority;
            return _leaves[fileName] = new RenewingCertificate(_options.Directory, fileName, subject, () => issuer, _time);
        }
    }

    private X509Certificate2 OpenAuthority(string fileName, string commonName)
    {
        var (certificatePath, keyPath) = (Path.Combine(_options.Directory, fileName + ".crt"), Path.Combine(_options.Directory, fileName + ".key"));
        var now = _time.GetUtcNow();
        if (CertificateFiles.TryReadPair(certificatePath, keyPath) is { } stored)
        {
            if (now >= stored.NotBefore && stored.NotAfter - now > AuthorityLifetime * 0.3)
                return stored;
            stored.Dispose();
        }
        else if (File.Exists(certificatePath) && !File.Exists(keyPath))
        {
            throw new InvalidDataException($"{keyPath} is missing beside {certificatePath}: restore it from a backup, or remove the directory {_options.Directory} to start with new certificates");
        }
        // The key outlives the certificate: what it signed stays good under the renewed authority.
        using var key = CertificateFiles.TryReadEcKey(keyPath) ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (!File.Exists(keyPath))
            CertificateFiles.Write(keyPath, key.ExportECPrivateKeyPem() + "\n");
        var authority = CertificateIssuer.CreateAuthority(commonName, key, now, AuthorityLifetime);
        CertificateFiles.Write(certificatePath, authority.ExportCertificatePem() + "\n");
        return authority;
    }

    private static RSA OpenServiceAccountKey(string directory)
    {
        var path = Path.Combine(directory, "sa.key");
        var key = RSA.Create(2048);
        if (File.Exists(path))
        {
            try
            {
                key.ImportFromPem(File.ReadAllText(path));
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                key.Dispose();
                throw new InvalidDataException($"{path} holds no readable RSA key: restore it from a backup, or remove it (every service account token then becomes invalid)", e);
            }
        }
        else
        {
            CertificateFiles.Write(path, key.ExportRSAPrivateKeyPem() + "\n");
        }
        var publicPath = Path.Combine(directory, "sa.pub");
        if (!File.Exists(publicPath))
            CertificateFiles.Write(publicPath, key.ExportSubjectPublicKeyInfoPem() + "\n");
        return key;
    }

    private static string[] StandardNames(ClusterPkiOptions options) =>
    [
        .. ((string[])["kubernetes", "kubernetes.default", "kubernetes.default.svc", $"kubernetes.default.svc.{options.ClusterDomain}", "localhost", "127.0.0.1", "::1"])
            .Concat(options.ServingNames).Distinct(StringComparer.OrdinalIgnoreCase),
    ];
}

internal static partial class CertificatesLog
{
    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Certificate {Name} was renewed; it is good until {NotAfter:u}")]
    public static partial void Renewed(ILogger logger, string name, DateTime notAfter);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Error, Message = "Certificate {Name} could not be renewed; the old one ends {NotAfter:u}")]
    public static partial void RenewalFailed(ILogger logger, string name, DateTime notAfter, Exception exception);
}
