using System.Text.Json;
using LiteKube.Client;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.GarbageCollection;

/// <summary>Keeps one resource's part of the graph by list and watch: an expired version is listed anew, a dropped watch taken up where it was.</summary>
internal sealed class ResourceMonitor(DiscoveredResource resource, IKubeTransport transport, OwnerGraph graph, Action<DiscoveredResource> onChange, Random spread, ILogger logger, TimeProvider timeProvider) : IAsyncDisposable
{
    private const int PageSize = 500;
    private static readonly TimeSpan MinBackoff = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan HealthyAfter = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _settled = new();
    private Task _running = Task.CompletedTask;

    public DiscoveredResource Resource { get; } = resource;

    /// <summary>Completes with the first list, or with its failure: one API whose server is down must not stop collection of the others.</summary>
    public Task Settled => _settled.Task;

    public void Start() => _running = RunAsync(_stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        var (version, wait) = ("", MinBackoff);
        while (!cancellationToken.IsCancellationRequested)
        {
            var started = timeProvider.GetTimestamp();
            var progress = new Progress { Version = version };
            try
            {
                if (progress.Version.Length == 0)
                    progress.Version = await ListAsync(cancellationToken);
                _settled.TrySetResult();
                await WatchAsync(progress, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (KubeApiException e) when (e.IsGone)
            {
                progress.Version = "";
            }
            // The loop outlives whatever a network or a server does; the next list or watch tells whether it is over.
            catch (Exception e)
            {
                GarbageCollectionLog.MonitorFailed(logger, Resource.GroupResource, wait, e);
            }
            _settled.TrySetResult();
            version = progress.Version;
            wait = timeProvider.GetElapsedTime(started) > HealthyAfter ? MinBackoff : wait;
            try
            {
                await Task.Delay(wait * (1 + spread.NextDouble()), timeProvider, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            wait = wait * 2 < MaxBackoff ? wait * 2 : MaxBackoff;
        }
        _settled.TrySetResult();
    }

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        var items = new List<ObjectMetadata>();
        var next = "";
        while (true)
        {
            var body = await transport.GetAsync($"{Resource.Path("")}?limit={PageSize}{(next.Length > 0 ? "&continue=" + Uri.EscapeDataString(next) : "")}", cancellationToken);
            var page = MetadataReader.ReadList(body.Span);
            items.AddRange(page.Items);
            next = page.Continue;
            if (next.Length > 0)
                continue;
            graph.Replace(Resource, items);
            onChange(Resource);
            return page.ResourceVersion;
        }
    }

    private async Task WatchAsync(Progress progress, CancellationToken cancellationToken)
    {
        // Spread, so that the watches of one program do not all end at once.
        var timeoutSeconds = spread.Next(300, 600);
        var path = $"{Resource.Path("")}?watch=true&allowWatchBookmarks=true&resourceVersion={Uri.EscapeDataString(progress.Version)}&timeoutSeconds={timeoutSeconds}";
        await foreach (var line in transport.WatchAsync(new KubeRequest("GET", path), cancellationToken))
        {
            var change = MetadataReader.ReadEvent(line.Span);
            if (change.Object.ResourceVersion.Length > 0)
                progress.Version = change.Object.ResourceVersion;
            switch (change.Type)
            {
                case "ADDED" or "MODIFIED":
                    graph.Put(Resource, change.Object);
                    break;
                case "DELETED":
                    graph.Remove(change.Object.Uid);
                    break;
                case "BOOKMARK":
                    continue;
                default:
                    throw new JsonException($"unknown watch event type \"{change.Type}\"");
            }
            onChange(Resource);
        }
    }

    private sealed class Progress
    {
        /// <summary>Empty: list first.</summary>
        public required string Version { get; set; }
    }
}
