using System.Security.Cryptography.X509Certificates;
using LiteKube.ApiServer.Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Certificates;

public sealed class ClusterPkiTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("litekube-pki-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_second_start_reads_what_the_first_one_made()
    {
        byte[][] first, second;
        using (var pki = await OpenAsync())
            first = Everything(pki);
        using (var pki = await OpenAsync())
            second = Everything(pki);
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task Only_the_owner_may_read_the_files()
    {
        using var pki = await OpenAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(_directory, "pki")));
        Assert.All(Directory.GetFiles(Path.Combine(_directory, "pki")), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
    }

    [Fact]
    public async Task The_serving_certificate_names_the_service_the_host_and_its_addresses()
    {
        using var pki = await OpenAsync("laptop", "10.152.183.1", "192.168.1.7");
        var names = CertificateIssuer.ReadAlternativeNames(pki.Serving.Current);
        Assert.Superset(new HashSet<string> { "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost", "laptop", "127.0.0.1", "::1", "10.152.183.1", "192.168.1.7" }, names.ToHashSet());
        Assert.Null(ChainVerifier.Verify(pki.Serving.Current, pki.CertificateAuthority, _time.GetUtcNow(), CertificateIssuer.ServerAuthOid));
        Assert.NotNull(ChainVerifier.Verify(pki.Serving.Current, pki.CertificateAuthority, _time.GetUtcNow(), CertificateIssuer.ClientAuthOid));
        Assert.NotNull(ChainVerifier.Verify(pki.Serving.Current, pki.FrontProxyAuthority, _time.GetUtcNow(), null));
    }

    [Fact]
    public async Task A_new_address_brings_a_new_serving_certificate_at_once()
    {
        using var pki = await OpenAsync("laptop");
        var before = pki.Serving.Current.Thumbprint;
        pki.SetServingNames(["laptop"]);
        Assert.Equal(before, pki.Serving.Current.Thumbprint);
        pki.SetServingNames(["laptop", "192.168.1.8"]);
        Assert.NotEqual(before, pki.Serving.Current.Thumbprint);
        Assert.Contains("192.168.1.8", CertificateIssuer.ReadAlternativeNames(pki.Serving.Current));
    }

    [Fact]
    public async Task Leaves_are_renewed_while_running_before_thirty_percent_of_their_life_is_left()
    {
        using var pki = await OpenAsync();
        var (serving, admin, authority) = (pki.Serving.Current.Thumbprint, pki.Admin.Current.Thumbprint, pki.CertificateAuthority.Thumbprint);
        _time.Advance(TimeSpan.FromDays(250));
        Assert.Equal(serving, pki.Serving.Current.Thumbprint);
        _time.Advance(TimeSpan.FromDays(7));
        Assert.NotEqual(serving, pki.Serving.Current.Thumbprint);
        Assert.NotEqual(admin, pki.Admin.Current.Thumbprint);
        Assert.Equal(authority, pki.CertificateAuthority.Thumbprint);
        Assert.Equal(pki.Serving.Current.Thumbprint, X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_directory, "pki", "apiserver.crt")).Thumbprint);
    }

    [Fact]
    public async Task A_crash_between_key_and_certificate_is_mended_at_the_next_start()
    {
        using (await OpenAsync()) { }
        File.Copy(Path.Combine(_directory, "pki", "apiserver.key"), Path.Combine(_directory, "pki", "admin.key"), overwrite: true);
        using var pki = await OpenAsync();
        Assert.Null(ChainVerifier.Verify(pki.Admin.Current, pki.CertificateAuthority, _time.GetUtcNow(), CertificateIssuer.ClientAuthOid));
        Assert.Contains("O=system:masters", pki.Admin.Current.Subject, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_authority_near_its_end_is_renewed_on_its_own_key_so_that_old_leaves_stay_good()
    {
        X509Certificate2 old;
        using (var pki = await OpenAsync())
            old = pki.IssueClientCertificate("jane", ["dev"], TimeSpan.FromDays(3600));
        _time.Advance(TimeSpan.FromDays(3000));
        using var later = await OpenAsync();
        Assert.True(later.CertificateAuthority.NotAfter > _time.GetUtcNow().AddDays(3600));
        Assert.Null(ChainVerifier.Verify(old, later.CertificateAuthority, _time.GetUtcNow(), CertificateIssuer.ClientAuthOid));
    }

    [Fact]
    public async Task A_lost_authority_key_is_an_error_that_says_what_to_do()
    {
        using (await OpenAsync()) { }
        File.Delete(Path.Combine(_directory, "pki", "ca.key"));
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => OpenAsync());
        Assert.Contains("restore it from a backup", error.Message, StringComparison.Ordinal);
    }

    private Task<ClusterPki> OpenAsync(params string[] names) =>
        ClusterPki.OpenAsync(new(Path.Combine(_directory, "pki"), names), _time, NullLogger.Instance, CancellationToken.None);

    private static byte[][] Everything(ClusterPki pki) =>
    [
        pki.CertificateAuthority.RawData, pki.FrontProxyAuthority.RawData, pki.ServiceAccountKey.ExportRSAPrivateKey(), pki.Serving.Current.RawData,
        pki.Admin.Current.RawData, pki.KubeletClient.Current.RawData, pki.FrontProxyClient.Current.RawData,
    ];
}
