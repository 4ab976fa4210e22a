using System.Net;
using System.Text;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class ProtocolTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Discovery_is_served_in_both_forms_and_with_trailing_slashes()
    {
        await using var server = await TestApiServer.StartAsync();

        Assert.Equal("v1", (await server.GetAsync("/api")).Json["versions"]![0]!.GetValue<string>());
        Assert.Contains((await server.GetAsync("/apis/")).Json["groups"]!.AsArray(), g => g!["name"]!.GetValue<string>() == "apps");
        Assert.Equal("apps/v1", (await server.GetAsync("/apis/apps/v1/")).Json["groupVersion"]!.GetValue<string>());
        var core = (await server.GetAsync("/api/v1")).Json["resources"]!.AsArray();
        Assert.Contains(core, r => r!["name"]!.GetValue<string>() == "pods/eviction" && r["group"]!.GetValue<string>() == "policy");
        var aggregated = await server.GetAsync("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json");
        Assert.Equal("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", aggregated.ContentHeaders.ContentType!.ToString().Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("APIGroupDiscoveryList", aggregated.Json["kind"]!.GetValue<string>());
        Assert.NotNull(aggregated.Headers.ETag);
        Assert.StartsWith("v1.37.", (await server.GetAsync("/version")).Json["gitVersion"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_is_told_whole_and_by_check()
    {
        await using var server = await TestApiServer.StartAsync();

        Assert.Equal("ok", (await server.GetAsync("/healthz")).Body);
        var verbose = (await server.GetAsync("/readyz?verbose")).Body;
        Assert.Contains("[+]etcd ok\n", verbose, StringComparison.Ordinal);
        Assert.EndsWith("readyz check passed\n", verbose, StringComparison.Ordinal);
        Assert.Equal("ok", (await server.GetAsync("/readyz/etcd")).Body);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/readyz/nothing")).StatusCode);
        using var anonymous = server.ClientFor(null);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync(HttpMethod.Get, "/livez", null, null, client: anonymous)).StatusCode);
        var refused = await server.SendAsync(HttpMethod.Get, ConfigMaps, null, null, client: anonymous);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public async Task What_is_not_there_or_not_understood_is_refused_in_Kubernetes_words()
    {
        await using var server = await TestApiServer.StartAsync();

        Assert.Equal("404 page not found\n", (await server.GetAsync("/nothing/here")).Body);
        Assert.Equal("404 page not found\n", (await server.GetAsync("/apis/apps/v1/namespaces/default/nothings")).Body);
        Assert.Equal("configmaps \"a\" not found", (await server.GetAsync($"{ConfigMaps}/a")).Json["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await server.SendAsync(HttpMethod.Put, ConfigMaps, "{}", null)).StatusCode);
        Assert.Equal(HttpStatusCode.NotAcceptable, (await server.GetAsync(ConfigMaps, "application/cbor")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(ConfigMaps, "application/vnd.kubernetes.protobuf, */*")).StatusCode);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await server.PostAsync(ConfigMaps, "<a/>", "application/xml")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await server.PostAsync(ConfigMaps, "k8s", "application/vnd.kubernetes.protobuf")).StatusCode);
        var apply = await server.PatchAsync($"{ConfigMaps}/a", "{}", "application/apply-patch+cbor");
        Assert.Equal("the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml", apply.Json["message"]!.GetValue<string>());
        var wrongKind = await server.PostAsync(ConfigMaps, """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}""");
        Assert.Equal("Secret in version \"v1\" cannot be handled as a ConfigMap", wrongKind.Json["message"]!.GetValue<string>());
        var malformed = await server.PostAsync(ConfigMaps, "{");
        Assert.Equal(HttpStatusCode.BadRequest, malformed.StatusCode);
    }

    [Fact]
    public async Task Unknown_fields_warn_or_fail_as_the_client_asks()
    {
        await using var server = await TestApiServer.StartAsync();
        const string Body = """{"metadata":{"name":"a"},"colour":"red"}""";

        var strict = await server.PostAsync($"{ConfigMaps}?fieldValidation=Strict", Body);
        Assert.Equal("ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"colour\"", strict.Json["message"]!.GetValue<string>());
        Assert.False((await server.PostAsync($"{ConfigMaps}?fieldValidation=Ignore&dryRun=All", Body)).Headers.Contains("Warning"));
        var warned = await server.PostAsync(ConfigMaps, Body);
        Assert.Equal(HttpStatusCode.Created, warned.StatusCode);
        Assert.Equal("299 - \"unknown field \\\"colour\\\"\"", warned.Headers.GetValues("Warning").Single());
    }

    [Fact]
    public async Task Bodies_beyond_three_mebibytes_are_refused_on_both_protocols()
    {
        await using var server = await TestApiServer.StartAsync();
        var large = $$$"""{"metadata":{"name":"a"},"data":{"k":"{{{new string('x', (3 * 1024 * 1024) + 1)}}}"}}""";
        using var http1 = server.ClientFor(server.Server.Pki.Admin.Current, HttpVersion.Version11);

        foreach (var client in (HttpClient[])[server.Admin, http1])
        {
            var refused = await server.SendAsync(HttpMethod.Post, ConfigMaps, large, "application/json", client: client);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
            Assert.Equal("RequestEntityTooLarge", refused.Json["reason"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task A_large_list_is_compressed_for_those_who_ask()
    {
        await using var server = await TestApiServer.StartAsync();
        for (var i = 0; i < 10; i++) await server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"c{{{i}}}"},"data":{"k":"{{{new string('x', 20_000)}}}"}}""");
        var plain = (await server.GetAsync(ConfigMaps)).Body;

        using var request = new HttpRequestMessage(HttpMethod.Get, ConfigMaps) { Version = HttpVersion.Version20 };
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var response = await server.Admin.SendAsync(request);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        using var unzipped = new StreamReader(new System.IO.Compression.GZipStream(await response.Content.ReadAsStreamAsync(), System.IO.Compression.CompressionMode.Decompress), Encoding.UTF8);
        Assert.Equal(plain, await unzipped.ReadToEndAsync());
    }

    [Fact]
    public async Task Metadata_alone_can_be_asked_for()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");

        var list = (await server.GetAsync(ConfigMaps, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json")).Json;
        Assert.Equal("PartialObjectMetadataList", list["kind"]!.GetValue<string>());
        Assert.False(list["items"]![0]!.AsObject().ContainsKey("data"));
        Assert.Equal(HttpStatusCode.NotAcceptable, (await server.SendAsync(HttpMethod.Post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{}}""", null, "application/json;as=Table;g=meta.k8s.io;v=v1")).StatusCode);
    }

    [Fact]
    public async Task Requests_are_counted()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.GetAsync($"{ConfigMaps}/missing");

        var metrics = (await server.GetAsync("/metrics")).Body;

        Assert.Contains("""apiserver_request_total{code="404",component="apiserver",dry_run="",group="",resource="configmaps",scope="resource",subresource="",verb="GET",version="v1"} 1""", metrics, StringComparison.Ordinal);
        Assert.Contains("apiserver_request_duration_seconds_bucket{", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenApi_is_served_in_each_form_and_not_sent_twice()
    {
        await using var server = await TestApiServer.StartAsync();

        var json = await server.GetAsync("/openapi/v2");
        Assert.Equal("2.0", json.Json["swagger"]!.GetValue<string>());
        var protobuf = await server.GetAsync("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
        Assert.Equal("application/com.github.proto-openapi.spec.v2.v1.0+protobuf", protobuf.ContentHeaders.ContentType!.MediaType);
        var index = (await server.GetAsync("/openapi/v3")).Json["paths"]!.AsObject();
        var apps = await server.GetAsync(index["apis/apps/v1"]!["serverRelativeURL"]!.GetValue<string>());
        Assert.StartsWith("3.0", apps.Json["openapi"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync("/openapi/v3/apis/nothing/v1")).StatusCode);
        Assert.Equal("public, immutable", apps.Headers.GetValues("Cache-Control").Single().Replace("immutable, public", "public, immutable", StringComparison.Ordinal));
        Assert.Equal("no-cache, private", (await server.GetAsync("/openapi/v3/apis/apps/v1")).Headers.CacheControl!.ToString().Replace("private, no-cache", "no-cache, private", StringComparison.Ordinal));
        var appsProtobuf = await server.GetAsync("/openapi/v3/apis/apps/v1", "application/com.github.proto-openapi.spec.v3@v1.0+protobuf");
        Assert.Equal("application/com.github.proto-openapi.spec.v3.v1.0+protobuf", appsProtobuf.ContentHeaders.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.NotAcceptable, (await server.GetAsync("/openapi/v2", "application/yaml")).StatusCode);

        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v2") { Version = HttpVersion.Version20 };
        request.Headers.TryAddWithoutValidation("If-None-Match", json.Headers.ETag!.ToString());
        using var again = await server.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
    }

    [Fact]
    public async Task A_resumed_TLS_session_still_knows_its_user()
    {
        await using var server = await TestApiServer.StartAsync();
        using var client = new HttpClient(new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.Zero,
            SslOptions =
            {
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                ClientCertificateContext = System.Net.Security.SslStreamCertificateContext.Create(server.Server.Pki.Admin.Current, null, offline: true),
            },
        })
        { BaseAddress = server.Address };

        for (var i = 0; i < 4; i++)
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ConfigMaps)).StatusCode);
    }
}
