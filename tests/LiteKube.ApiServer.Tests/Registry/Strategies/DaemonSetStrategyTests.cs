using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

public sealed class DaemonSetStrategyTests
{
    [Fact]
    public async Task A_daemon_set_counts_the_changes_of_its_template()
    {
        await using var server = await TestApiServer.StartAsync();
        const string Path = "/apis/apps/v1/namespaces/default/daemonsets";
        static string? Generation(TestResponse response) => (string?)response.Json["metadata"]!["annotations"]!["deprecated.daemonset.template.generation"];
        Assert.Equal("1", Generation(await server.PostAsync(Path, """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"one"}]}}}}""")));
        Assert.Equal("1", Generation(await server.PatchAsync($"{Path}/d", """{"metadata":{"annotations":{"deprecated.daemonset.template.generation":"7"}},"spec":{"minReadySeconds":5}}""")));
        Assert.Equal("2", Generation(await server.PatchAsync($"{Path}/d", """{"spec":{"template":{"metadata":{"annotations":{"x":"y"}}}}}""")));
        Assert.Equal("2", Generation(await server.PatchAsync($"{Path}/d/status", """{"status":{"numberReady":1}}""")));
    }
}
