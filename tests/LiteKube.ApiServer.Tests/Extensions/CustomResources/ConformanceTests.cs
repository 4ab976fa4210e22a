using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>
/// What Kubernetes' conformance suite asks of "CustomResourceDefinition resources", "CustomResourceDefinition Watch",
/// "CustomResourceConversionWebhook" and the server's half of "CustomResourcePublishOpenAPI"; each test is named after its spec.
/// </summary>
public sealed class ConformanceTests
{
    private const string Open = """{"type":"object","x-kubernetes-preserve-unknown-fields":true}""";

    private static string Crd(string plural, string group = "example.com", string versions = "", string labels = "{}", string scope = "Namespaced")
    {
        var kind = char.ToUpperInvariant(plural[0]) + plural[1..^1];
        if (versions.Length == 0) versions = Version("v1", true, true);
        return $$$$"""{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"{{{{plural}}}}.{{{{group}}}}","labels":{{{{labels}}}}},"spec":{"group":"{{{{group}}}}","scope":"{{{{scope}}}}","names":{"plural":"{{{{plural}}}}","kind":"{{{{kind}}}}"},"versions":[{{{{versions}}}}]}}""";
    }

    private static string Version(string name, bool served, bool storage, string schema = Open, string extra = "") =>
        $$"""{"name":"{{name}}","served":{{(served ? "true" : "false")}},"storage":{{(storage ? "true" : "false")}},"schema":{"openAPIV3Schema":{{schema}}}{{extra}}}""";

    [Fact]
    public async Task Simple_CustomResourceDefinition_creating_and_deleting_custom_resource_definition_objects_works()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Crd("pens"));
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{CustomServer.Definitions}/pens.example.com")).StatusCode);
        await server.WaitUntilGoneAsync("pens.example.com");
    }

    [Fact]
    public async Task Simple_CustomResourceDefinition_getting_updating_and_patching_custom_resource_definition_status_sub_resource_works()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Crd("pens"));
        const string status = CustomServer.Definitions + "/pens.example.com/status";

        var read = (await server.GetAsync(status)).Json;
        read["status"]!["conditions"]!.AsArray().Add(JsonNode.Parse("""{"type":"StatusUpdate","status":"True","reason":"E2E","message":"Set from e2e test","observedGeneration":1}"""));
        var updated = await server.PutAsync(status, read.ToJsonString());
        Assert.True(updated.StatusCode == HttpStatusCode.OK, updated.Body);
        Assert.Contains(updated.Json["status"]!["conditions"]!.AsArray(), c => c!["message"]!.GetValue<string>() == "Set from e2e test" && c["observedGeneration"]!.GetValue<long>() == 1);

        const string patch = """{"spec":{"group":"other.com"},"status":{"observedGeneration":1,"conditions":[{"type":"StatusPatched","status":"True"}]}}""";
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync(status, patch)).StatusCode);
        var after = (await server.GetAsync($"{CustomServer.Definitions}/pens.example.com")).Json;
        Assert.Equal("example.com 1", $"{after["spec"]!["group"]} {after["status"]!["observedGeneration"]}");
        Assert.Contains(after["status"]!["conditions"]!.AsArray(), c => c!["type"]!.GetValue<string>() == "StatusPatched");
    }

    [Fact]
    public async Task Simple_CustomResourceDefinition_listing_custom_resource_definition_objects_works()
    {
        await using var server = await TestApiServer.StartAsync();
        for (var i = 0; i < 10; i++) await server.EstablishAsync(Crd($"pen{(char)('a' + i)}s", labels: """{"e2e":"list"}"""));
        await server.EstablishAsync(Crd("others"));
        var listed = (await server.GetAsync($"{CustomServer.Definitions}?labelSelector=e2e%3Dlist")).Json["items"]!.AsArray();
        Assert.Equal(10, listed.Count);

        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{CustomServer.Definitions}?labelSelector=e2e%3Dlist")).StatusCode);
        foreach (var one in listed) await server.WaitUntilGoneAsync(one!["metadata"]!["name"]!.GetValue<string>());
        Assert.Equal(["others.example.com"], (await server.GetAsync(CustomServer.Definitions)).Json["items"]!.AsArray().Select(i => i!["metadata"]!["name"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Custom_resource_defaulting_for_requests_and_from_storage_works()
    {
        await using var server = await TestApiServer.StartAsync();
        const string pens = "/apis/example.com/v1/namespaces/default/pens";
        string Schema(string a, string b) => $$$"""{"type":"object","properties":{"a":{"type":"string"{{{a}}} },"b":{"type":"string"{{{b}}} } } }""";
        await server.EstablishAsync(Crd("pens", versions: Version("v1", true, true, Schema("", ""))));
        await server.PostAsync(pens, """{"apiVersion":"example.com/v1","kind":"Pen","metadata":{"name":"foo"}}""");
        Assert.Null((await server.GetAsync($"{pens}/foo")).Json["a"]);

        await Patch("""[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/a/default","value":"A"}]""");
        Assert.Equal("A", (string?)(await server.GetAsync($"{pens}/foo")).Json["a"]);
        Assert.Equal("A", (string?)(await server.PostAsync(pens, """{"apiVersion":"example.com/v1","kind":"Pen","metadata":{"name":"bar"}}""")).Json["a"]);
        await Patch("""[{"op":"remove","path":"/spec/versions/0/schema/openAPIV3Schema/properties/a/default"},{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/b/default","value":"B"}]""");

        // bar's A was stored when it was made; foo's was never more than a view.
        var bar = (await server.GetAsync($"{pens}/bar")).Json;
        Assert.Equal("A B", $"{bar["a"]} {bar["b"]}");
        var foo = (await server.GetAsync($"{pens}/foo")).Json;
        Assert.Equal(" B", $"{foo["a"]} {foo["b"]}");

        async Task Patch(string patch)
        {
            var patched = await server.PatchAsync($"{CustomServer.Definitions}/pens.example.com", patch, "application/json-patch+json");
            Assert.True(patched.StatusCode == HttpStatusCode.OK, patched.Body);
        }
    }

    [Fact]
    public async Task Should_include_custom_resource_definition_resources_in_discovery_documents()
    {
        await using var server = await TestApiServer.StartAsync();
        var groups = (await server.GetAsync("/apis")).Json["groups"]!.AsArray();
        var group = groups.Single(g => g!["name"]!.GetValue<string>() == "apiextensions.k8s.io")!;
        Assert.Contains(group["versions"]!.AsArray(), v => v!["groupVersion"]!.GetValue<string>() == "apiextensions.k8s.io/v1");
        Assert.Contains((await server.GetAsync("/apis/apiextensions.k8s.io")).Json["versions"]!.AsArray(), v => v!["version"]!.GetValue<string>() == "v1");
        Assert.Contains((await server.GetAsync("/apis/apiextensions.k8s.io/v1")).Json["resources"]!.AsArray(), r => r!["name"]!.GetValue<string>() == "customresourcedefinitions" && r["kind"]!.GetValue<string>() == "CustomResourceDefinition");
    }

    [Fact]
    public async Task CustomResourceDefinition_Watch_watch_on_custom_resource_definition_objects()
    {
        await using var server = await TestApiServer.StartAsync();
        const string pens = "/apis/example.com/v1/pens";
        await server.EstablishAsync(Crd("pens", scope: "Cluster"));
        await using var first = await server.WatchAsync($"{pens}?watch=1&fieldSelector=metadata.name%3Dname1");
        await using var second = await server.WatchAsync($"{pens}?watch=1&fieldSelector=metadata.name%3Dname2");
        foreach (var name in (string[])["name1", "name2"]) await server.PostAsync(pens, $$$"""{"apiVersion":"example.com/v1","kind":"Pen","metadata":{"name":"{{{name}}}"}}""");
        foreach (var name in (string[])["name1", "name2"]) await server.PatchAsync($"{pens}/{name}", """{"metadata":{"labels":{"a":"b"}}}""");
        foreach (var name in (string[])["name1", "name2"]) await server.DeleteAsync($"{pens}/{name}");
        Assert.Equal(["ADDED name1", "MODIFIED name1", "DELETED name1"], await first.TakeAsync(3));
        Assert.Equal(["ADDED name2", "MODIFIED name2", "DELETED name2"], await second.TakeAsync(3));
    }

    [Fact]
    public async Task Should_be_able_to_convert_from_CR_v1_to_CR_v2()
    {
        await using var converter = await FakeConverter.StartAsync();
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(ConversionTests.Definition($"\"url\":\"https://127.0.0.1:{converter.Address.Port}/convert\"", converter.CaBundle));
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"host":"h"}}""");
        var read = (await server.GetAsync($"{ConversionTests.V2}/a")).Json;
        Assert.Equal("example.com/v2 h", $"{read["apiVersion"]} {read["spec"]!["hostname"]}");
    }

    [Fact]
    public async Task Should_be_able_to_convert_a_non_homogeneous_list_of_CRs()
    {
        await using var converter = await FakeConverter.StartAsync();
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(ConversionTests.Definition($"\"url\":\"https://127.0.0.1:{converter.Address.Port}/convert\"", converter.CaBundle));
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"host":"h1"}}""");
        var switched = await server.PatchAsync($"{CustomServer.Definitions}/foos.example.com", """[{"op":"replace","path":"/spec/versions/0/storage","value":false},{"op":"replace","path":"/spec/versions/1/storage","value":true}]""", "application/json-patch+json");
        Assert.Equal("""["v1","v2"]""", switched.Json["status"]!["storedVersions"]!.ToJsonString());
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"b"},"spec":{"host":"h2"}}""");

        foreach (var (path, version, field) in ((string, string, string)[])[(CustomServer.Foos, "v1", "host"), (ConversionTests.V2, "v2", "hostname")])
        {
            var list = (await server.GetAsync(path)).Json["items"]!.AsArray();
            Assert.Equal([$"example.com/{version} h1", $"example.com/{version} h2"], list.Select(i => $"{i!["apiVersion"]} {i["spec"]![field]}"));
        }
    }

    [Fact]
    public async Task Works_for_multiple_CRDs_of_different_groups_kinds_and_versions()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Crd("pens"));
        await server.EstablishAsync(Crd("inks"));
        await server.EstablishAsync(Crd("pens", group: "other.example.com", versions: Version("v1beta1", true, true)));
        await server.EstablishAsync(Crd("caps", versions: Version("v2", true, true) + "," + Version("v3", true, false)));
        var published = await PublishedAsync(server);
        Assert.Equal("", string.Join(' ', new[] { "com.example.v1.Pen", "com.example.v1.Ink", "com.example.other.v1beta1.Pen", "com.example.v2.Cap", "com.example.v3.Cap" }.Where(d => !published.ContainsKey(d))));
    }

    [Fact]
    public async Task Removes_definition_from_spec_when_one_version_gets_changed_to_not_be_served()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Crd("pens", versions: Version("v5", true, true) + "," + Version("v6alpha1", true, false)));
        var before = await PublishedAsync(server);
        Assert.True(before.ContainsKey("com.example.v5.Pen") && before.ContainsKey("com.example.v6alpha1.Pen"));
        await server.PatchAsync($"{CustomServer.Definitions}/pens.example.com", """[{"op":"replace","path":"/spec/versions/1/served","value":false}]""", "application/json-patch+json");
        var after = await PublishedAsync(server);
        Assert.True(after.ContainsKey("com.example.v5.Pen") && !after.ContainsKey("com.example.v6alpha1.Pen"));
        Assert.False((await server.GetAsync("/openapi/v3")).Json["paths"]!.AsObject().ContainsKey("apis/example.com/v6alpha1"));
    }

    [Fact]
    public async Task Updates_the_published_spec_when_one_version_gets_renamed()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Crd("pens", versions: Version("v2", true, true) + "," + Version("v3", true, false)));
        await server.PatchAsync($"{CustomServer.Definitions}/pens.example.com", """[{"op":"replace","path":"/spec/versions/1/name","value":"v4"}]""", "application/json-patch+json");
        var published = await PublishedAsync(server);
        Assert.True(published.ContainsKey("com.example.v2.Pen") && published.ContainsKey("com.example.v4.Pen") && !published.ContainsKey("com.example.v3.Pen"));
    }

    [Fact]
    public async Task Preserving_unknown_fields_at_the_schema_root_publishes_no_properties()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Crd("pens", versions: Version("v1", true, true, """{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"spec":{"type":"object"}}}""")));
        var pen = (await PublishedAsync(server))["com.example.v1.Pen"]!.AsObject();
        Assert.Equal("object", (string?)pen["type"]);
        Assert.False(pen.ContainsKey("properties"));
        Assert.Equal("""[{"group":"example.com","kind":"Pen","version":"v1"}]""", Sorted(pen["x-kubernetes-group-version-kind"]!));
    }

    private static string Sorted(JsonNode list) => "[" + string.Join(',', list.AsArray().Select(o => new JsonObject(o!.AsObject().OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone()))).ToJsonString())) + "]";

    private static async Task<JsonObject> PublishedAsync(TestApiServer server) => (await server.GetAsync("/openapi/v2")).Json["definitions"]!.AsObject();
}
