using System.Net;
using System.Text.Json.Nodes;

namespace LiteKube.Scheduler.Tests.Conformance;

/// <summary>[sig-scheduling] LimitRange, what its conformance spec asks for.</summary>
public sealed class LimitRangeTests : IAsyncLifetime
{
    private const string Ranges = $"/api/v1/namespaces/{SchedulingCluster.Namespace}/limitranges";
    private const string Pods = $"/api/v1/namespaces/{SchedulingCluster.Namespace}/pods";
    private SchedulingCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await SchedulingCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Should_create_a_LimitRange_with_defaults_and_ensure_pod_has_those_defaults_applied()
    {
        await using var watch = await _cluster.Api.WatchAsync($"{Ranges}?watch=true");
        var range = await _cluster.CreateAsync(Ranges, """
            {"metadata":{"name":"limit-range"},"spec":{"limits":[{"type":"Container","min":{"cpu":"50m","memory":"100Mi","ephemeral-storage":"100Gi"},"max":{"cpu":"500m","memory":"500Mi","ephemeral-storage":"500Gi"},
             "default":{"cpu":"500m","memory":"500Mi","ephemeral-storage":"500Gi"},"defaultRequest":{"cpu":"100m","memory":"200Mi","ephemeral-storage":"200Gi"}}]}}
            """);
        Assert.Equal(["ADDED limit-range"], await watch.TakeAsync(1));
        Assert.Equal("""{"cpu":"100m","ephemeral-storage":"200Gi","memory":"200Mi"}""", (await _cluster.Api.GetAsync($"{Ranges}/limit-range")).Json["spec"]!["limits"]![0]!["defaultRequest"]!.ToJsonString());

        await _cluster.PodAsync("pod-no-resources", Container("{}"));
        await HasAsync("pod-no-resources", """{"cpu":"100m","ephemeral-storage":"200Gi","memory":"200Mi"}""", """{"cpu":"500m","ephemeral-storage":"500Gi","memory":"500Mi"}""");
        await _cluster.PodAsync("pod-partial-resources", Container("""{"requests":{"cpu":"150m","memory":"150Mi","ephemeral-storage":"150Gi"},"limits":{"cpu":"300m"}}"""));
        await HasAsync("pod-partial-resources", """{"cpu":"150m","ephemeral-storage":"150Gi","memory":"150Mi"}""", """{"cpu":"300m","ephemeral-storage":"500Gi","memory":"500Mi"}""");

        await RefusedAsync("less than min", """{"requests":{"cpu":"10m","memory":"50Mi","ephemeral-storage":"50Gi"}}""", "minimum cpu usage per Container is 50m, but request is 10m");
        await RefusedAsync("more than max", """{"limits":{"cpu":"600m","memory":"600Mi","ephemeral-storage":"600Gi"}}""", "maximum cpu usage per Container is 500m, but limit is 600m");

        // The new lower bound holds from the next request on.
        range["spec"]!["limits"]![0]!["min"] = JsonNode.Parse("""{"cpu":"9m","memory":"49Mi","ephemeral-storage":"49Gi"}""");
        Assert.Equal(HttpStatusCode.OK, (await _cluster.Api.PutAsync($"{Ranges}/limit-range", range.ToJsonString())).StatusCode);
        await _cluster.PodAsync("pod-small", Container("""{"requests":{"cpu":"10m","memory":"50Mi","ephemeral-storage":"50Gi"}}"""));
        await RefusedAsync("still more than max", """{"limits":{"cpu":"600m","memory":"600Mi","ephemeral-storage":"600Gi"}}""", "maximum cpu usage per Container is 500m, but limit is 600m");

        Assert.Equal(HttpStatusCode.OK, (await _cluster.Api.DeleteAsync($"{Ranges}/limit-range")).StatusCode);
        await _cluster.PodAsync("pod-large", Container("""{"limits":{"cpu":"600m","memory":"600Mi"}}"""));
    }

    private async Task HasAsync(string name, string requests, string limits)
    {
        var resources = (await _cluster.FindPodAsync(name))!["spec"]!["containers"]![0]!["resources"]!;
        Assert.Equal((requests, limits), (Sorted(resources["requests"]!), Sorted(resources["limits"]!)));
    }

    private async Task RefusedAsync(string what, string resources, string why)
    {
        var refused = await _cluster.Api.PostAsync(Pods, "{\"metadata\":{\"name\":\"refused\"},\"spec\":{" + Container(resources) + "}}");
        Assert.True(refused.StatusCode == HttpStatusCode.Forbidden, $"{what}: {refused.Body}");
        Assert.Contains(why, refused.Body, StringComparison.Ordinal);
    }

    private static string Sorted(JsonNode node) => new JsonObject(node.AsObject().OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => KeyValuePair.Create(entry.Key, entry.Value?.DeepClone()))).ToJsonString();

    private static string Container(string resources) => $$$""" "containers":[{"name":"pause","image":"pause","resources":{{{resources}}}}] """;
}
