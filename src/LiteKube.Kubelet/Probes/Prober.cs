using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.Probes;

/// <summary>The probes of all containers on the node; each is one timer.</summary>
public sealed class Prober : IProber, IDisposable
{
    private readonly record struct ProbedKey(string PodUid, string ContainerName);

    private readonly ConcurrentDictionary<ProbedKey, ProbedContainer> _containers = new();
    private readonly IProbeRunner _runner;
    private readonly IEventRecorder _events;
    private readonly TimeProvider _time;

    public Prober(IRuntime runtime, IEventRecorder events, TimeProvider time)
        : this(new ProbeRunner(runtime, time), events, time)
    {
    }

    internal Prober(IProbeRunner runner, IEventRecorder events, TimeProvider time)
    {
        _runner = runner;
        _events = events;
        _time = time;
    }

    public event Action<string>? PodChanged;

    public event Action<ProbeFailure>? ContainerFailed;

    public void ContainerStarted(V1Pod pod, V1Container container, string containerId, string podIp, DateTimeOffset startedAt, bool wasStarted, bool wasReady)
    {
        var key = new ProbedKey(pod.Metadata.Uid, container.Name);
        while (true)
        {
            if (_containers.TryGetValue(key, out var present))
            {
                if (present.ContainerId == containerId)
                    return;
                if (_containers.TryRemove(new(key, present)))
                    present.Dispose();
                continue;
            }
            var fresh = new ProbedContainer(this, pod, container, containerId, podIp, startedAt, wasStarted, wasReady);
            if (_containers.TryAdd(key, fresh))
            {
                fresh.Begin();
                return;
            }
        }
    }

    public void ContainerStopped(string podUid, string containerName, string containerId)
    {
        var key = new ProbedKey(podUid, containerName);
        if (_containers.TryGetValue(key, out var present) && present.ContainerId == containerId && _containers.TryRemove(new(key, present)))
            present.Dispose();
    }

    public void PodTerminating(string podUid)
    {
        foreach (var (key, container) in _containers)
        {
            if (key.PodUid == podUid)
                container.KeepReadinessOnly();
        }
    }

    public void PodGone(string podUid)
    {
        foreach (var (key, container) in _containers)
        {
            if (key.PodUid == podUid && _containers.TryRemove(new(key, container)))
                container.Dispose();
        }
    }

    public bool IsStarted(string podUid, string containerName, string containerId) => Find(podUid, containerName, containerId) is { IsStarted: true };

    public bool IsReady(string podUid, string containerName, string containerId) => Find(podUid, containerName, containerId) is { IsReady: true };

    public void Dispose()
    {
        foreach (var container in _containers.Values)
            container.Dispose();
        _containers.Clear();
        (_runner as IDisposable)?.Dispose();
    }

    private ProbedContainer? Find(string podUid, string containerName, string containerId) =>
        _containers.TryGetValue(new ProbedKey(podUid, containerName), out var present) && present.ContainerId == containerId ? present : null;

    /// <summary>One running container. The lock guards the workers; the two flags may be read at any time.</summary>
    private sealed class ProbedContainer(Prober owner, V1Pod pod, V1Container container, string containerId, string podIp, DateTimeOffset startedAt, bool wasStarted, bool wasReady) : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly List<ProbeWorker> _workers = [];
        private readonly bool _isOld = owner._time.GetUtcNow() - startedAt > TimeSpan.FromSeconds(10);
        private bool _isTerminating;
        private bool _isDisposed;
        private volatile bool _isStarted = container.StartupProbe is null || wasStarted;
        private volatile bool _isProbedReady = wasReady && container.ReadinessProbe is not null;

        public string ContainerId => containerId;
        public bool IsStarted => _isStarted;
        public bool IsReady => _isStarted && !_isDisposed && (container.ReadinessProbe is null || _isProbedReady);

        public void Begin()
        {
            lock (_lock)
            {
                if (_isStarted)
                    BeginMain();
                else
                    Add(ProbeKind.Startup, container.StartupProbe);
            }
        }

        public void KeepReadinessOnly()
        {
            lock (_lock)
            {
                _isTerminating = true;
                StopAll(w => w.Kind != ProbeKind.Readiness);
            }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _isDisposed = true;
                StopAll(_ => true);
            }
        }

        private void BeginMain()
        {
            Add(ProbeKind.Readiness, container.ReadinessProbe);
            Add(ProbeKind.Liveness, container.LivenessProbe);
        }

        private void Add(ProbeKind kind, V1Probe? probe)
        {
            if (probe is null || _isDisposed || (_isTerminating && kind != ProbeKind.Readiness))
                return;
            var delay = TimeSpan.FromSeconds(probe.InitialDelaySeconds ?? 0) - (owner._time.GetUtcNow() - startedAt);
            // After a restart of the node's program all containers are probed again: spread over their period.
            if (_isOld && wasStarted && delay <= TimeSpan.Zero)
                delay = ProbeWorker.Period(probe) * Random.Shared.NextDouble();
            var worker = new ProbeWorker(kind, new ProbeTarget(container, containerId, podIp, probe), owner._runner, owner._time, Observed, Settled);
            _workers.Add(worker);
            worker.Begin(delay);
        }

        private void StopAll(Predicate<ProbeWorker> which)
        {
            foreach (var worker in _workers.FindAll(which))
                worker.Dispose();
            _workers.RemoveAll(which);
        }

        private void Observed(ProbeWorker worker, ProbeOutcome outcome)
        {
            var (reason, message) = outcome.Result switch
            {
                ProbeResult.Failure => ("Unhealthy", $"{worker.Kind} probe failed: {outcome.Output}"),
                ProbeResult.Unknown => ("Unhealthy", $"{worker.Kind} probe errored and resulted in unknown state: {outcome.Output}"),
                ProbeResult.Warning => ("ProbeWarning", $"{worker.Kind} probe warning: {outcome.Output}"),
                _ => ("", ""),
            };
            if (reason.Length > 0)
                owner._events.Record(IEventRecorder.Reference(pod, FieldPath()), EventTypes.Warning, reason, message);
        }

        private void Settled(ProbeWorker worker, bool isHealthy)
        {
            var hasChanged = false;
            var hasFailed = false;
            lock (_lock)
            {
                if (!_workers.Contains(worker))
                    return;
                switch (worker.Kind)
                {
                    case ProbeKind.Readiness:
                        hasChanged = _isProbedReady != isHealthy;
                        _isProbedReady = isHealthy;
                        break;
                    case ProbeKind.Startup when isHealthy:
                        StopAll(w => w.Kind == ProbeKind.Startup);
                        hasChanged = _isStarted = true;
                        BeginMain();
                        break;
                    default:
                        hasFailed = !isHealthy;
                        // Until a new container comes in its place; probing one that is being killed says nothing.
                        if (hasFailed)
                            StopAll(w => w.Kind == worker.Kind);
                        break;
                }
            }
            if (hasChanged)
                owner.PodChanged?.Invoke(pod.Metadata.Uid);
            if (hasFailed)
                owner.ContainerFailed?.Invoke(new ProbeFailure(pod.Metadata.Uid, container.Name, containerId, worker.Kind.ToString(), worker.Probe.TerminationGracePeriodSeconds));
        }

        private string FieldPath() => pod.Spec.InitContainers?.Contains(container) == true ? $"spec.initContainers{{{container.Name}}}" : $"spec.containers{{{container.Name}}}";
    }
}
