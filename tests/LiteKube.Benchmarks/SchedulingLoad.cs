using System.Diagnostics;

namespace LiteKube.Benchmarks;

/// <summary>1,000 pods onto 100 nodes that exist only as objects: from the first creation until the last binding.</summary>
internal sealed class SchedulingLoad(KubeEndpoint endpoint)
{
    private const int Nodes = 100;
    private const int Pods = 1000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Pods a second.</summary>
    public async Task<double> MeasureAsync(CancellationToken cancellationToken)
    {
        double rate = 0;
        using var client = endpoint.Connect();
        var nodes = Enumerable.Range(0, Nodes).Select(i => $"bench-node-{i}").ToList();
        try
        {
            foreach (var node in nodes)
            {
                await client.PostAsync("/api/v1/nodes", $$$$$$"""{"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{{{{node}}}}}}","labels":{"bench":"yes"}}}""", cancellationToken);
                await client.SendAsync(HttpMethod.Patch, $"/api/v1/nodes/{node}/status",
                    """{"status":{"capacity":{"cpu":"32","memory":"64Gi","pods":"110"},"allocatable":{"cpu":"32","memory":"64Gi","pods":"110"},"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","message":"ready"}]}}"""u8.ToArray(),
                    "application/merge-patch+json", cancellationToken);
            }
            await Requests.InNamespaceAsync(endpoint, "bench-schedule", async ns => rate = await MeasureAsync(client, ns, cancellationToken), cancellationToken);
        }
        finally
        {
            foreach (var node in nodes)
                await client.DeleteAsync($"/api/v1/nodes/{node}", "{}", CancellationToken.None);
        }
        return rate;
    }

    private async Task<double> MeasureAsync(HttpClient client, string ns, CancellationToken cancellationToken)
    {
        var path = $"/api/v1/namespaces/{ns}/pods";
        using (var accounts = await Watcher.OpenAsync(client, $"/api/v1/namespaces/{ns}/serviceaccounts", cancellationToken))
            await accounts.UntilAsync("the default service account", static (_, account) => account.GetProperty("metadata").GetProperty("name").ValueEquals("default"), Limit, cancellationToken);
        using var pods = await Watcher.OpenAsync(client, path, cancellationToken);
        var writers = Enumerable.Range(0, 8).Select(_ => endpoint.Connect()).ToArray();
        try
        {
            var bound = new HashSet<string>(StringComparer.Ordinal);
            var watch = Stopwatch.StartNew();
            var creating = Task.WhenAll(writers.Select(async (writer, first) =>
            {
                for (var i = first; i < Pods; i += writers.Length)
                    await writer.PostAsync(path, Pod(i), cancellationToken);
            }));
            await pods.UntilAsync($"{Pods} pods bound", (_, pod) =>
            {
                if (pod.GetProperty("spec").TryGetProperty("nodeName", out var _))
                    bound.Add(pod.GetProperty("metadata").GetProperty("name").GetString()!);
                return bound.Count == Pods;
            }, Limit, cancellationToken);
            var seconds = watch.Elapsed.TotalSeconds;
            await creating;
            await client.DeleteAsync(path, """{"gracePeriodSeconds":0}""", cancellationToken);
            return Pods / seconds;
        }
        finally
        {
            foreach (var writer in writers)
                writer.Dispose();
        }
    }

    private static string Pod(int i) =>
        $$$$$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-{{{{{{i}}}}}}","labels":{"app":"bench"}},"spec":{"nodeSelector":{"bench":"yes"},"tolerations":[{"operator":"Exists"}],"containers":[{"name":"c","image":"none.invalid/none:1","resources":{"requests":{"cpu":"100m","memory":"64Mi"}}}]}}""";
}
