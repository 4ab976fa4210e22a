using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Testing;

/// <summary>What a scripted container does.</summary>
/// <param name="ExitAtOnce">Exit code of one that ends as it starts; null runs until it is stopped or <see cref="ScriptedRuntime.Exit"/>.</param>
/// <param name="IgnoresStop">It ends only when its grace period is over.</param>
public sealed record ContainerScript(int? ExitAtOnce = null, bool IgnoresStop = false);

/// <summary>
/// A container runtime in memory behind the interface that the kubelet knows: sandboxes and containers change state
/// at once, events come as they happen, calls are noted, and faults are thrown where a test asks for them.
/// </summary>
public sealed partial class ScriptedRuntime(TimeProvider timeProvider) : IRuntime
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, PodSandboxStatus> _sandboxes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ScriptedContainer> _containers = new(StringComparer.Ordinal);
    private readonly List<Channel<RuntimeEvent>> _watchers = [];
    private int _lastId;

    private sealed class ScriptedContainer(ContainerStatus status, string sandboxId, ContainerScript script)
    {
        public ContainerStatus Status { get; } = status;
        public string SandboxId { get; } = sandboxId;
        public ContainerScript Script { get; } = script;
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>By container name; a name that is not here runs until it is stopped.</summary>
    public ConcurrentDictionary<string, ContainerScript> Scripts { get; } = new(StringComparer.Ordinal);

    /// <summary>Where exec, attach and port-forward send their callers; null means that none is scripted.</summary>
    public Uri? StreamingUrl { get; set; }

    /// <summary>What was asked of exec, attach and port-forward, as CRI requests.</summary>
    public ConcurrentQueue<object> StreamRequests { get; } = new();

    /// <summary>Images that are present, by the names that pods use.</summary>
    public ConcurrentDictionary<string, Image> Images { get; } = new(StringComparer.Ordinal);

    /// <summary>What a pull brings; it throws for a registry that refuses.</summary>
    public Func<string, Image> Pull { get; set; } = name => throw new RuntimeException(RuntimeError.NotFound, $"failed to resolve reference \"{name}\": not found");

    /// <summary>Asked before each call ("StartContainer main"); an exception that it gives is thrown.</summary>
    public Func<string, Exception?> Fault { get; set; } = _ => null;

    /// <summary>Every call that changes something, in order, with the time it came: "RunPodSandbox a", "StopContainer main".</summary>
    public ConcurrentQueue<(string Call, DateTimeOffset At)> Calls { get; } = new();

    public IEnumerable<string> CallNames => Calls.Select(c => c.Call);

    /// <summary>The container that runs under this name, by id; null when none does.</summary>
    public string? RunningContainer(string name)
    {
        lock (_lock)
            return _containers.Values.FirstOrDefault(c => c.Status.Metadata.Name == name && c.Status.State == ContainerState.ContainerRunning)?.Status.Id;
    }

    /// <summary>The container's process ends by itself.</summary>
    public void Exit(string containerId, int exitCode, string reason = "")
    {
        lock (_lock)
            End(_containers[containerId], exitCode, reason.Length > 0 ? reason : exitCode == 0 ? "Completed" : "Error");
    }

    /// <summary>The runtime goes away for its watchers, as when it restarts; it keeps what it has.</summary>
    public void Disconnect()
    {
        lock (_lock)
        {
            foreach (var watcher in _watchers)
                watcher.Writer.TryComplete(new RuntimeException(RuntimeError.Unavailable, "the runtime was restarted"));
            _watchers.Clear();
        }
    }

    /// <summary>As after a reboot: nothing runs, everything is still on the books, and nobody is told.</summary>
    public void Reboot()
    {
        lock (_lock)
        {
            foreach (var sandbox in _sandboxes.Values)
                sandbox.State = PodSandboxState.SandboxNotready;
            foreach (var container in _containers.Values.Where(c => c.Status.State == ContainerState.ContainerRunning))
            {
                container.Status.State = ContainerState.ContainerExited;
                container.Status.ExitCode = 255;
                container.Status.Reason = "Unknown";
                container.Status.FinishedAt = Now();
            }
        }
    }

    public async IAsyncEnumerable<RuntimeEvent> WatchEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<RuntimeEvent>();
        lock (_lock)
        {
            channel.Writer.TryWrite(new RuntimeEvent(RuntimeEventType.Connected, ""));
            _watchers.Add(channel);
        }
        await foreach (var runtimeEvent in channel.Reader.ReadAllAsync(cancellationToken))
            yield return runtimeEvent;
    }

    private void End(ScriptedContainer container, int exitCode, string reason)
    {
        if (container.Status.State == ContainerState.ContainerExited)
            return;
        container.Status.State = ContainerState.ContainerExited;
        container.Status.ExitCode = exitCode;
        container.Status.Reason = reason;
        container.Status.FinishedAt = Now();
        container.Ended.TrySetResult();
        Tell(new RuntimeEvent(RuntimeEventType.Exited, container.Status.Id, exitCode));
    }

    private void Tell(RuntimeEvent runtimeEvent)
    {
        foreach (var watcher in _watchers)
            watcher.Writer.TryWrite(runtimeEvent);
    }

    private void Note(string call)
    {
        Calls.Enqueue((call, timeProvider.GetUtcNow()));
        if (Fault(call) is { } fault)
            throw fault;
    }

    private long Now() => (timeProvider.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    private string NewId(string kind) => $"{kind}{Interlocked.Increment(ref _lastId)}";

    private static RuntimeException NotFound(string id) => new(RuntimeError.NotFound, $"an error occurred when try to find \"{id}\": not found");
}
