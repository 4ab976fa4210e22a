using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using k8s.Models;
using LiteKube.Kubelet.Probes;
using LiteKube.Kubelet.Runtime;
using LiteKube.Kubelet.Status;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>
/// Brings one pod to what its spec asks for, and takes it apart when it is to go. It knows no commands: whatever
/// happens only wakes it, and it looks at the newest pod and the newest state of the runtime.
/// </summary>
internal sealed partial class PodWorker
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private readonly PodServices _services;
    private readonly INodeAdmission _admission;
    private readonly ContainerStarter _starter;
    private readonly ContainerKiller _killer;
    private readonly Action<string, bool> _index;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ITimer _timer;
    private readonly ConcurrentQueue<RuntimeEvent> _events = new();
    private readonly ConcurrentDictionary<string, ProbeFailure> _failedProbes = new(StringComparer.Ordinal);
    private readonly Lock _publishing = new();
    private readonly Lock _updating = new();

    private volatile V1Pod? _pod;
    private volatile PodSnapshot _runtime;
    private volatile ImmutableDictionary<string, WaitingReason> _waiting = ImmutableDictionary<string, WaitingReason>.Empty;
    private volatile PodEnd? _end;
    private volatile bool _isGone;
    private volatile bool _isTerminated;
    private CancellationTokenSource? _syncing;
    private TaskCompletionSource<TimeSpan>? _graceShortened;
    private bool _isRecovered;
    private bool _isAdmitted;
    private bool _isCleanedUp;
    private int _failures;
    private DateTimeOffset? _startedAt;

    /// <param name="pod">Null for one that only the runtime has: it is taken apart.</param>
    /// <param name="index">Told which container and sandbox ids are this pod's (true) and no longer (false).</param>
    public PodWorker(PodServices services, INodeAdmission admission, PodIdentity identity, V1Pod? pod, PodSnapshot runtime, Action<string, bool> index)
    {
        _services = services;
        _admission = admission;
        _starter = new ContainerStarter(services);
        _killer = new ContainerKiller(services);
        _index = index;
        Identity = identity;
        _pod = pod;
        _isGone = pod is null;
        _runtime = runtime;
        _timer = services.TimeProvider.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (var id in runtime.Sandboxes.Select(s => s.Id).Concat(runtime.Containers.Select(c => c.Id)))
            index(id, true);
        Wake();
    }

    public PodIdentity Identity { get; }
    public V1Pod? Pod => _pod;
    public PodSnapshot Runtime => _runtime;

    /// <summary>The status as last computed; null before the first.</summary>
    public V1PodStatus? Status { get; private set; }

    /// <summary>It takes up the node's resources: admitted, and not all of its containers have ended for good.</summary>
    public bool IsActive => _pod is { } pod && _isAdmitted && !_isTerminated && !PodSpecs.IsFinished(Status?.Phase ?? pod.Status?.Phase);

    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>A newer version of the pod; wakes the worker when more than its status differs.</summary>
    public void Update(V1Pod pod)
    {
        bool isNews;
        lock (_updating)
        {
            var before = _pod;
            isNews = before is null || HasChanged(before.Metadata, pod.Metadata);
            _pod = pod;
            if (PodSpecs.IsTerminating(pod))
            {
                _syncing?.Cancel();
                if (before is not null && PodSpecs.IsTerminating(before) && PodSpecs.GracePeriodOf(pod) < PodSpecs.GracePeriodOf(before))
                    Shorten(PodSpecs.GracePeriodOf(pod));
            }
        }
        if (isNews)
            Wake();
    }

    /// <summary>It is no longer in the API: force-deleted, or this worker's own final delete.</summary>
    public void Gone()
    {
        lock (_updating)
        {
            _isGone = true;
            _syncing?.Cancel();
            Shorten(TimeSpan.FromSeconds(1));
        }
        Wake();
    }

    public void RuntimeEvent(RuntimeEvent runtimeEvent)
    {
        _events.Enqueue(runtimeEvent);
        Wake();
    }

    public void ProbeFailed(ProbeFailure failure)
    {
        _failedProbes[failure.ContainerId] = failure;
        Wake();
    }

    /// <summary>Works until the pod is gone from runtime and API, or is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (!(_isCleanedUp && _isGone))
            {
                await _wake.Reader.ReadAsync(cancellationToken);
                var again = await StepSafelyAsync(cancellationToken);
                _timer.Change(again ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            WorkerLog.Gone(_services.Logger, Identity.ToString());
        }
        finally
        {
            await _timer.DisposeAsync();
        }
    }

    /// <summary>Computes the status and hands it to the writer. From any thread.</summary>
    public void PublishStatus()
    {
        lock (_publishing)
        {
            if (_pod is not { } pod || _isGone)
                return;
            var status = PodStatusBuilder.Build(new PodStatusInputs
            {
                Pod = pod,
                Previous = _services.StatusWriter.Latest(pod),
                Runtime = _runtime,
                Waiting = _waiting,
                End = _end,
                IsTerminated = _isTerminated,
                HostIps = _services.HostIps,
                StartedAt = _startedAt,
                Now = _services.TimeProvider.GetUtcNow(),
                IsStarted = c => _services.Prober.IsStarted(Identity.Uid, c.Name, c.Id),
                IsReady = c => _services.Prober.IsReady(Identity.Uid, c.Name, c.Id),
                MessageOf = c => _services.Files.TerminationMessageOf(pod, c),
            });
            Status = status;
            _services.StatusWriter.Write(pod, status);
        }
    }

    private async Task<TimeSpan?> StepSafelyAsync(CancellationToken cancellationToken)
    {
        try
        {
            var again = await StepAsync(cancellationToken);
            _failures = 0;
            return again;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            WorkerLog.Interrupted(_services.Logger, Identity.ToString());
            return TimeSpan.Zero;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever failed, the pod stays this worker's: it is tried again, ever more slowly.
            var delay = TimeSpan.FromSeconds(Math.Min(LongestRetry.TotalSeconds, 0.5 * Math.Pow(2, Math.Min(_failures++, 10))));
            WorkerLog.SyncFailed(_services.Logger, Identity.ToString(), delay, exception);
            return delay;
        }
    }

    /// <returns>When to look again if nothing wakes it before; null to wait for that.</returns>
    private async Task<TimeSpan?> StepAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        if (_isTerminated || IsToEnd())
            return await TerminateAsync(cancellationToken);

        CancellationTokenSource syncing;
        lock (_updating)
        {
            // Checked under the lock that Update takes: a deletion that came meanwhile must not wait for a pull.
            if (IsToEnd())
                return TimeSpan.Zero;
            syncing = _syncing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        }
        try
        {
            return await SyncAsync(_pod!, syncing.Token);
        }
        finally
        {
            lock (_updating)
                _syncing = null;
            syncing.Dispose();
        }
    }

    private bool IsToEnd() => _isGone || _end is not null || (_pod is { } pod && (PodSpecs.IsTerminating(pod) || PodSpecs.IsFinished(pod.Status?.Phase)));

    /// <summary>Of the spec, by its generation, or of what a downward volume shows.</summary>
    private static bool HasChanged(V1ObjectMeta before, V1ObjectMeta after) =>
        before.Generation != after.Generation || before.DeletionTimestamp != after.DeletionTimestamp || before.DeletionGracePeriodSeconds != after.DeletionGracePeriodSeconds
        || !AreEqual(before.Labels, after.Labels) || !AreEqual(before.Annotations, after.Annotations);

    private static bool AreEqual(IDictionary<string, string>? a, IDictionary<string, string>? b) =>
        (a?.Count ?? 0) == (b?.Count ?? 0) && (a is null || a.All(pair => b!.TryGetValue(pair.Key, out var value) && value == pair.Value));

    private void Shorten(TimeSpan grace) => _graceShortened?.TrySetResult(grace);

    private string PodIp(V1Pod pod) => (PodSpecs.IsHostNetwork(pod) ? _services.HostIps : _runtime.NewestSandbox?.Ips ?? []).FirstOrDefault() ?? "";
}

internal sealed record PodIdentity(string Namespace, string Name, string Uid)
{
    public static PodIdentity Of(V1Pod pod) => new(pod.Metadata.NamespaceProperty, pod.Metadata.Name, pod.Metadata.Uid);
    public override string ToString() => $"{Name}_{Namespace}({Uid})";
}

/// <summary>Why a container waits, as its status says.</summary>
internal sealed record WaitingReason(string Reason, string Message);

/// <summary>The node ended the pod: what its status says then.</summary>
internal sealed record PodEnd(string Reason, string Message);
