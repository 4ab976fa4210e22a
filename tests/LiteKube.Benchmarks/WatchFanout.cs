using System.Diagnostics;
using System.Text;

namespace LiteKube.Benchmarks;

/// <summary>50 watchers on a namespace while 4 clients make 500 writes; counted until every watcher has every event.</summary>
/// <param name="share">As for <see cref="ApiLoad"/>.</param>
internal sealed class WatchFanout(KubeEndpoint endpoint, bool share)
{
    private const int Watchers = 50;
    private const int Writers = 4;
    private const int Writes = 500;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Events a second over all watchers.</summary>
    public async Task<double> MeasureAsync(CancellationToken cancellationToken)
    {
        double rate = 0;
        await Requests.InNamespaceAsync(endpoint, "bench-watch", async ns => rate = await MeasureAsync(ns, cancellationToken), cancellationToken);
        return rate;
    }

    private async Task<double> MeasureAsync(string ns, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Limit);
        var path = $"/api/v1/namespaces/{ns}/configmaps";
        var watching = endpoint.Connect(Watchers, share);
        var writing = endpoint.Connect(Writers, share);
        try
        {
            var start = await QuietRevisionAsync(writing[0], path, limited.Token);
            var streams = await Task.WhenAll(watching.Select(async c =>
            {
                var response = await c.GetAsync($"{path}?watch=true&resourceVersion={start}", HttpCompletionOption.ResponseHeadersRead, limited.Token);
                await response.EnsureAsync(limited.Token);
                return await response.Content.ReadAsStreamAsync(limited.Token);
            }));
            await Task.WhenAll(writing.Select(c => c.SendAsync(HttpMethod.Get, path, null, "", limited.Token)));

            var watch = Stopwatch.StartNew();
            var reading = streams.Select(s => CountAsync(s, Writes, limited.Token)).ToArray();
            await Task.WhenAll(writing.Select(async (client, writer) =>
            {
                for (var i = writer; i < Writes; i += Writers)
                    await client.PostAsync(path, Body(i), limited.Token);
            }));
            await Task.WhenAll(reading);
            return Watchers * Writes / watch.Elapsed.TotalSeconds;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"not within {Limit}: {Writes} events at each of {Watchers} watchers");
        }
        finally
        {
            foreach (var client in watching.Concat(writing))
                client.Dispose();
        }
    }

    private static string Body(int i) =>
        $$$$$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"object-{{{{{{i}}}}}}","labels":{"app":"bench"}},"data":{"text":"{{{{{{new string('x', 500)}}}}}}"}}""";

    /// <summary>The revision once the namespace has its own ConfigMap: from then on only the writers' events come.</summary>
    private static async Task<string> QuietRevisionAsync(HttpClient client, string path, CancellationToken cancellationToken)
    {
        using var objects = await Watcher.OpenAsync(client, path, cancellationToken);
        var revision = "";
        await objects.UntilAsync("the namespace's kube-root-ca.crt", (_, value) =>
        {
            var metadata = value.GetProperty("metadata");
            revision = metadata.GetProperty("resourceVersion").GetString()!;
            return metadata.GetProperty("name").ValueEquals("kube-root-ca.crt");
        }, Limit, cancellationToken);
        return revision;
    }

    private static async Task CountAsync(Stream stream, int count, CancellationToken cancellationToken)
    {
        var buffer = new byte[65536];
        while (count > 0)
        {
            var read = await stream.ReadAsync(buffer, cancellationToken);
            if (read == 0)
                throw new InvalidOperationException($"a watch ended {count} events early");
            count -= buffer.AsSpan(0, read).Count((byte)'\n');
        }
    }
}
