using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class ContentTypeTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Protobuf = "application/vnd.kubernetes.protobuf";
    private const string AnyProtobuf = Protobuf + ",application/json";
    private const string Supported = "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";

    private static JsonObject Decode(ReadOnlySpan<byte> bytes)
    {
        var envelope = ProtobufEnvelope.Read(bytes);
        return ObjectDecoder.DecodeProtobuf(envelope, ResourceCatalog.BuiltIn.FindType(envelope.ApiVersion, envelope.Kind)!);
    }

    private static JsonObject Decode(TestResponse response)
    {
        Assert.Equal(Protobuf, response.ContentHeaders.ContentType!.ToString());
        return Decode(response.Bytes);
    }

    private static byte[] Encode(string apiVersion, string kind, string json) =>
        ProtobufEnvelope.Write(Encoding.UTF8.GetBytes(json), ResourceCatalog.BuiltIn.FindType(apiVersion, kind)!, apiVersion, kind).Bytes;

    [Fact]
    public async Task An_object_is_written_and_read_in_protobuf()
    {
        await using var server = await TestApiServer.StartAsync();
        var body = Encode("v1", "ConfigMap", """{"metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"v"},"binaryData":{"b":"AAEC"}}""");

        var created = await server.SendBytesAsync(HttpMethod.Post, ConfigMaps, body, Protobuf, AnyProtobuf);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("v", Decode(created)["data"]!["k"]!.GetValue<string>());
        var updated = Decode(await server.SendBytesAsync(HttpMethod.Put, $"{ConfigMaps}/a", Encode("v1", "ConfigMap", """{"metadata":{"name":"a"},"data":{"k":"w"}}"""), Protobuf, Protobuf));
        Assert.Equal("w", updated["data"]!["k"]!.GetValue<string>());
        var patched = Decode(await server.SendAsync(HttpMethod.Patch, $"{ConfigMaps}/a", """{"data":{"l":"m"}}""", "application/merge-patch+json", Protobuf));
        Assert.Equal("m", patched["data"]!["l"]!.GetValue<string>());

        var json = (await server.GetAsync($"{ConfigMaps}/a")).Json;
        // Twice: the second is what the first has left behind.
        for (var i = 0; i < 2; i++) Assert.True(JsonNode.DeepEquals(json, Decode(await server.GetAsync($"{ConfigMaps}/a", Protobuf))));
        var options = Encode("meta.k8s.io/v1", "DeleteOptions", """{"gracePeriodSeconds":0}""");
        var deleted = Decode(await server.SendBytesAsync(HttpMethod.Delete, $"{ConfigMaps}/a", options, Protobuf, Protobuf));
        Assert.Equal("Status", deleted["kind"]!.GetValue<string>());
        Assert.Equal("Success", deleted["status"]!.GetValue<string>());
        var missing = await server.GetAsync($"{ConfigMaps}/a", Protobuf);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal("configmaps \"a\" not found", Decode(missing)["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_list_in_protobuf_says_what_the_JSON_list_says()
    {
        await using var server = await TestApiServer.StartAsync();
        foreach (var name in (string[])["a", "b", "c"]) await server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}"},"data":{"k":"{{{name}}}"}}""");

        var json = (await server.GetAsync($"{ConfigMaps}?limit=2")).Json;
        var list = Decode(await server.GetAsync($"{ConfigMaps}?limit=2", Protobuf));

        Assert.True(JsonNode.DeepEquals(json, list), $"{json.ToJsonString()}\n{list.ToJsonString()}");
        var empty = Decode(await server.GetAsync($"{ConfigMaps}?labelSelector=no%3Done", Protobuf));
        Assert.Equal("ConfigMapList", empty["kind"]!.GetValue<string>());
        var deleted = Decode(await server.SendAsync(HttpMethod.Delete, ConfigMaps, null, null, Protobuf));
        Assert.Equal(3, deleted["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_watch_in_protobuf_has_a_length_before_each_event()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{ConfigMaps}?watch=1&fieldSelector=metadata.name%3Da") { Version = HttpVersion.Version20 };
        request.Headers.TryAddWithoutValidation("Accept", $"{Protobuf};stream=watch,{Protobuf}");
        using var response = await server.Admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal($"{Protobuf};stream=watch", response.Content.Headers.ContentType!.ToString().Replace(" ", "", StringComparison.Ordinal));
        await using var stream = await response.Content.ReadAsStreamAsync();

        var added = await NextAsync(stream);
        await server.DeleteAsync($"{ConfigMaps}/a");
        var deleted = await NextAsync(stream);

        Assert.Equal(("ADDED", "ConfigMap", "a"), (added.Type, added.Object["kind"]!.GetValue<string>(), added.Object["metadata"]!["name"]!.GetValue<string>()));
        Assert.Equal("DELETED", deleted.Type);
    }

    [Fact]
    public async Task An_expired_watch_in_protobuf_ends_with_a_Status()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""");
        await server.Store.CompactAsync(server.Store.CurrentRevision, CancellationToken.None);

        var body = (await server.GetAsync($"{ConfigMaps}?watch=1&resourceVersion=1", Protobuf)).Bytes;

        var (type, status) = await NextAsync(new MemoryStream(body));
        Assert.Equal(("ERROR", "Expired"), (type, status["reason"]!.GetValue<string>()));
    }

    private static async Task<(string Type, JsonObject Object)> NextAsync(Stream stream)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(frame);
        // WatchEvent: field 1 the type, field 2 the RawExtension whose field 1 is the enveloped object.
        var start = frame.AsSpan().IndexOf("k8s\0"u8);
        return (Encoding.UTF8.GetString(frame, 2, frame[1]), Decode(frame.AsSpan(start)));
    }

    [Theory]
    [InlineData("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "authorization.k8s.io/v1", "SelfSubjectAccessReview", """{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}""", "status.allowed", "true")]
    [InlineData("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "authorization.k8s.io/v1", "SelfSubjectRulesReview", """{"spec":{"namespace":"default"}}""", "status.incomplete", "false")]
    [InlineData("/apis/authentication.k8s.io/v1/selfsubjectreviews", "authentication.k8s.io/v1", "SelfSubjectReview", "{}", "status.userInfo.username", "kubernetes-admin")]
    [InlineData("/apis/authentication.k8s.io/v1/tokenreviews", "authentication.k8s.io/v1", "TokenReview", """{"spec":{"token":"x"}}""", "spec.token", "x")]
    [InlineData("/api/v1/namespaces/default/serviceaccounts/default/token", "authentication.k8s.io/v1", "TokenRequest", """{"spec":{"audiences":["a"],"expirationSeconds":700}}""", "spec.expirationSeconds", "700")]
    [InlineData("/api/v1/namespaces/default/pods/p/eviction", "policy/v1", "Eviction", """{"metadata":{"name":"p","namespace":"default"}}""", "status", "Success")]
    public async Task What_is_no_stored_object_is_asked_and_answered_in_protobuf(string path, string apiVersion, string kind, string body, string field, string expected)
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await server.PostAsync("/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");

        var answer = Decode(await server.SendBytesAsync(HttpMethod.Post, path, Encode(apiVersion, kind, body), Protobuf, Protobuf));

        Assert.Equal(expected, field.Split('.').Aggregate((JsonNode?)answer, (at, name) => at![name])!.ToString());
    }

    [Fact]
    public async Task A_scale_is_read_and_written_in_protobuf()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync("/apis/apps/v1/namespaces/default/deployments", """{"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        const string Path = "/apis/apps/v1/namespaces/default/deployments/d/scale";

        var scale = Decode(await server.GetAsync(Path, Protobuf));
        Assert.Equal(2, scale["spec"]!["replicas"]!.GetValue<int>());
        var written = Decode(await server.SendBytesAsync(HttpMethod.Put, Path, Encode("autoscaling/v1", "Scale", """{"metadata":{"name":"d","namespace":"default"},"spec":{"replicas":5}}"""), Protobuf, Protobuf));
        Assert.Equal(5, written["spec"]!["replicas"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("/api", "APIVersions", "versions")]
    [InlineData("/apis", "APIGroupList", "groups")]
    [InlineData("/apis/apps", "APIGroup", "versions")]
    [InlineData("/apis/apps/v1", "APIResourceList", "resources")]
    [InlineData("/api/v1", "APIResourceList", "resources")]
    public async Task Discovery_is_served_in_protobuf_as_typed_clients_ask_for_it(string path, string kind, string field)
    {
        await using var server = await TestApiServer.StartAsync();

        var document = Decode(await server.GetAsync(path, Protobuf + ", */*"));

        Assert.Equal(kind, document["kind"]!.GetValue<string>());
        Assert.True(JsonNode.DeepEquals((await server.GetAsync(path)).Json[field], document[field]));
        Assert.StartsWith("apiVersion: v1\n", (await server.GetAsync("/apis/apps", "application/yaml")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Aggregated_discovery_is_served_in_protobuf()
    {
        await using var server = await TestApiServer.StartAsync();

        var response = await server.GetAsync("/apis", $"{Protobuf};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");

        Assert.Equal($"{Protobuf};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", response.ContentHeaders.ContentType!.ToString().Replace(" ", "", StringComparison.Ordinal));
        Assert.Contains(Decode(response.Bytes)["items"]!.AsArray(), g => g!["metadata"]!["name"]!.GetValue<string>() == "apps");
    }

    [Fact]
    public async Task Metadata_alone_is_served_in_protobuf_and_watched()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        const string One = Protobuf + ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
        const string List = Protobuf + ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

        var one = Decode(await server.GetAsync($"{ConfigMaps}/a", One));
        Assert.Equal(("PartialObjectMetadata", "meta.k8s.io/v1"), (one["kind"]!.GetValue<string>(), one["apiVersion"]!.GetValue<string>()));
        Assert.Equal("a", one["metadata"]!["name"]!.GetValue<string>());
        var list = Decode(await server.GetAsync(ConfigMaps, List));
        Assert.Equal("a", list["items"]![0]!["metadata"]!["name"]!.GetValue<string>());
        var (type, watched) = await NextAsync(new MemoryStream((await server.GetAsync($"{ConfigMaps}?watch=1&timeoutSeconds=1", One)).Bytes));
        Assert.Equal(("ADDED", "PartialObjectMetadata"), (type, watched["kind"]!.GetValue<string>()));
        Assert.Equal(
            "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)",
            (await server.GetAsync(ConfigMaps, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")).Json["message"]!.GetValue<string>());
        Assert.Equal(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
            (await server.GetAsync($"{ConfigMaps}/a", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")).Json["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task Custom_resources_have_no_protobuf_but_their_metadata_has()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"a":1}}""");

        var refused = await server.GetAsync($"{CustomServer.Foos}/f", Protobuf);
        Assert.Equal(HttpStatusCode.NotAcceptable, refused.StatusCode);
        Assert.Equal(Supported, Decode(refused)["message"]!.GetValue<string>());
        Assert.Equal("Foo", (await server.GetAsync($"{CustomServer.Foos}/f", AnyProtobuf)).Json["kind"]!.GetValue<string>());
        Assert.Equal("FooList", (await server.GetAsync(CustomServer.Foos, Protobuf + ", */*")).Json["kind"]!.GetValue<string>());
        var metadata = Decode(await server.GetAsync($"{CustomServer.Foos}/f", Protobuf + ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"));
        Assert.Equal("f", metadata["metadata"]!["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_cannot_be_served_is_refused_before_anything_is_done()
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.SendAsync(HttpMethod.Post, ConfigMaps, """{"metadata":{"name":"a"}}""", "application/json", "application/cbor");
        Assert.Equal(HttpStatusCode.NotAcceptable, refused.StatusCode);
        Assert.Equal(Supported, refused.Json["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{ConfigMaps}/a")).StatusCode);
        // No table in protobuf, no watch in YAML.
        Assert.Equal(Supported, (await server.GetAsync(ConfigMaps, Protobuf + ";as=Table;g=meta.k8s.io;v=v1")).Json["message"]!.GetValue<string>());
        Assert.Contains(
            "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch",
            (await server.GetAsync($"{ConfigMaps}?watch=1", "application/yaml")).Body, StringComparison.Ordinal);
        var xml = await server.PostAsync(ConfigMaps, "<a/>", "application/xml");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, xml.StatusCode);
        Assert.Equal("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf", xml.Json["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task JSON_is_indented_for_people_and_for_those_who_ask()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"k":"<v>"}}""");
        using var curl = server.ClientFor(server.Server.Pki.Admin.Current);
        curl.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", "curl/8.5.0");

        var asked = (await server.GetAsync($"{ConfigMaps}/a?pretty=true")).Body;
        Assert.StartsWith("{\n  \"kind\": \"ConfigMap\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {\n    \"name\": \"a\",", asked, StringComparison.Ordinal);
        Assert.Contains("\"k\": \"\\u003cv\\u003e\"", asked, StringComparison.Ordinal);
        Assert.Equal(asked, (await server.GetAsync($"{ConfigMaps}/a", "application/json;pretty=1")).Body);
        Assert.Equal(asked, (await server.SendAsync(HttpMethod.Get, $"{ConfigMaps}/a", null, null, "*/*", curl)).Body);
        Assert.DoesNotContain('\n', (await server.SendAsync(HttpMethod.Get, $"{ConfigMaps}/a?pretty=false", null, null, null, curl)).Body);
        Assert.StartsWith("{\n  \"kind\": \"ConfigMapList\",", (await server.GetAsync($"{ConfigMaps}?pretty=1")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/yaml;q=0.5, application/json;q=0.4", BodyFormat.Yaml, BodyShape.Whole)]
    [InlineData("application/json;q=0.1,application/yaml", BodyFormat.Yaml, BodyShape.Whole)]
    [InlineData("*/*;q=1,application/yaml;q=0.1", BodyFormat.Yaml, BodyShape.Whole)]
    [InlineData("application/*", BodyFormat.Json, BodyShape.Whole)]
    [InlineData("text/html, */*;q=0.8", BodyFormat.Json, BodyShape.Whole)]
    [InlineData("application/vnd.kubernetes.protobuf,application/json", BodyFormat.Protobuf, BodyShape.Whole)]
    [InlineData("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", BodyFormat.Json, BodyShape.Table)]
    [InlineData("application/json;as=Table;v=v2;g=meta.k8s.io,application/yaml", BodyFormat.Yaml, BodyShape.Whole)]
    [InlineData("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io", BodyFormat.Json, BodyShape.Table)]
    [InlineData("application/yaml;as=Table;v=v1;g=meta.k8s.io", BodyFormat.Yaml, BodyShape.Table)]
    [InlineData("application/json;stream=nothing,application/yaml", BodyFormat.Yaml, BodyShape.Whole)]
    public void The_first_clause_that_can_be_served_decides(string accept, object format, object shape)
    {
        Assert.True(MediaTypes.TryNegotiate(accept, Offers.Resource, out var accepted));
        Assert.Equal((format, shape), ((object)accepted.Format, (object)accepted.Shape));
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("foo")]
    [InlineData(";;q=x")]
    [InlineData("application/json;as=Pod;v=v1;g=")]
    [InlineData("application/json;as=Table")]
    [InlineData("application/vnd.kubernetes.protobuf", Offers.CustomResource)]
    public void A_header_without_such_a_clause_is_refused(string accept, object? offers = null) =>
        Assert.False(MediaTypes.TryNegotiate(accept, (Offers)(offers ?? Offers.Resource), out _));
}
