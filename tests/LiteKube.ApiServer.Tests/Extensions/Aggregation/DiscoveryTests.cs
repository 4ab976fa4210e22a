using System.Text.Json.Nodes;
using LiteKube.Testing;
using LiteKube.Testing.Extensions;
using static LiteKube.ApiServer.Tests.Extensions.Aggregation.ExtensionServers;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>Other servers' group versions in discovery.</summary>
public sealed class DiscoveryTests
{
    private const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_group_is_in_every_discovery_document_in_the_order_of_priorities_whatever_form_its_server_speaks(bool hasAggregated)
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        extension.HasAggregatedDiscovery = hasAggregated;
        await server.RegisterAsync(extension);

        var groups = (await server.GetAsync("/apis")).Json["groups"]!.AsArray();
        Assert.Equal(FakeExtensionServer.Group, groups[^1]!["name"]!.GetValue<string>());
        Assert.Equal($"{FakeExtensionServer.Group}/v1alpha1", groups[^1]!["preferredVersion"]!["groupVersion"]!.GetValue<string>());
        Assert.Equal("APIGroup", (await server.GetAsync($"/apis/{FakeExtensionServer.Group}")).Json["kind"]!.GetValue<string>());
        Assert.Equal("flunders", (await server.GetAsync($"/apis/{FakeExtensionServer.Group}/v1alpha1")).Json["resources"]![0]!["name"]!.GetValue<string>());
        Assert.Contains($"/apis/{FakeExtensionServer.Group}/v1alpha1", (await server.GetAsync("/")).Json["paths"]!.AsArray().Select(p => p!.GetValue<string>()));

        var list = await server.EventuallyAsync("/apis", a => Version(a)?["freshness"]!.GetValue<string>() == "Current", Aggregated);
        var resource = Assert.Single(Version(list)!["resources"]!.AsArray())!;
        Assert.Equal("flunders flunder Namespaced Flunder fl", $"{resource["resource"]} {resource["singularResource"]} {resource["scope"]} {resource["responseKind"]!["kind"]} {resource["shortNames"]![0]}");
        Assert.Equal("status Flunder", $"{resource["subresources"]![0]!["subresource"]} {resource["subresources"]![0]!["responseKind"]!["kind"]}");
        Assert.Equal("apiregistration.k8s.io", list.Json["items"]![0]!["metadata"]!["name"]!.GetValue<string>());

        // A higher priority goes before, at once.
        await server.PatchAsync($"{ApiServices}/{FakeExtensionServer.Name}", """{"spec":{"groupPriorityMinimum":17900}}""");
        Assert.Equal(FakeExtensionServer.Group, (await server.GetAsync("/apis")).Json["groups"]![1]!["name"]!.GetValue<string>());
        Assert.Equal(FakeExtensionServer.Group, (await server.GetAsync("/apis", Aggregated)).Json["items"]![1]!["metadata"]!["name"]!.GetValue<string>());
        await server.DeleteAsync($"{ApiServices}/{FakeExtensionServer.Name}");
        Assert.DoesNotContain(FakeExtensionServer.Group, (await server.GetAsync("/apis")).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(FakeExtensionServer.Group, (await server.GetAsync("/apis", Aggregated)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_group_of_a_server_that_does_not_answer_is_stale_and_current_when_it_answers()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.CreateServiceAsync();
        Succeeded(await server.PostAsync(ApiServices, extension.ApiService()));

        var stale = await server.EventuallyAsync("/apis", a => Version(a) is not null, Aggregated);
        Assert.Equal("Stale", Version(stale)!["freshness"]!.GetValue<string>());
        Assert.Empty(Version(stale)!["resources"]!.AsArray());
        Assert.Contains(FakeExtensionServer.Group, (await server.GetAsync("/apis")).Body, StringComparison.Ordinal);
        await server.CreateEndpointsAsync(extension.Port);

        var current = await server.EventuallyAsync("/apis", a => Version(a)?["freshness"]!.GetValue<string>() == "Current", Aggregated);
        Assert.Single(Version(current)!["resources"]!.AsArray());
    }

    [Fact]
    public async Task The_servers_own_documents_are_the_same_bytes_whatever_APIServices_say_of_conditions()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.WaitForAvailableAsync(_ => true, "v1.apps");
        var before = await server.GetAsync("/apis", Aggregated);

        await server.PatchAsync($"{ApiServices}/v1.apps/status", """{"status":{"conditions":[{"type":"Odd","status":"True"}]}}""", "application/strategic-merge-patch+json");

        var after = await server.GetAsync("/apis", Aggregated);
        Assert.Equal(before.Headers.ETag, after.Headers.ETag);
        Assert.Equal(before.Body, after.Body);
    }

    private static JsonNode? Version(TestResponse list) =>
        list.Json["items"]!.AsArray().FirstOrDefault(g => g!["metadata"]!["name"]?.GetValue<string>() == FakeExtensionServer.Group)?["versions"]![0];
}
