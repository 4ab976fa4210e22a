using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LiteKube.ApiServer.Certificates;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>From a key pair to a user that signs in, by kubectl alone.</summary>
public sealed class CertificateTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [InlineData("1.32")]
    [InlineData("1.35")]
    public async Task An_approved_request_gives_a_kubeconfig_that_signs_in_and_a_denied_one_does_not(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "certificates");
        var user = $"jane-{release.Replace('.', '-')}";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Convert.ToBase64String(Encoding.ASCII.GetBytes(new CertificateRequest($"O=dev, CN={user}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem()));
        string Manifest(string name) => $$"""
            apiVersion: certificates.k8s.io/v1
            kind: CertificateSigningRequest
            metadata: {name: {{name}}}
            spec: {signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], expirationSeconds: 86400, request: {{request}}}
            """;

        await kubectl.ApplyAsync(Manifest(user));
        Assert.Contains("Pending", await kubectl.OkAsync("get", "csr", user));
        Assert.Contains($"certificatesigningrequest.certificates.k8s.io/{user} approved", await kubectl.OkAsync("certificate", "approve", user));
        await kubectl.OkAsync("wait", "--for=jsonpath={.status.certificate}", $"csr/{user}", "--timeout=20s");
        Assert.Contains("Approved,Issued", await kubectl.OkAsync("get", "csr", user));
        var certificate = Encoding.ASCII.GetString(Convert.FromBase64String(await kubectl.OkAsync("get", "csr", user, "-o", "jsonpath={.status.certificate}")));

        var kubeconfig = Path.Combine(server.NewDirectory(), "config");
        await File.WriteAllTextAsync(kubeconfig, KubeconfigText.Write(server.ServerUrl, "litekube", user, server.Api.Server.Pki.CertificateAuthorityPem, certificate, key.ExportECPrivateKeyPem() + "\n"));
        var who = await kubectl.OkAsync("--kubeconfig", kubeconfig, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}");
        Assert.Equal($"{user} [\"dev\",\"system:authenticated\"]", who);

        await kubectl.ApplyAsync(Manifest(user + "-denied"));
        Assert.Contains("denied", await kubectl.OkAsync("certificate", "deny", user + "-denied"));
        Assert.Contains("Denied", await kubectl.OkAsync("get", "csr", user + "-denied"));
        Assert.Equal("", await kubectl.OkAsync("get", "csr", user + "-denied", "-o", "jsonpath={.status.certificate}"));
    }
}
