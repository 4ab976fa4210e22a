using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>A server on which CRDs are made and used.</summary>
internal static class CustomServer
{
    public const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    public const string Foos = "/apis/example.com/v1/namespaces/default/foos";

    private const string OpenSchema = """{"type":"object","properties":{"spec":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}""";

    /// <summary>foos.example.com with these versions; each is JSON without its name, served and storage where it says nothing of them.</summary>
    public static string Foo(string schema = OpenSchema, string extra = "", string scope = "Namespaced") =>
        $$$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"{{{{scope}}}}",
          "names":{"plural":"foos","kind":"Foo","shortNames":["fo"],"categories":["all"]},
          "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{{{{schema}}}}}{{{{extra}}}}}]}}
        """;

    public static async Task EstablishAsync(this TestApiServer server, string definition)
    {
        var created = await server.PostAsync(Definitions, definition);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        await server.WaitForAsync(created.Json["metadata"]!["name"]!.GetValue<string>(), "Established", "True");
    }

    /// <summary>Waits for a condition of a CRD and gives the CRD.</summary>
    public static async Task<JsonObject> WaitForAsync(this TestApiServer server, string name, string condition, string status)
    {
        await using var watch = await server.WatchAsync($"{Definitions}?watch=1&fieldSelector=metadata.name%3D{name}");
        while (await watch.NextAsync() is { } change)
        {
            var value = change["object"]!.AsObject();
            if ((value["status"]?["conditions"] as JsonArray ?? []).Any(c => c!["type"]!.GetValue<string>() == condition && c["status"]!.GetValue<string>() == status)) return value;
        }
        throw new TimeoutException($"{name} never was {condition}={status}");
    }

    public static async Task WaitUntilGoneAsync(this TestApiServer server, string name)
    {
        await using var watch = await server.WatchAsync($"{Definitions}?watch=1&fieldSelector=metadata.name%3D{name}&resourceVersion=0");
        if ((await server.GetAsync($"{Definitions}/{name}")).StatusCode == HttpStatusCode.NotFound) return;
        while (await watch.NextAsync() is { } change)
        {
            if (change["type"]!.GetValue<string>() == "DELETED") return;
        }
        throw new TimeoutException($"{name} never went");
    }

    public static string Message(this TestResponse response) => response.Json["message"]!.GetValue<string>();
}
