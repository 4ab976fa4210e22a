using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Testing;
using LiteKube.Testing.Extensions;
using static LiteKube.ApiServer.Tests.Extensions.Aggregation.ExtensionServers;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>Other servers' OpenAPI documents with ours.</summary>
public sealed class OpenApiTests
{
    private const string Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    private const string MetaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    private const string Path = $"/apis/{FakeExtensionServer.Group}/v1alpha1/namespaces/{{namespace}}/flunders";

    [Fact]
    public async Task The_v2_document_holds_the_group_versions_paths_and_its_definitions_under_names_that_are_free()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        var own = (await server.GetAsync("/openapi/v2")).Json;
        await server.RegisterAsync(extension);

        var merged = await server.EventuallyAsync("/openapi/v2", a => a.Json["paths"]!.AsObject().ContainsKey(Path));

        var definitions = merged.Json["definitions"]!.AsObject();
        Assert.Equal($"#/definitions/{MetaName}_v2", definitions["com.example.Flunder"]!["properties"]!["metadata"]!["$ref"]!.GetValue<string>());
        Assert.Equal("as this server knows it", definitions[$"{MetaName}_v2"]!["description"]!.GetValue<string>());
        Assert.True(JsonNode.DeepEquals(own["definitions"]![MetaName], definitions[MetaName]));
        Assert.False(definitions.ContainsKey("com.example.Unused"));
        Assert.Equal(own["paths"]!.AsObject().Count + 1, merged.Json["paths"]!.AsObject().Count);
        Assert.Equal("body", merged.Json["paths"]![Path]!["post"]!["parameters"]![0]!["name"]!.GetValue<string>());
        var bytes = await server.GetAsync("/openapi/v2", Protobuf);
        Assert.Equal(Protobuf, bytes.ContentHeaders.ContentType!.ToString());
        Assert.Contains("what it refers to", bytes.Body, StringComparison.Ordinal);
        await server.DeleteAsync($"{ApiServices}/{FakeExtensionServer.Name}");
        await server.EventuallyAsync("/openapi/v2", a => !a.Body.Contains("com.example.Flunder", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_v3_index_names_the_document_and_its_server_gives_it()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);

        var index = await server.EventuallyAsync("/openapi/v3", a => a.Json["paths"]!.AsObject().ContainsKey($"apis/{FakeExtensionServer.Group}/v1alpha1"));

        var url = index.Json["paths"]![$"apis/{FakeExtensionServer.Group}/v1alpha1"]!["serverRelativeURL"]!.GetValue<string>();
        Assert.Equal($"/openapi/v3/apis/{FakeExtensionServer.Group}/v1alpha1?hash=ABC", url);
        Assert.Equal("from v3", (await server.GetAsync(url)).Json["components"]!["schemas"]!["com.example.Flunder"]!["description"]!.GetValue<string>());
        Assert.Equal("kubernetes-admin", extension.Seen.Single(s => s.PathAndQuery == url).User);
        Assert.StartsWith("/openapi/v3/apis/apps/v1?hash=", index.Json["paths"]!["apis/apps/v1"]!["serverRelativeURL"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains(extension.Seen, s => s is { PathAndQuery: "/openapi/v2", User: "system:aggregator" });
    }

    [Fact]
    public async Task A_server_that_knows_no_v3_has_its_document_made_of_v2()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        extension.HasOpenApiV3 = false;
        await server.RegisterAsync(extension);

        var index = await server.EventuallyAsync("/openapi/v3", a => a.Json["paths"]!.AsObject().ContainsKey($"apis/{FakeExtensionServer.Group}/v1alpha1"));

        var url = index.Json["paths"]![$"apis/{FakeExtensionServer.Group}/v1alpha1"]!["serverRelativeURL"]!.GetValue<string>();
        Assert.Contains("what it refers to", (await server.GetAsync(url, "application/com.github.proto-openapi.spec.v3.v1.0+protobuf")).Body, StringComparison.Ordinal);
        var document = (await server.GetAsync(url)).Json;
        Assert.Equal("3.0.0", document["openapi"]!.GetValue<string>());
        Assert.Equal("#/components/schemas/com.example.FlunderSpec", document["components"]!["schemas"]!["com.example.Flunder"]!["properties"]!["spec"]!["$ref"]!.GetValue<string>());
        var post = document["paths"]![Path]!["post"]!;
        Assert.Equal("#/components/schemas/com.example.Flunder", post["requestBody"]!["content"]!["application/json"]!["schema"]!["$ref"]!.GetValue<string>());
        Assert.Equal("""{"in":"query","name":"dryRun","schema":{"type":"string","uniqueItems":true}}""", post["parameters"]![0]!.ToJsonString());
    }

    [Fact]
    public async Task Documents_that_are_none_leave_ours_as_they_are()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);
        var asked = new TaskCompletionSource();
        extension.Instead = async context =>
        {
            var isSpec = context.Request.Path.StartsWithSegments("/openapi");
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(isSpec ? """{"swagger":"2.0","paths":{"/apis/wardle.example.com/v1alpha1/x":{"get":{"parameters":[{"in":7}]}}}}""" : "{}"));
            if (isSpec) asked.TrySetResult();
        };
        await server.DeleteAsync($"{ApiServices}/{FakeExtensionServer.Name}");
        Succeeded(await server.PostAsync(ApiServices, extension.ApiService()));
        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "Passed");
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));

        var document = await server.GetAsync("/openapi/v2");

        Assert.Equal(HttpStatusCode.OK, document.StatusCode);
        Assert.DoesNotContain("wardle", document.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/openapi/v2", Protobuf)).StatusCode);
    }
}
