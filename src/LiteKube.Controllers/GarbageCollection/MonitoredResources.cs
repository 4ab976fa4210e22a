using System.Collections.Frozen;
using System.Text.Json;
using System.Threading.Channels;
using LiteKube.Client;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Metrics;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.GarbageCollection;

/// <summary>
/// The resources that can be collected, each with its monitor. Custom resources come and go while the program runs:
/// changes of their definitions, and kinds that nobody knows yet, lead to a new discovery.
/// </summary>
internal sealed class MonitoredResources(IKubeTransport transport, OwnerGraph graph, Action onChange, Random spread, ILogger logger, TimeProvider timeProvider, ControllerMetrics? metrics = null) : IAsyncDisposable
{
    private static readonly string[] Ignored = ["events", "events.events.k8s.io"];
    private static readonly string[] Definitions = ["customresourcedefinitions.apiextensions.k8s.io", "apiservices.apiregistration.k8s.io"];
    /// <summary>Changes of definitions come in threes (created, names accepted, established); one discovery serves them all.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);
    /// <summary>A definition may be established a moment before its resource is served.</summary>
    private static readonly TimeSpan FollowUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);
    /// <summary>For aggregated APIs, whose servers change what they serve without telling anyone.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly Channel<bool> _requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, ResourceMonitor> _monitors = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _started = new();
    private volatile FrozenDictionary<(string Group, string Kind), DiscoveredResource> _kinds = FrozenDictionary<(string, string), DiscoveredResource>.Empty;
    private volatile Task _settled = Task.CompletedTask;
    private Task _running = Task.CompletedTask;

    public void Start() => _running = RunAsync(_stop.Token);

    /// <summary>Every monitor has listed its resource once, or failed to.</summary>
    public async Task WaitForSyncAsync(CancellationToken cancellationToken)
    {
        if (_started.Task.IsCompletedSuccessfully && _settled.IsCompletedSuccessfully)
            return;
        await _started.Task.WaitAsync(cancellationToken);
        await _settled.WaitAsync(cancellationToken);
        // Off the loop that has just settled: it goes on at once.
        await Task.Yield();
    }

    /// <returns>Null for a kind that is not served as far as is known; it is looked for then.</returns>
    public DiscoveredResource? FindKind(string group, string kind)
    {
        if (_kinds.TryGetValue((group, kind), out var resource))
            return resource;
        _requests.Writer.TryWrite(true);
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        ResourceMonitor[] monitors;
        lock (_monitors)
            monitors = [.. _monitors.Values];
        foreach (var monitor in monitors)
            await monitor.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            for (var wasAsked = false; ;)
            {
                var isWhole = await RefreshAsync(cancellationToken);
                wasAsked = await WaitForRequestAsync(!isWhole ? RetryAfter : wasAsked ? FollowUp : Longest, cancellationToken);
                await Task.Delay(Quiet, timeProvider, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _started.TrySetCanceled(cancellationToken);
        }
    }

    private async Task<bool> WaitForRequestAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(longest, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await _requests.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Nobody asked; it is time all the same.
            return false;
        }
    }

    private async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        DiscoveryResult discovery;
        try
        {
            discovery = await ApiDiscovery.ReadAsync(transport, cancellationToken);
        }
        catch (Exception e) when (e is KubeApiException or JsonException or IOException or HttpRequestException)
        {
            GarbageCollectionLog.DiscoveryFailed(logger, e);
            metrics?.GarbageCollectorSyncErrors.Add();
            return false;
        }
        if (discovery.FailedGroupVersions.Count > 0)
            metrics?.GarbageCollectorSyncErrors.Add();
        await ApplyAsync(discovery);
        _started.TrySetResult();
        return discovery.FailedGroupVersions.Count == 0;
    }

    private async Task ApplyAsync(DiscoveryResult discovery)
    {
        bool IsUnreadable(DiscoveredResource r) => discovery.FailedGroupVersions.Keys.Any(v => v == r.ApiVersion || r.Group.Length > 0 && v.StartsWith(r.Group + "/", StringComparison.Ordinal));
        var known = discovery.Resources.Concat(_kinds.Values.Where(IsUnreadable)).DistinctBy(r => (r.Group, r.Kind)).ToFrozenDictionary(r => (r.Group, r.Kind));
        var wanted = discovery.Resources.Where(r => r.Supports("list") && r.Supports("watch") && r.Supports("delete") && !Ignored.Contains(r.GroupResource)).ToDictionary(r => r.GroupResource, StringComparer.Ordinal);
        var (added, removed) = (new List<ResourceMonitor>(), new List<ResourceMonitor>());
        lock (_monitors)
        {
            foreach (var (name, monitor) in _monitors.ToList())
            {
                // Another version or scope is another resource; one that cannot be seen right now is kept.
                if (wanted.TryGetValue(name, out var resource) ? resource.Path("-") == monitor.Resource.Path("-") && resource.Kind == monitor.Resource.Kind : IsUnreadable(monitor.Resource))
                    continue;
                _monitors.Remove(name);
                removed.Add(monitor);
            }
            foreach (var (name, resource) in wanted)
            {
                if (_monitors.ContainsKey(name))
                    continue;
                var monitor = new ResourceMonitor(resource, transport, graph, OnObjectChange, spread, logger, timeProvider);
                _monitors.Add(name, monitor);
                added.Add(monitor);
            }
            _settled = Task.WhenAll(_monitors.Values.Select(m => m.Settled));
        }
        var isChanged = added.Count + removed.Count > 0 || known.Count != _kinds.Count;
        _kinds = known;
        foreach (var monitor in removed)
        {
            await monitor.DisposeAsync();
            graph.Forget(monitor.Resource);
        }
        foreach (var monitor in added)
            monitor.Start();
        if (!isChanged)
            return;
        GarbageCollectionLog.Watching(logger, wanted.Count);
        onChange();
    }

    private void OnObjectChange(DiscoveredResource resource)
    {
        if (Definitions.Contains(resource.GroupResource))
            _requests.Writer.TryWrite(true);
    }
}
