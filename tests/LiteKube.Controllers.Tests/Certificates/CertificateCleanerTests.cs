using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Certificates;

namespace LiteKube.Controllers.Tests.Certificates;

public sealed class CertificateCleanerTests : ControllerTest
{
    [Fact]
    public async Task Each_request_goes_when_nobody_needs_it_any_more()
    {
        Seed("pending");
        Seed("denied", "Denied");
        Seed("waiting", "Approved");
        Seed("issued", "Approved", TimeSpan.FromDays(30));
        Seed("brief", "Approved", TimeSpan.FromMinutes(20));
        var cleaner = new CertificateCleaner(Kube.Client, Informers, Time);
        foreach (var name in (string[])["brief", "denied", "issued", "pending", "waiting"])
            await SeenAsync<V1CertificateSigningRequest>("", name, v => v is not null);

        Assert.Equal(TimeSpan.FromMinutes(20), (await AskAsync("brief")).Requeue);
        Assert.Equal(TimeSpan.FromHours(1), (await AskAsync("denied")).Requeue);
        Assert.Equal(TimeSpan.FromHours(1), (await AskAsync("issued")).Requeue);
        Assert.Equal(TimeSpan.FromHours(24), (await AskAsync("pending")).Requeue);
        Assert.Null((await AskAsync("waiting")).Requeue);
        foreach (var (after, gone) in new[] { (TimeSpan.FromMinutes(20), "brief"), (TimeSpan.FromMinutes(40), "denied"), (TimeSpan.Zero, "issued"), (TimeSpan.FromHours(23), "pending") })
        {
            Assert.NotNull(Kube.Find<V1CertificateSigningRequest>("", gone));
            Time.Advance(after);
            Assert.Null((await AskAsync(gone)).Requeue);
            Assert.Null(Kube.Find<V1CertificateSigningRequest>("", gone));
        }
        await AskAsync("waiting");
        Assert.NotNull(Kube.Find<V1CertificateSigningRequest>("", "waiting"));

        Task<ReconcileResult> AskAsync(string name) => cleaner.ReconcileAsync(new ObjectKey("", name), default);
    }

    private void Seed(string name, string? condition = null, TimeSpan? issuedFor = null)
    {
        var now = Time.GetUtcNow();
        var request = new V1CertificateSigningRequest
        {
            ApiVersion = "certificates.k8s.io/v1",
            Kind = "CertificateSigningRequest",
            Metadata = new V1ObjectMeta { Name = name, CreationTimestamp = now.UtcDateTime },
            Spec = new V1CertificateSigningRequestSpec { SignerName = "example.com/s", Request = [1], Usages = ["client auth"] },
        };
        if (condition is not null)
            request.Status = new V1CertificateSigningRequestStatus { Conditions = [new V1CertificateSigningRequestCondition { Type = condition, Status = "True", LastUpdateTime = now.UtcDateTime }] };
        if (issuedFor is { } life)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddMinutes(-1), now + life);
            request.Status!.Certificate = Encoding.ASCII.GetBytes(certificate.ExportCertificatePem());
        }
        Kube.Seed(request);
    }
}
