using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Certificates;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Certificates;

/// <summary>Requests approved and signed against the real API server, under the controllers' own role.</summary>
public sealed class CertificateControllersTests : IAsyncLifetime
{
    private const string Requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

    private readonly List<ControllerRunner> _controllers = [];
    private TestApiServer _server = null!;
    private SharedInformers _informers = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        _informers = new SharedInformers(Client("generic-garbage-collector"), NullLoggerFactory.Instance, TimeProvider.System);
        var client = Client("certificate-controller");
        _controllers.Add(new CertificateApprovingController(client, _informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        _controllers.Add(new CertificateSigningController(client, _informers, new CertificateSigner(_server.Server.Pki.CertificateAuthority, TimeProvider.System), TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        foreach (var controller in _controllers)
            await controller.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        foreach (var controller in _controllers)
            await controller.StopAsync(default);
        await _informers.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_approved_request_becomes_a_certificate_that_signs_its_user_in(bool isRsa)
    {
        using var rsa = RSA.Create(2048);
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        // Encoded from right to left, and read in the order of the encoding.
        const string subject = "O=dev, O=ops, CN=jane";
        var request = isRsa ? new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : new CertificateRequest(subject, ec, HashAlgorithmName.SHA384);
        await CreateAsync("jane", "kubernetes.io/kube-apiserver-client", request, ["client auth", "digital signature"], expirationSeconds: 3600);
        await ApproveAsync("jane");
        var status = await SettledAsync("jane");
        using var certificate = CertificateOf(status);
        Assert.Equal("O=dev, O=ops, CN=jane", certificate.Subject);
        Assert.InRange(certificate.NotAfter.ToUniversalTime() - DateTime.UtcNow, TimeSpan.FromMinutes(58), TimeSpan.FromMinutes(60));
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.Equal(X509KeyUsageFlags.DigitalSignature, certificate.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.Equal(["1.3.6.1.5.5.7.3.2"], certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value));

        using var withKey = isRsa ? certificate.CopyWithPrivateKey(rsa) : certificate.CopyWithPrivateKey(ec);
        using var jane = _server.ClientFor(withKey);
        var who = await _server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: jane);
        Assert.Equal("jane", (string?)who.Json["status"]!["userInfo"]!["username"]);
        Assert.Equal(["ops", "dev", "system:authenticated"], who.Json["status"]!["userInfo"]!["groups"]!.AsArray().Select(g => (string?)g));
    }

    [Theory]
    [InlineData("kubernetes.io/kube-apiserver-client", "CN=x", "server auth", "invalid usage for client certificate: server auth")]
    [InlineData("kubernetes.io/kube-apiserver-client", "CN=x", "digital signature", "missing required usage for client certificate: client auth")]
    [InlineData("kubernetes.io/kube-apiserver-client-kubelet", "CN=system:node:a", "client auth,digital signature", "subject organization is not system:nodes")]
    [InlineData("kubernetes.io/kube-apiserver-client-kubelet", "O=system:nodes, CN=a", "client auth,digital signature", "subject common name does not begin with system:node:")]
    [InlineData("kubernetes.io/kube-apiserver-client-kubelet", "O=system:nodes, CN=system:node:a", "client auth", "usages did not match [client auth digital signature key encipherment]")]
    [InlineData("kubernetes.io/kubelet-serving", "O=system:nodes, CN=system:node:a", "server auth,digital signature", "DNS or IP subjectAltName is required")]
    public async Task What_a_signer_may_not_sign_fails_and_says_why(string signer, string subject, string usages, string message)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await CreateAsync("refused", signer, new CertificateRequest(subject, key, HashAlgorithmName.SHA256), usages.Split(','));
        await ApproveAsync("refused");
        var failed = (await SettledAsync("refused"))["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "Failed")!;
        Assert.Equal("SignerValidationFailure", (string?)failed["reason"]);
        Assert.Equal(message, (string?)failed["message"]);
    }

    [Fact]
    public async Task A_kubelets_serving_certificate_bears_the_names_it_asked_for()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("O=system:nodes, CN=system:node:a", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("a.example.com");
        names.AddIpAddress(IPAddress.Parse("10.0.0.7"));
        request.CertificateExtensions.Add(names.Build());
        await CreateAsync("serving", "kubernetes.io/kubelet-serving", request, ["server auth", "digital signature"]);
        await ApproveAsync("serving");
        using var certificate = CertificateOf(await SettledAsync("serving"));
        var alternatives = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        Assert.Equal(["a.example.com"], alternatives.EnumerateDnsNames());
        Assert.Equal([IPAddress.Parse("10.0.0.7")], alternatives.EnumerateIPAddresses());
    }

    [Fact]
    public async Task A_node_renews_its_own_client_certificate_once_it_may_and_nobody_else_is_approved_for_it()
    {
        foreach (var (name, binding) in new[] { ("selfnodeclient", "Group/system:nodes"), ("nodeclient", "User/bootstrapper") })
        {
            var (kind, who) = (binding.Split('/')[0], binding.Split('/')[1]);
            await _server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", $$"""{"metadata":{"name":"{{name}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:certificates.k8s.io:certificatesigningrequests:{{name}}"},"subjects":[{"kind":"{{kind}}","name":"{{who}}","apiGroup":"rbac.authorization.k8s.io"}]}""");
        }
        await _server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """{"metadata":{"name":"askers"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:node-bootstrapper"},"subjects":[{"kind":"Group","name":"system:authenticated","apiGroup":"rbac.authorization.k8s.io"}]}""");
        foreach (var (name, user, groups, message) in new (string, string, string[], string)[]
        {
            ("own", "system:node:a", ["system:nodes"], "Auto approving self kubelet client certificate after SubjectAccessReview."),
            ("joining", "bootstrapper", [], "Auto approving kubelet client certificate after SubjectAccessReview."),
        })
        {
            using var client = _server.ClientFor(_server.Server.Pki.IssueClientCertificate(user, groups, TimeSpan.FromHours(1)));
            await CreateAsync(name, "kubernetes.io/kube-apiserver-client-kubelet", NodeRequest(), ["client auth", "digital signature"], client: client);
            var status = await SettledAsync(name);
            Assert.Equal(message, (string?)status["conditions"]![0]!["message"]);
            Assert.Equal("AutoApproved", (string?)status["conditions"]![0]!["reason"]);
            using var certificate = CertificateOf(status);
            Assert.Equal("O=system:nodes, CN=system:node:a", certificate.Subject);
        }
        using var stranger = _server.ClientFor(_server.Server.Pki.IssueClientCertificate("stranger", [], TimeSpan.FromHours(1)));
        await CreateAsync("strange", "kubernetes.io/kube-apiserver-client-kubelet", NodeRequest(), ["client auth", "digital signature"], client: stranger);
        // Requests are taken in their order by one worker: when a later one is settled, this one was looked at.
        using var again = _server.ClientFor(_server.Server.Pki.IssueClientCertificate("bootstrapper", [], TimeSpan.FromHours(1)));
        await CreateAsync("later", "kubernetes.io/kube-apiserver-client-kubelet", NodeRequest(), ["client auth", "digital signature"], client: again);
        await SettledAsync("later");
        Assert.Null((await _server.GetAsync($"{Requests}/strange")).Json["status"]?["conditions"]);
    }

    private static CertificateRequest NodeRequest() => new("O=system:nodes, CN=system:node:a", ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);

    private static X509Certificate2 CertificateOf(JsonObject status) => X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(Convert.FromBase64String((string)status["certificate"]!)));

    private async Task CreateAsync(string name, string signer, CertificateRequest request, string[] usages, int? expirationSeconds = null, HttpClient? client = null)
    {
        var spec = new JsonObject
        {
            ["signerName"] = signer,
            ["request"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(request.CreateSigningRequestPem())),
            ["usages"] = new JsonArray([.. usages.Select(u => (JsonNode)u)]),
        };
        if (expirationSeconds is { } seconds)
            spec["expirationSeconds"] = seconds;
        var created = await _server.SendAsync(HttpMethod.Post, Requests, new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec }.ToJsonString(), null, client: client);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    private async Task ApproveAsync(string name)
    {
        var value = (await _server.GetAsync($"{Requests}/{name}")).Json;
        value["status"] = new JsonObject { ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Approved", ["status"] = "True", ["reason"] = "Test" }) };
        Assert.Equal(HttpStatusCode.OK, (await _server.PutAsync($"{Requests}/{name}/approval", value.ToJsonString())).StatusCode);
    }

    /// <summary>The status once it has a certificate or has failed.</summary>
    private async Task<JsonObject> SettledAsync(string name)
    {
        await using var watch = await _server.WatchAsync($"{Requests}?watch=true&fieldSelector=metadata.name%3D{name}");
        while (await watch.NextAsync() is { } next)
        {
            if (next["object"]!["status"] is JsonObject status && (status.ContainsKey("certificate") || status["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "Failed") == true))
                return status;
        }
        throw new InvalidOperationException($"the watch ended before {name} was signed or refused");
    }

    private KubeClient Client(string controller) => new(new ServerTransport(_server.Server, controller));
}
