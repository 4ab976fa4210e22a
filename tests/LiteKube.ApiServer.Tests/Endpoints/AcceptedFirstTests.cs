using System.Net;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

/// <summary>What cannot be answered in a form that the client takes must not happen.</summary>
public sealed class AcceptedFirstTests
{
    private const string Default = "/api/v1/namespaces/default";
    private const string Deployment = "/apis/apps/v1/namespaces/default/deployments/d";
    private const string Unknown = "application/cbor";
    private const string TableOnly = "application/json;as=Table;v=v1;g=meta.k8s.io";

    private static async Task<TestApiServer> StartAsync()
    {
        var server = await TestApiServer.StartAsync();
        await CreateAsync($"{Default}/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await CreateAsync($"{Default}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await CreateAsync("/apis/apps/v1/namespaces/default/deployments", """{"metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"x"}},"template":{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        return server;

        async Task CreateAsync(string path, string body) => Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(path, body)).StatusCode);
    }

    [Theory]
    [InlineData("PUT", Deployment + "/scale", """{"metadata":{"name":"d"},"spec":{"replicas":5}}""", Unknown)]
    [InlineData("PATCH", Deployment + "/scale", """{"spec":{"replicas":5}}""", Unknown)]
    [InlineData("POST", Default + "/pods/p/binding", """{"target":{"name":"n1"}}""", Unknown)]
    [InlineData("POST", Default + "/pods/p/binding", """{"target":{"name":"n1"}}""", TableOnly)]
    [InlineData("POST", Default + "/bindings", """{"metadata":{"name":"p"},"target":{"name":"n1"}}""", TableOnly)]
    [InlineData("POST", Default + "/pods/p/eviction", "{}", Unknown)]
    [InlineData("POST", Default + "/pods/p/eviction", "{}", TableOnly)]
    [InlineData("DELETE", Default + "/pods/p", "{}", Unknown)]
    [InlineData("DELETE", Default + "/pods", "{}", Unknown)]
    public async Task A_write_whose_answer_nobody_takes_does_not_happen(string method, string path, string body, string accept)
    {
        await using var server = await StartAsync();
        var before = (await server.GetAsync($"{Default}/pods")).Body + (await server.GetAsync(Deployment)).Body;
        var contentType = method == "PATCH" ? "application/merge-patch+json" : "application/json";

        var refused = await server.SendAsync(new HttpMethod(method), path, body, contentType, accept);

        Assert.Equal((HttpStatusCode.NotAcceptable, "NotAcceptable"), (refused.StatusCode, (string?)refused.Json["reason"]));
        Assert.Equal(WithoutListVersion(before), WithoutListVersion((await server.GetAsync($"{Default}/pods")).Body + (await server.GetAsync(Deployment)).Body));
    }

    [Fact]
    public async Task A_token_has_no_table()
    {
        await using var server = await StartAsync();
        var refused = await server.SendAsync(HttpMethod.Post, $"{Default}/serviceaccounts/default/token", "{}", null, TableOnly);
        Assert.Equal(HttpStatusCode.NotAcceptable, refused.StatusCode);
    }

    [Theory]
    [InlineData("/scale", "Name Desired Available Age", "\"d\",2,0,")]
    [InlineData("/status", "Name Ready Up-to-date Available Age Containers Images Selector", "\"d\",\"0/2\",0,0,")]
    public async Task Subresources_with_columns_are_shown_in_them(string subresource, string columns, string cells)
    {
        await using var server = await StartAsync();

        var table = await server.GetAsync(Deployment + subresource, TableOnly);

        Assert.Equal(HttpStatusCode.OK, table.StatusCode);
        Assert.Equal(columns, string.Join(' ', table.Json["columnDefinitions"]!.AsArray().Select(c => (string?)c!["name"])));
        Assert.StartsWith("[" + cells, table.Json["rows"]![0]!["cells"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("d", (string?)table.Json["rows"]![0]!["object"]!["metadata"]!["name"]);
    }

    // A list of another moment carries another version; the objects in it keep theirs.
    private static string WithoutListVersion(string text) => text[text.IndexOf("\"items\"", StringComparison.Ordinal)..];
}
