using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Apply;

/// <summary>One server for a class of tests that name their objects apart.</summary>
public sealed class ApplyServer : IAsyncLifetime
{
    public TestApiServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await TestApiServer.StartAsync();
        await Server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
    }

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

internal static class ManagedFields
{
    public static JsonArray Of(JsonObject value) => value["metadata"]!["managedFields"]?.AsArray() ?? [];

    public static JsonObject Entry(JsonObject value, string manager, string subresource = "") =>
        Of(value).OfType<JsonObject>().Single(e => e["manager"]!.GetValue<string>() == manager && (subresource.Length == 0 || e["subresource"]?.GetValue<string>() == subresource));

    public static string[] Managers(JsonObject value) => [.. Of(value).Select(e => e!["manager"]!.GetValue<string>())];

    public static string Compact(JsonNode? node) => node!.ToJsonString(new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
