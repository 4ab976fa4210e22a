using System.Diagnostics;
using System.Globalization;
using System.Text;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;
using Xunit.Abstractions;

namespace LiteKube.ApiServer.Tests.Apply;

/// <summary>What writes cost, as processor time for each, printed for a person to compare.</summary>
public sealed class WriteCost(ITestOutputHelper output)
{
    private const int Writers = 16;
    private const int Rounds = 4000;

    private static readonly UserInfo Admin = new("admin", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    [WriteCostFact]
    public async Task Writes_cost_so_much_processor_time()
    {
        await using var server = await TestApiServer.StartAsync();
        await Send(server, "POST", "/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await Send(server, "POST", "/api/v1/namespaces/default/pods", Pod);
        for (var round = 0; round < 3; round++)
        {
            var run = round;
            await Measure("create", i => Send(server, "POST", "/api/v1/namespaces/default/configmaps", ConfigMap($"c{run}-{i}", "v")));
            await Measure("put", i => Send(server, "PUT", $"/api/v1/namespaces/default/configmaps/c{run}-{i}", ConfigMap($"c{run}-{i}", "w")));
            await Measure("patch", i => Send(server, "PATCH", $"/api/v1/namespaces/default/configmaps/c{run}-{i}", $$$"""{"data":{"k1":"x{{{run}}}"}}""", "application/merge-patch+json"));
            await Measure("pod status", i => Send(server, "PATCH", "/api/v1/namespaces/default/pods/web/status", Status(i), "application/strategic-merge-patch+json"), 1);
        }
    }

    private async Task Measure(string what, Func<int, Task> write, int writers = Writers)
    {
        var before = Environment.CpuUsage.TotalTime;
        var allocated = GC.GetTotalAllocatedBytes();
        var watch = Stopwatch.StartNew();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < Rounds) await write(i);
        })));
        var spent = Environment.CpuUsage.TotalTime - before;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what,-12} {Rounds / watch.Elapsed.TotalSeconds,8:F0}/s {spent.TotalMicroseconds / Rounds,8:F1} us cpu {(GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / Rounds,8:F1} KiB"));
    }

    private static async Task Send(TestApiServer server, string method, string path, string body, string contentType = "application/json")
    {
        var response = await server.Server.ExecuteAsync(new InProcessRequest(method, path, Admin, Encoding.UTF8.GetBytes(body), contentType), CancellationToken.None);
        Assert.True(response.StatusCode is 200 or 201, Encoding.UTF8.GetString(response.Body.Span));
    }

    private static string ConfigMap(string name, string value) =>
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","labels":{"app":"web","tier":"front"}},"data":{"k1":"{{{value}}}","k2":"{{{new string('x', 200)}}}","k3":"{{{value}}}"}}""";

    private static string Status(int i) => $$$$"""
        {"status":{"phase":"Running","conditions":[{"type":"Ready","status":"{{{{(i % 2 == 0 ? "True" : "False")}}}}","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:{{{{i / 60 % 60:D2}}}}:{{{{i % 60:D2}}}}Z"},{"type":"ContainersReady","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z"}],"containerStatuses":[{"name":"web","ready":true,"restartCount":{{{{i}}}},"image":"nginx","imageID":"sha256:abc","state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}}
        """;

    private const string Pod = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"nginx","ports":[{"containerPort":80,"name":"http"},{"containerPort":443,"name":"https"}],"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"128Mi"}},"readinessProbe":{"httpGet":{"path":"/","port":80}}}]}}
        """;
}

/// <summary>Measures only where it is asked for: figures of a busy machine are none.</summary>
public sealed class WriteCostFactAttribute : FactAttribute
{
    public WriteCostFactAttribute()
    {
        if (Environment.GetEnvironmentVariable("LITEKUBE_WRITE_COST") is not "1") Skip = "set LITEKUBE_WRITE_COST=1 to measure what writes cost";
    }
}
