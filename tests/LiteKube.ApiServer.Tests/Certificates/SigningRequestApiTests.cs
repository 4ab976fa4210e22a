using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Certificates;

/// <summary>certificates.k8s.io through the whole server, without the controllers that answer it.</summary>
public sealed class SigningRequestApiTests(SigningRequestApiTests.Fixture fixture) : IClassFixture<SigningRequestApiTests.Fixture>
{
    private const string Requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    private const string Bundles = "/apis/certificates.k8s.io/v1/clustertrustbundles";

    private TestApiServer Server => fixture.Server;

    [Fact]
    public async Task Who_asks_is_what_the_server_knows_and_the_spec_stays_as_it_is()
    {
        using var jane = Server.ClientFor(Server.Server.Pki.IssueClientCertificate("jane", ["system:masters", "dev"], TimeSpan.FromHours(1)));
        var body = Body("who", "kubernetes.io/kube-apiserver-client", Request("CN=jane"));
        body["spec"]!["username"] = "root";
        body["spec"]!["groups"] = new JsonArray("system:masters");
        body["status"] = new JsonObject { ["conditions"] = new JsonArray(Condition("Approved")) };
        var created = await Server.SendAsync(HttpMethod.Post, Requests, body.ToJsonString(), null, client: jane);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("jane", (string?)created.Json["spec"]!["username"]);
        Assert.Equal("""["dev","system:masters","system:authenticated"]""", created.Json["spec"]!["groups"]!.ToJsonString());
        Assert.StartsWith("X509SHA256=", (string?)created.Json["spec"]!["extra"]!["authentication.kubernetes.io/credential-id"]![0], StringComparison.Ordinal);
        Assert.False(created.Json.ContainsKey("status") && created.Json["status"]!.AsObject().ContainsKey("conditions"));

        var changed = created.Json;
        changed["spec"]!["signerName"] = "example.com/other";
        changed["status"] = new JsonObject { ["conditions"] = new JsonArray(Condition("Approved")), ["certificate"] = "Zm9v" };
        var updated = await Server.PutAsync($"{Requests}/who", changed.ToJsonString());
        Assert.Equal("kubernetes.io/kube-apiserver-client", (string?)updated.Json["spec"]!["signerName"]);
        Assert.False(updated.Json.ContainsKey("status") && updated.Json["status"]!.AsObject().Count > 0);
    }

    [Fact]
    public async Task What_is_no_request_is_refused_in_Kubernetes_words()
    {
        var broken = Request("CN=x");
        var bytes = Convert.FromBase64String(broken);
        var pem = Encoding.ASCII.GetString(bytes);
        var der = Convert.FromBase64String(string.Concat(pem.Split('\n').Where(l => !l.StartsWith('-'))));
        der[^5] ^= 0xff;
        var forged = Convert.ToBase64String(Encoding.ASCII.GetBytes(new string(PemEncoding.Write("CERTIFICATE REQUEST", der))));
        foreach (var (request, message) in new[] { (Convert.ToBase64String("nonsense"u8), "PEM block type must be CERTIFICATE REQUEST"), (forged, "the certificate request cannot be read or its signature is wrong") })
            Assert.Contains(message, await RefusalAsync(Body("bad", "example.com/s", request)), StringComparison.Ordinal);

        var good = Request("CN=x");
        Assert.Equal("CertificateSigningRequest.certificates.k8s.io \"bad\" is invalid: spec.signerName: Required value", await RefusalAsync(Body("bad", "", good)));
        Assert.Contains("spec.signerName: Invalid value: \"plain\": must be a fully qualified domain and path of the form 'example.com/signer-name'", await RefusalAsync(Body("bad", "plain", good)), StringComparison.Ordinal);
        Assert.Contains("spec.signerName: Invalid value: \"short\": should be a domain with at least two segments separated by dots", await RefusalAsync(Body("bad", "short/name", good)), StringComparison.Ordinal);
        Assert.Contains("spec.signerName: Invalid value: \"Upper.com\": validating label \"Upper\": a lowercase RFC 1123 label", await RefusalAsync(Body("bad", "Upper.com/name", good)), StringComparison.Ordinal);
        Assert.Contains("the legacy signerName is not allowed via this API version", await RefusalAsync(Body("bad", "kubernetes.io/legacy-unknown", good)), StringComparison.Ordinal);
        Assert.Contains("spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)", await RefusalAsync(Body("bad", "example.com/s", good, b => b["spec"]!["expirationSeconds"] = 599)), StringComparison.Ordinal);
        Assert.Contains("spec.usages: Required value", await RefusalAsync(Body("bad", "example.com/s", good, b => b["spec"]!["usages"] = new JsonArray())), StringComparison.Ordinal);
        var usages = await RefusalAsync(Body("bad", "example.com/s", good, b => b["spec"]!["usages"] = new JsonArray("client auth", "flying", "client auth")));
        Assert.Contains("spec.usages[1]: Unsupported value: \"flying\": supported values: \"any\", \"cert sign\", \"client auth\"", usages, StringComparison.Ordinal);
        Assert.Contains("spec.usages[2]: Duplicate value: \"client auth\"", usages, StringComparison.Ordinal);
        Assert.Equal("certificatesigningrequests.certificates.k8s.io \"bad\" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed",
            await RefusalAsync(Body("bad", "kubernetes.io/kube-apiserver-client", Request("O=dev, O=system:masters, CN=x"))));
    }

    [Fact]
    public async Task Approving_decides_once_and_status_brings_the_certificate_once()
    {
        await CreateAsync(Body("decide", "example.com/decide", Request("CN=x")));
        var both = await PutConditionsAsync("decide", "approval", Condition("Approved"), Condition("Denied"));
        Assert.Contains("status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive", (string?)both.Json["message"], StringComparison.Ordinal);
        var falsely = await PutConditionsAsync("decide", "approval", new JsonObject { ["type"] = "Approved", ["status"] = "False" });
        Assert.Contains("status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"", (string?)falsely.Json["message"], StringComparison.Ordinal);
        var early = await PutConditionsAsync("decide", "status", Condition("Approved"));
        Assert.Contains("status.conditions: Forbidden: updates may not add a condition of type \"Approved\"", (string?)early.Json["message"], StringComparison.Ordinal);

        var approved = await PutConditionsAsync("decide", "approval", Condition("Approved"));
        Assert.Equal(HttpStatusCode.OK, approved.StatusCode);
        var condition = approved.Json["status"]!["conditions"]![0]!;
        Assert.NotNull(condition["lastUpdateTime"]);
        Assert.NotNull(condition["lastTransitionTime"]);
        Assert.Contains("updates may not remove a condition of type \"Approved\"", (string?)(await PutConditionsAsync("decide", "approval")).Json["message"], StringComparison.Ordinal);

        var (good, another) = (Certificate("one"), Certificate("two"));
        Assert.Contains("status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block", (string?)(await PutCertificateAsync("decide", "no certificate")).Json["message"], StringComparison.Ordinal);
        Assert.Contains("only CERTIFICATE PEM blocks are allowed, found \"PUBLIC KEY\"", (string?)(await PutCertificateAsync("decide", good + "-----BEGIN PUBLIC KEY-----\nZm9v\n-----END PUBLIC KEY-----\n")).Json["message"], StringComparison.Ordinal);
        var issued = await PutCertificateAsync("decide", good);
        Assert.Equal(HttpStatusCode.OK, issued.StatusCode);
        Assert.Equal("Approved", (string?)issued.Json["status"]!["conditions"]![0]!["type"]);
        Assert.Contains("status.certificate: Forbidden: updates may not modify existing certificate content", (string?)(await PutCertificateAsync("decide", another)).Json["message"], StringComparison.Ordinal);
        var failed = await PutConditionsAsync("decide", "status", Condition("Approved"), Condition("Failed"));
        Assert.Equal(HttpStatusCode.OK, failed.StatusCode);
    }

    [Fact]
    public async Task Approving_signing_and_attesting_need_their_verb_on_the_signer()
    {
        await CreateAsync(Body("rights", "example.com/rights", Request("CN=x")));
        await Server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles", """{"metadata":{"name":"writers"},"rules":[{"verbs":["*"],"apiGroups":["certificates.k8s.io"],"resources":["certificatesigningrequests","certificatesigningrequests/approval","certificatesigningrequests/status","clustertrustbundles"]}]}""");
        await BindAsync("writers", "w");
        using var writer = Server.ClientFor(Server.Server.Pki.IssueClientCertificate("w", [], TimeSpan.FromHours(1)));
        Assert.Equal("certificatesigningrequests.certificates.k8s.io \"rights\" is forbidden: user not permitted to approve requests with signerName \"example.com/rights\"", (string?)(await PutConditionsAsync("rights", "approval", writer, Condition("Approved"))).Json["message"]);
        Assert.Equal("certificatesigningrequests.certificates.k8s.io \"rights\" is forbidden: user not permitted to sign requests with signerName \"example.com/rights\"", (string?)(await PutConditionsAsync("rights", "status", writer, Condition("Failed"))).Json["message"]);
        var bundle = Bundle("example.com:rights:b", "example.com/rights", Authority("root"));
        Assert.Equal("clustertrustbundles.certificates.k8s.io \"example.com:rights:b\" is forbidden: user not permitted to attest for signerName \"example.com/rights\"", (string?)(await Server.SendAsync(HttpMethod.Post, Bundles, bundle, null, client: writer)).Json["message"]);

        await Server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles", """{"metadata":{"name":"signers"},"rules":[{"verbs":["approve","sign","attest"],"apiGroups":["certificates.k8s.io"],"resources":["signers"],"resourceNames":["example.com/*"]}]}""");
        await BindAsync("signers", "w");
        Assert.Equal(HttpStatusCode.OK, (await PutConditionsAsync("rights", "approval", writer, Condition("Approved"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PutConditionsAsync("rights", "status", writer, Condition("Approved"), Condition("Failed"))).StatusCode);
        Assert.Equal(HttpStatusCode.Created, (await Server.SendAsync(HttpMethod.Post, Bundles, bundle, null, client: writer)).StatusCode);
    }

    [Fact]
    public async Task Requests_and_bundles_are_found_by_their_signer()
    {
        await CreateAsync(Body("by-a", "a.example.com/s", Request("CN=x")));
        await CreateAsync(Body("by-b", "b.example.com/s", Request("CN=x")));
        var found = await Server.GetAsync($"{Requests}?fieldSelector=spec.signerName%3Da.example.com/s");
        Assert.Equal(["by-a"], found.Json["items"]!.AsArray().Select(i => (string?)i!["metadata"]!["name"]));
        Assert.Equal(HttpStatusCode.Created, (await Server.PostAsync(Bundles, Bundle("a.example.com:s:x", "a.example.com/s", Authority("a")))).StatusCode);
        Assert.Single((await Server.GetAsync($"{Bundles}?fieldSelector=spec.signerName%3Da.example.com/s")).Json["items"]!.AsArray());
        Assert.Empty((await Server.GetAsync($"{Bundles}?fieldSelector=spec.signerName%3Dc.example.com/s")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task A_trust_bundle_holds_authorities_under_its_signers_name()
    {
        var root = Authority("root");
        Assert.Contains("metadata.name: Invalid value: \"x\": ClusterTrustBundle for signerName a.example.com/s must be named with prefix a.example.com:s:", await BundleRefusalAsync("x", "a.example.com/s", root), StringComparison.Ordinal);
        Assert.Contains("ClusterTrustBundle without signer name must not have \":\" in its name", await BundleRefusalAsync("a:b", "", root), StringComparison.Ordinal);
        Assert.Contains("spec.trustBundle: Invalid value: \"<value omitted>\": at least one trust anchor must be provided", await BundleRefusalAsync("x", "", "none"), StringComparison.Ordinal);
        Assert.Contains("entry 0 does not have the CA bit set", await BundleRefusalAsync("x", "", Certificate("leaf")), StringComparison.Ordinal);
        Assert.Contains("duplicate trust anchor (indices [0 1])", await BundleRefusalAsync("x", "", root + root), StringComparison.Ordinal);
        var created = await Server.PostAsync(Bundles, Bundle("plain", "", root));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        var moved = created.Json;
        moved["spec"]!["signerName"] = "a.example.com/s";
        Assert.Contains("spec.signerName: Invalid value: \"a.example.com/s\": field is immutable", (string?)(await Server.PutAsync($"{Bundles}/plain", moved.ToJsonString())).Json["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_with_all_groups_in_one_part_of_its_subject_and_a_uid_is_read_whole()
    {
        // As programs written in Go encode several organizations.
        var subject = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
        using (subject.PushSequence())
        {
            using (subject.PushSetOf())
            {
                Attribute(subject, "2.5.4.10", "one");
                Attribute(subject, "2.5.4.10", "two");
            }
            using (subject.PushSetOf()) Attribute(subject, "2.5.4.3", "gopher");
            using (subject.PushSetOf()) Attribute(subject, "1.3.6.1.4.1.57683.2", "uid-7");
        }
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(subject.Encode()), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], critical: false));
        var authority = Server.Server.Pki.CertificateAuthority;
        using var signer = authority.GetECDsaPrivateKey()!;
        using var certificate = request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        using var client = Server.ClientFor(certificate.CopyWithPrivateKey(key));
        var who = await Server.SendAsync(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", null, client: client);
        var user = who.Json["status"]!["userInfo"]!;
        Assert.Equal("gopher", (string?)user["username"]);
        Assert.Equal("uid-7", (string?)user["uid"]);
        Assert.Equal(["one", "two", "system:authenticated"], user["groups"]!.AsArray().Select(g => (string?)g));

        static void Attribute(System.Formats.Asn1.AsnWriter writer, string oid, string value)
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(oid);
                writer.WriteCharacterString(System.Formats.Asn1.UniversalTagNumber.UTF8String, value);
            }
        }
    }

    private static string Request(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Convert.ToBase64String(Encoding.ASCII.GetBytes(new CertificateRequest(subject, key, HashAlgorithmName.SHA256).CreateSigningRequestPem() + "\n"));
    }

    private static JsonObject Body(string name, string signer, string request, Action<JsonObject>? change = null)
    {
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name },
            ["spec"] = new JsonObject { ["signerName"] = signer, ["request"] = request, ["usages"] = new JsonArray("client auth") },
        };
        change?.Invoke(body);
        return body;
    }

    private static JsonObject Condition(string type) => new() { ["type"] = type, ["status"] = "True", ["reason"] = "Because", ["message"] = "of it" };

    private static string Certificate(string name) => SelfSigned(name, isAuthority: false);

    private static string Authority(string name) => SelfSigned(name, isAuthority: true);

    private static string SelfSigned(string name, bool isAuthority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddHours(1));
        return certificate.ExportCertificatePem() + "\n";
    }

    private static string Bundle(string name, string signer, string anchors)
    {
        var spec = new JsonObject { ["trustBundle"] = anchors };
        if (signer.Length > 0) spec["signerName"] = signer;
        return new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec }.ToJsonString();
    }

    private async Task CreateAsync(JsonObject body)
    {
        var created = await Server.PostAsync(Requests, body.ToJsonString());
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    private async Task<string> RefusalAsync(JsonObject body) => (string?)(await Server.PostAsync(Requests, body.ToJsonString())).Json["message"] ?? "";

    private async Task<string> BundleRefusalAsync(string name, string signer, string anchors) => (string?)(await Server.PostAsync(Bundles, Bundle(name, signer, anchors))).Json["message"] ?? "";

    private Task<TestResponse> PutConditionsAsync(string name, string subresource, params JsonObject[] conditions) => PutConditionsAsync(name, subresource, Server.Admin, conditions);

    private async Task<TestResponse> PutConditionsAsync(string name, string subresource, HttpClient client, params JsonObject[] conditions)
    {
        var value = (await Server.GetAsync($"{Requests}/{name}")).Json;
        var status = value["status"] as JsonObject ?? [];
        status["conditions"] = new JsonArray([.. conditions]);
        value["status"] = status.DeepClone();
        return await Server.SendAsync(HttpMethod.Put, $"{Requests}/{name}/{subresource}", value.ToJsonString(), null, client: client);
    }

    private async Task<TestResponse> PutCertificateAsync(string name, string pem)
    {
        var value = (await Server.GetAsync($"{Requests}/{name}")).Json;
        value["status"]!["certificate"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
        return await Server.PutAsync($"{Requests}/{name}/status", value.ToJsonString());
    }

    private Task BindAsync(string role, string user) =>
        Server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", $$"""{"metadata":{"name":"{{role}}"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{{role}}"},"subjects":[{"kind":"User","name":"{{user}}","apiGroup":"rbac.authorization.k8s.io"}]}""");

    public sealed class Fixture : IAsyncLifetime
    {
        public TestApiServer Server { get; private set; } = null!;

        public async Task InitializeAsync() => Server = await TestApiServer.StartAsync();

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
