using System.Net;
using System.Text;
using CsCheck;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <summary>Whatever comes in, a success or a Status of 4xx goes out, soon: never a 500, a hang or memory without end.</summary>
public sealed class AnyInputTests : IAsyncLifetime
{
    private const int RequestsPerSeed = 40;
    private const long MaxGrowthBytes = 1L << 30;

    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        await _server.PostAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{RequestMaker.Namespace}}}"}}""");
        await _server.PostAsync($"/api/v1/namespaces/{RequestMaker.Namespace}/serviceaccounts", """{"metadata":{"name":"default"}}""");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    /// <summary>Always the same requests, so that what once failed is tried again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6, true)]
    [InlineData(7, true)]
    public async Task Committed_seeds_give_no_server_error(int seed, bool applies = false)
    {
        var maker = new RequestMaker(seed, applies);
        for (var i = 0; i < 800; i++) await FuzzTarget.CheckAsync(_server, maker.Next());
    }

    /// <summary>Other requests each time, for as many seeds as LITEKUBE_FUZZ_SEEDS says: for a hunt, not for every run, whose outcome must not be luck.</summary>
    [FuzzingFact]
    public async Task New_seeds_give_no_server_error()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await Gen.Int[0, int.MaxValue].SampleAsync(
            async seed =>
            {
                var maker = new RequestMaker(seed, applies: true);
                for (var i = 0; i < RequestsPerSeed; i++) await FuzzTarget.CheckAsync(_server, maker.Next());
            },
            iter: FuzzingFactAttribute.Seeds,
            threads: 2);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, MaxGrowthBytes);
    }

    /// <summary>What new seeds once found.</summary>
    [Theory]
    [InlineData("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """{"spec":{"group":"","names":{"plural":"{{","kind":"1e"},"scope":"\ud800","versions":[{"name":"Always","served":true,"storage":true,"deprecated":false},{"name":"\ud800","served":true,"storage":true,"schema":{}}]},"status":{"observedGeneration":-1},"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"f4"}}""")]
    [InlineData("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """{"apiVersion":"apiextensions.k8s.io/v1","spec":{"group":"kubernetes.io/service-account-token","names":{"plural":"*","kind":"2026-13-45"},"scope":"99999999999999999999","versions":[{"served":false,"subresources":{"scale":{"specReplicasPath":"Equal","statusReplicasPath":"%s"}}},{"name":"10.0.0.0/8","served":true,"storage":true}],"preserveUnknownFields":true},"kind":"CustomResourceDefinition","metadata":{"name":"f1"}}""")]
    public async Task What_once_failed_is_refused(string path, string body)
    {
        var answer = await _server.PostAsync(path, body);
        Assert.True(answer.StatusCode == HttpStatusCode.UnprocessableEntity, answer.Body);
    }

    public static TheoryData<string, string> Bodies => new()
    {
        // Not YAML, YAML that has no form in JSON, aliases that stand for themselves or for millions.
        { "application/yaml", "a: \"x" },
        { "application/yaml", "[" },
        { "application/yaml", "a: &x [*x]" },
        { "application/yaml", "a: *y" },
        { "application/yaml", "? [a]: b" },
        { "application/yaml", "%YAML 9" },
        { "application/yaml", "a: .inf" },
        { "application/yaml", "a: !!binary x" },
        { "application/yaml", "a: \"\\ud800\"" },
        { "application/yaml", "a: {<<: [1]}" },
        { "application/yaml", "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]" },
        { "application/json", """{"kind":"\ud800","apiVersion":"v1","metadata":3}""" },
        { "application/json", """{"kind":"ConfigMap","apiVersion":"\ud800","metadata":3}""" },
        { "application/json", """{"metadata":{"name":"x""" },
        { "application/json", "" },
        { "application/vnd.kubernetes.protobuf", "k8s\0\u000a" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_that_cannot_be_read_is_a_bad_request(string contentType, string body)
    {
        var answer = await _server.PostAsync($"/api/v1/namespaces/{RequestMaker.Namespace}/configmaps", body, contentType);
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, answer.Body);
        Assert.Equal("BadRequest", (string?)answer.Json["reason"]);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/yaml")]
    public async Task Nesting_without_end_is_a_bad_request(string contentType)
    {
        var body = "{\"metadata\":{\"name\":\"deep\"},\"x\":" + new string('[', 200_000) + new string(']', 200_000) + "}";
        var answer = await _server.PostAsync($"/api/v1/namespaces/{RequestMaker.Namespace}/configmaps", body, contentType);
        Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, answer.Body);
    }

    [Theory]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":1,"start":"../../secrets/kube-system/a"}""", "invalid continue token: continue key is not valid: ../../secrets/kube-system/a")]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":0,"start":"a"}""", "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)")]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":"1","start":"a"}""", "invalid continue token: continue key is not valid: json: cannot unmarshal string into Go struct field continueToken.rv of type int64")]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":1,"start":""}""", "invalid continue token: continue key is not valid: encoded start key empty (version meta.k8s.io/v1)")]
    [InlineData("""{"v":"meta.k8s.io/v2","rv":1,"start":"a"}""", "invalid continue token: continue key is not valid: server does not recognize this encoded version meta.k8s.io/v2")]
    public async Task A_continue_token_that_the_server_did_not_make_is_a_bad_request(string token, string message)
    {
        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(token)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var answer = await _server.GetAsync($"/api/v1/configmaps?limit=1&continue={encoded}");
        Assert.Equal((HttpStatusCode.BadRequest, message), (answer.StatusCode, (string?)answer.Json["message"]));
    }
}
