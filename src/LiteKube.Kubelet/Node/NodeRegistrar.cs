using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Json;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Node;

/// <summary>
/// Keeps this machine's Node in the API: registers it, writes its status when it changes and every 5 minutes, and
/// renews its lease every 10 s (https://kubernetes.io/docs/concepts/architecture/nodes/#node-heartbeats).
/// </summary>
internal sealed class NodeRegistrar(KubeletOptions options, IKubeClient client, IRuntime runtime, IInformer<V1Node> nodes, IEventRecorder events, Func<string?> notReadyReason, Func<int> kubeletPort, TimeProvider timeProvider, ILogger<NodeRegistrar> logger)
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ImagesInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);
    private const int MostImages = 50;
    private const int MostNamesOfImage = 5;

    private readonly NodeStatusBuilder _builder = new(options, MachineInfo.Read());
    private readonly NodeLease _lease = new(options.NodeName, client, timeProvider);
    private readonly SemaphoreSlim _wake = new(0);
    private List<V1ContainerImage> _images = [];
    private DateTimeOffset _imagesReadAt;
    private DateTimeOffset _reportedAt;
    private string _runtimeVersion = "containerd://unknown";
    private volatile V1Node? _node;

    /// <summary>As last written; null before the registration.</summary>
    public V1Node? Node => _node;

    /// <summary>Something that the status tells has changed: look now.</summary>
    public void Wake() => _wake.Release();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var interval = TimeSpan.Zero;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (interval > TimeSpan.Zero)
                    await WaitAsync(interval, cancellationToken);
                await ReportAsync(cancellationToken);
                await _lease.RenewAsync(_node!, cancellationToken);
                interval = CheckInterval;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // The API server may be starting, or away: pods go on meanwhile.
                NodeLog.NotReported(logger, options.NodeName, exception.Message);
                interval = RetryInterval;
            }
        }
    }

    private async Task WaitAsync(TimeSpan interval, CancellationToken cancellationToken)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var timer = Task.Delay(interval, timeProvider, bound.Token);
        var woken = _wake.WaitAsync(bound.Token);
        await Task.WhenAny(timer, woken);
        await bound.CancelAsync();
        while (_wake.Wait(0, CancellationToken.None))
            continue;
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        var now = timeProvider.GetUtcNow();
        var current = Newest() ?? await RegisterAsync(cancellationToken);
        var reading = await ReadAsync(now, cancellationToken);
        var status = _builder.Build(current.Status, reading, now);
        if (now - _reportedAt < ReportInterval && !Differs(current.Status, status))
        {
            _node = current;
            return;
        }
        try
        {
            var written = await client.PatchAsync<V1Node>(null, options.NodeName, Patch(current.Status, status), "status", cancellationToken);
            TellChange(current, status);
            _node = written;
            _reportedAt = now;
        }
        catch (KubeApiException exception) when (exception.IsNotFound)
        {
            // Deleted by hand: it registers again.
            _node = null;
            throw;
        }
    }

    /// <summary>Others write to the node too: extended resources, labels, taints.</summary>
    private V1Node? Newest()
    {
        if (_node is not { } own || nodes.Find(new ObjectKey("", options.NodeName)) is not { } seen || seen.Metadata.Uid != own.Metadata.Uid)
            return _node;
        return VersionOf(seen) > VersionOf(own) ? seen : own;
    }

    private static ulong VersionOf(V1Node node) => ulong.TryParse(node.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    private async Task<V1Node> RegisterAsync(CancellationToken cancellationToken)
    {
        try
        {
            var existing = await client.GetAsync<V1Node>(null, options.NodeName, cancellationToken);
            var missing = _builder.Labels().Where(l => existing.Metadata.Labels is null || !existing.Metadata.Labels.TryGetValue(l.Key, out var value) || value != l.Value).ToList();
            if (missing.Count == 0)
                return existing;
            var labels = new JsonObject(missing.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = labels } };
            return await client.PatchAsync<V1Node>(null, options.NodeName, KubePatch.Merge(Encoding.UTF8.GetBytes(patch.ToJsonString())), null, cancellationToken);
        }
        catch (KubeApiException exception) when (exception.IsNotFound)
        {
            var created = await client.CreateAsync(_builder.NewNode(), cancellationToken);
            NodeLog.Registered(logger, options.NodeName);
            events.Record(Reference(), EventTypes.Normal, "Starting", "Starting kubelet.");
            return created;
        }
    }

    private async Task<NodeReading> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var problem = notReadyReason();
        if (problem is null)
        {
            try
            {
                var version = await runtime.VersionAsync(cancellationToken);
                _runtimeVersion = $"{version.RuntimeName}://{version.RuntimeVersion}";
                if (now - _imagesReadAt > ImagesInterval)
                {
                    _images = await ReadImagesAsync(cancellationToken);
                    _imagesReadAt = now;
                }
            }
            catch (RuntimeException exception)
            {
                // Whether it is down for long enough to matter is the health check's to say.
                NodeLog.RuntimeSilent(logger, exception.Message);
            }
        }
        var disk = new DriveInfo(options.DataDir);
        return new NodeReading(problem, _runtimeVersion, kubeletPort(), disk.TotalSize, disk.AvailableFreeSpace, MachineInfo.MemoryKilobytes("MemAvailable") * 1024, FreePids(), _images);
    }

    private async Task<List<V1ContainerImage>> ReadImagesAsync(CancellationToken cancellationToken)
    {
        var images = await runtime.ListImagesAsync(cancellationToken);
        return [.. images.OrderByDescending(i => i.Size).Take(MostImages).Select(i => new V1ContainerImage
        {
            Names = [.. i.RepoDigests.Concat(i.RepoTags).Take(MostNamesOfImage)],
            SizeBytes = (long)i.Size,
        })];
    }

    private static long FreePids()
    {
        // "0.10 0.20 0.30 1/234 5678": running/existing threads.
        var existing = File.ReadAllText("/proc/loadavg").Split(' ')[3].Split('/')[1];
        var most = Math.Min(Number("/proc/sys/kernel/pid_max"), Number("/proc/sys/kernel/threads-max"));
        return most - long.Parse(existing, CultureInfo.InvariantCulture);
    }

    private static long Number(string path) => long.Parse(File.ReadAllText(path).Trim(), CultureInfo.InvariantCulture);

    /// <summary>Heartbeats alone are no change; the lease tells that the node lives.</summary>
    private static bool Differs(V1NodeStatus? before, V1NodeStatus after)
    {
        if (before is null)
            return true;
        var a = Comparable(before);
        var b = Comparable(after);
        foreach (var name in (string[])["capacity", "allocatable", "addresses", "conditions", "daemonEndpoints", "images", "nodeInfo"])
        {
            if (!JsonNode.DeepEquals(a[name], b[name]) && !(IsEmpty(a[name]) && IsEmpty(b[name])))
                return true;
        }
        return false;
    }

    private static bool IsEmpty(JsonNode? node) => node is null or JsonArray { Count: 0 } or JsonObject { Count: 0 };

    private static JsonObject Comparable(V1NodeStatus status)
    {
        var json = JsonNode.Parse(KubeJson.Serialize(status))!.AsObject();
        foreach (var condition in json["conditions"]?.AsArray() ?? [])
            condition!.AsObject().Remove("lastHeartbeatTime");
        return json;
    }

    private static KubePatch Patch(V1NodeStatus? before, V1NodeStatus after)
    {
        var status = JsonNode.Parse(KubeJson.Serialize(after))!.AsObject();
        // Conditions merge by type as well: those of others are not for us to repeat.
        var conditions = status["conditions"]!.AsArray();
        foreach (var foreign in conditions.Where(c => !NodeStatusBuilder.OwnConditions.Contains(c!["type"]!.GetValue<string>())).ToList())
            conditions.Remove(foreign);
        // Merged by type: addresses of a type that is no longer there must be taken out by name.
        var addresses = status["addresses"]!.AsArray();
        foreach (var old in (before?.Addresses ?? []).Select(a => a.Type).Distinct().Where(t => !after.Addresses.Any(a => a.Type == t)))
            addresses.Add((JsonNode)(new JsonObject { ["$patch"] = "delete", ["type"] = old }));
        return KubePatch.StrategicMerge(Encoding.UTF8.GetBytes(new JsonObject { ["status"] = status }.ToJsonString()));
    }

    private void TellChange(V1Node before, V1NodeStatus after)
    {
        var was = before.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready")?.Status;
        var isNow = after.Conditions.First(c => c.Type == "Ready");
        if (was == isNow.Status)
            return;
        events.Record(Reference(), EventTypes.Normal, isNow.Status == "True" ? "NodeReady" : "NodeNotReady", $"Node {options.NodeName} status is now: {(isNow.Status == "True" ? "NodeReady" : "NodeNotReady")}");
        NodeLog.ReadyChanged(logger, options.NodeName, isNow.Status, isNow.Message);
    }

    private V1ObjectReference Reference() => new() { ApiVersion = "v1", Kind = "Node", Name = options.NodeName, Uid = options.NodeName };
}

internal static partial class NodeLog
{
    [LoggerMessage(EventId = 3501, Level = LogLevel.Information, Message = "Node {Node} is registered")]
    public static partial void Registered(ILogger logger, string node);

    [LoggerMessage(EventId = 3502, Level = LogLevel.Warning, Message = "The status of node {Node} could not be reported: {Reason}")]
    public static partial void NotReported(ILogger logger, string node, string reason);

    [LoggerMessage(EventId = 3504, Level = LogLevel.Information, Message = "The container runtime does not answer: {Reason}")]
    public static partial void RuntimeSilent(ILogger logger, string reason);

    [LoggerMessage(EventId = 3503, Level = LogLevel.Information, Message = "Node {Node} Ready is now {Status}: {Reason}")]
    public static partial void ReadyChanged(ILogger logger, string node, string status, string reason);
}
