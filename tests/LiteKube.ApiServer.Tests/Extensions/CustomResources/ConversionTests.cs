using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public sealed class ConversionTests
{
    public const string V2 = "/apis/example.com/v2/namespaces/default/foos";

    public static string Definition(string client, string bundle) => $$$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},
          "conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{{{{{client}}}},"caBundle":"{{{{bundle}}}}"}}},
          "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"host":{"type":"string"} } } } } } },
                      {"name":"v2","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"hostname":{"type":"string"} } } } } } }]} }
        """;

    [Fact]
    public async Task Objects_are_written_read_listed_and_watched_in_a_version_that_a_webhook_makes()
    {
        await using var converter = await FakeConverter.StartAsync();
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Definition($"\"url\":\"https://127.0.0.1:{converter.Address.Port}/convert\"", converter.CaBundle));
        await using var watch = await server.WatchAsync($"{V2}?watch=1");

        var created = await server.PostAsync(V2, """{"apiVersion":"example.com/v2","kind":"Foo","metadata":{"name":"a"},"spec":{"hostname":"h"}}""");

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal("""{"hostname":"h"}""", created.Json["spec"]!.ToJsonString());
        Assert.Equal("""{"host":"h"}""", (await server.GetAsync($"{CustomServer.Foos}/a")).Json["spec"]!.ToJsonString());
        Assert.Equal("""{"hostname":"h"}""", (await watch.NextAsync())!["object"]!["spec"]!.ToJsonString());
        var patched = await server.PatchAsync($"{V2}/a", """{"spec":{"hostname":"i"}}""");
        Assert.Equal("i 2", $"{patched.Json["spec"]!["hostname"]} {patched.Json["metadata"]!["generation"]}");
        Assert.Equal("""{"hostname":"i"}""", (await server.GetAsync(V2)).Json["items"]![0]!["spec"]!.ToJsonString());
        Assert.Equal("""{"host":"i"}""", (await server.GetAsync(CustomServer.Foos)).Json["items"]![0]!["spec"]!.ToJsonString());
        Assert.Equal("MODIFIED a", Assert.Single(await watch.TakeAsync(1)));

        var calls = converter.Calls;
        await server.GetAsync($"{V2}/a");
        Assert.Equal(calls, converter.Calls);
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{V2}/a")).StatusCode);
        Assert.Equal("DELETED a", Assert.Single(await watch.TakeAsync(1)));
    }

    [Fact]
    public async Task A_webhook_that_fails_or_lies_is_told_of()
    {
        await using var converter = await FakeConverter.StartAsync();
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(Definition($"\"url\":\"https://127.0.0.1:{converter.Address.Port}/convert\"", converter.CaBundle));
        await server.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"host":"h"}}""");

        await Fails(r => r["response"]!["result"] = new JsonObject { ["status"] = "Failure", ["message"] = "no way" }, "conversion webhook for example.com/v1, Kind=Foo failed: no way");
        await Fails(r => r["response"]!["uid"] = "other", "conversion webhook for example.com/v1, Kind=Foo failed: expected response.uid=");
        await Fails(r => r["response"]!["convertedObjects"] = new JsonArray(), "conversion webhook for example.com/v1, Kind=Foo returned 0 objects, expected 1");
        await Fails(r => r["response"]!["convertedObjects"]![0]!["apiVersion"] = "example.com/v3", "conversion webhook for example.com/v1, Kind=Foo returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v3)");
        await Fails(r => r["response"]!["convertedObjects"]![0]!["metadata"]!["name"] = "b", "conversion webhook for example.com/v1, Kind=Foo returned invalid object: must have the same name: a != b");

        converter.Spoil = r => r["response"]!["convertedObjects"]![0]!["metadata"] = JsonNode.Parse($$"""{"name":"a","namespace":"default","uid":"{{r["response"]!["convertedObjects"]![0]!["metadata"]!["uid"]}}","labels":{"x":"y"},"finalizers":["example.com/no"]}""");
        var read = await server.GetAsync($"{V2}/a");
        Assert.Equal("""{"x":"y"}""", read.Json["metadata"]!["labels"]!.ToJsonString());
        Assert.False(read.Json["metadata"]!.AsObject().ContainsKey("finalizers"));

        async Task Fails(Action<JsonObject> spoil, string message)
        {
            converter.Spoil = spoil;
            var failed = await server.GetAsync($"{V2}/a");
            Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
            Assert.StartsWith(message, failed.Message(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_webhook_behind_a_service_is_dialled_at_its_endpoints_and_known_by_its_name()
    {
        await using var converter = await FakeConverter.StartAsync("hook.default.svc");
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync("/api/v1/namespaces/default/services", """{"metadata":{"name":"hook"},"spec":{"ports":[{"port":443,"targetPort":8443}]}}""");
        await server.PostAsync(LoopbackEndpoints.Path("default"), LoopbackEndpoints.Slice("hook", converter.Address.Port));
        await server.EstablishAsync(Definition("\"service\":{\"namespace\":\"default\",\"name\":\"hook\",\"path\":\"/convert\"}", converter.CaBundle));

        var created = await server.PostAsync(V2, """{"apiVersion":"example.com/v2","kind":"Foo","metadata":{"name":"a"},"spec":{"hostname":"h"}}""");

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal("""{"host":"h"}""", (await server.GetAsync($"{CustomServer.Foos}/a")).Json["spec"]!.ToJsonString());
    }
}
