using System.Diagnostics;
using System.Text;

namespace LiteKube.Benchmarks;

/// <summary>
/// 2,000 ConfigMaps of about 700 bytes over HTTP/2 and TLS by 16 clients: created, replaced, patched, read, listed (all,
/// and a tenth by label).
/// </summary>
/// <param name="share">All clients on one connection, as those of one client-go process are; else one each, as of 16 processes.</param>
/// <param name="serverCpu">Seconds of CPU that the server has used so far; null where it cannot be seen.</param>
internal sealed class ApiLoad(KubeEndpoint endpoint, bool share, Func<double>? serverCpu)
{
    private const int Clients = 16;
    private const int Objects = 2000;
    private const int Gets = 40_000;

    public sealed record Figures(Figure Create, Figure Put, Figure Patch, Figure Get, Figure List, Figure ListByLabel);

    /// <param name="CpuMicroseconds">Of the server, for one request.</param>
    public sealed record Figure(double PerSecond, double? CpuMicroseconds);

    public async Task<Figures> MeasureAsync(CancellationToken cancellationToken)
    {
        Figures? figures = null;
        await Requests.InNamespaceAsync(endpoint, "bench-api", async ns => figures = await MeasureAsync(ns, cancellationToken), cancellationToken);
        return figures!;
    }

    private async Task<Figures> MeasureAsync(string ns, CancellationToken cancellationToken)
    {
        var path = $"/api/v1/namespaces/{ns}/configmaps";
        var clients = endpoint.Connect(Clients, share);
        try
        {
            // Connections and the server's first use of each path are not what is measured.
            await Task.WhenAll(clients.Select(c => c.SendAsync(HttpMethod.Get, path, null, "", cancellationToken)));
            var create = await RateAsync(clients, Objects, (c, i) => c.SendAsync(HttpMethod.Post, path, Body(i, "created"), "application/json", cancellationToken));
            var put = await RateAsync(clients, Objects, (c, i) => c.SendAsync(HttpMethod.Put, $"{path}/{Name(i)}", Body(i, "replaced"), "application/json", cancellationToken));
            var patch = await RateAsync(clients, Objects, (c, i) => c.SendAsync(HttpMethod.Patch, $"{path}/{Name(i)}", """{"data":{"patched":"yes"}}"""u8.ToArray(), "application/merge-patch+json", cancellationToken));
            var get = await RateAsync(clients, Gets, (c, i) => c.SendAsync(HttpMethod.Get, $"{path}/{Name(i % Objects)}", null, "", cancellationToken));
            var list = await RateAsync(clients, 400, (c, _) => c.SendAsync(HttpMethod.Get, path, null, "", cancellationToken));
            var byLabel = await RateAsync(clients, 1000, (c, _) => c.SendAsync(HttpMethod.Get, path + "?labelSelector=tenth%3D3", null, "", cancellationToken));
            return new(create, put, patch, get, list, byLabel);
        }
        finally
        {
            foreach (var client in clients)
                client.Dispose();
        }
    }

    private static string Name(int i) => $"object-{i}";

    private static byte[] Body(int i, string word) => Encoding.UTF8.GetBytes(
        $$$$$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{{{{Name(i)}}}}}}","labels":{"app":"bench","tenth":"{{{{{{i % 10}}}}}}"}},"data":{"word":"{{{{{{word}}}}}}","text":"{{{{{{new string('x', 500)}}}}}}"}}""");

    /// <summary>Requests a second: each client takes the next number until all are done.</summary>
    private async Task<Figure> RateAsync(HttpClient[] clients, int count, Func<HttpClient, int, Task> request)
    {
        var next = -1;
        var before = serverCpu?.Invoke();
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(clients.Select(async client =>
        {
            for (var i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
                await request(client, i);
        }));
        var seconds = watch.Elapsed.TotalSeconds;
        return new(count / seconds, serverCpu is null ? null : (serverCpu() - before) * 1e6 / count);
    }
}
