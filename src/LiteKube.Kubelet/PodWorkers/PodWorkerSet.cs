using System.Collections.Concurrent;
using System.Collections.Immutable;
using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Probes;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>One worker for each pod of this node, and for each that only the runtime still has.</summary>
internal sealed class PodWorkerSet : IPodDirectory
{
    private readonly PodServices _services;
    private readonly INodeAdmission _admission;
    private readonly CancellationToken _stopping;
    private readonly ConcurrentDictionary<string, PodWorker> _workers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _owners = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private ImmutableDictionary<string, PodSnapshot> _found = ImmutableDictionary<string, PodSnapshot>.Empty;

    public PodWorkerSet(PodServices services, Func<V1Node?> node, CancellationToken stopping)
    {
        _services = services;
        _stopping = stopping;
        _admission = new NodeAdmission(node, uid => [.. _workers.Values.Where(w => w.Identity.Uid != uid && w.IsActive).Select(w => w.Pod!)]);
        services.Prober.PodChanged += uid => Find(uid)?.Wake();
        services.Prober.ContainerFailed += failure => Find(failure.PodUid)?.ProbeFailed(failure);
        services.StatusWriter.ForeignWrite += uid => Find(uid)?.Wake();
        services.Volumes.RetryMount += uid => Find(uid)?.Wake();
    }

    public IRuntime Runtime => _services.Runtime;

    public Volumes.IVolumeHost Volumes => _services.Volumes;

    public IEnumerable<PodWorker> Workers => _workers.Values;

    /// <summary>What the runtime had when this process started; workers begin with it.</summary>
    public void Recover(IReadOnlyDictionary<string, PodSnapshot> found) => _found = found.ToImmutableDictionary();

    /// <summary>A pod of this node as the API has it now.</summary>
    public void Apply(V1Pod pod)
    {
        PodWorker? known;
        lock (_lock)
        {
            if (!_workers.TryGetValue(pod.Metadata.Uid, out known))
                Begin(PodIdentity.Of(pod), pod);
        }
        // The worker has the pod before the writer may wake it to look at it.
        known?.Update(pod);
        if (_services.StatusWriter.Observe(pod))
            known?.Wake();
    }

    public void Remove(V1Pod pod) => Find(pod.Metadata.Uid)?.Gone();

    /// <summary>
    /// Takes apart what the runtime has and the API does not. Called once the API has been listed: before that, a pod
    /// that is not known is only not known yet.
    /// </summary>
    /// <param name="isInApi">By uid: a pod that the informer has may still be on its way to a worker.</param>
    public void RemoveOrphans(IReadOnlyDictionary<string, (PodIdentity Identity, PodSnapshot Snapshot)> pods, Func<string, bool> isInApi)
    {
        foreach (var (uid, (identity, snapshot)) in pods)
        {
            if (isInApi(uid))
                continue;
            lock (_lock)
            {
                if (_workers.ContainsKey(uid))
                    continue;
                WorkerLog.Orphan(_services.Logger, identity.ToString());
                _found = _found.SetItem(uid, snapshot);
                Begin(identity, null);
            }
        }
    }

    public PodWorker? Find(string podUid) => _workers.GetValueOrDefault(podUid);

    /// <summary>The worker that a container or sandbox belongs to.</summary>
    public PodWorker? FindOwner(string containerOrSandboxId) => _owners.TryGetValue(containerOrSandboxId, out var uid) ? Find(uid) : null;

    /// <summary>Ends when every worker has stopped.</summary>
    public Task WhenStoppedAsync() => Task.WhenAll(_running.Values);

    public IReadOnlyList<V1Pod> Pods() => [.. _workers.Values.Select(WithStatus).OfType<V1Pod>()];

    public V1Pod? FindPod(string ns, string name, string? uid = null) =>
        _workers.Values.Where(w => w.Identity.Namespace == ns && w.Identity.Name == name && (string.IsNullOrEmpty(uid) || w.Identity.Uid == uid))
            // While one is being removed, its successor may already have the name.
            .OrderBy(w => w.Pod is { } pod && !PodSpecs.IsTerminating(pod) ? 0 : 1)
            .Select(WithStatus).FirstOrDefault();

    public ContainerHandle? FindContainer(string podUid, string containerName, bool previous = false)
    {
        if (Find(podUid) is not { } worker)
            return null;
        var container = previous ? worker.Runtime.Previous(containerName) : worker.Runtime.Newest(containerName);
        return container is null ? null : new ContainerHandle(container.Id, container.Name, container.RestartCount, container.LogPath, container.IsRunning,
            container.Annotations.ContainsKey(PodLabels.Tty), container.Annotations.ContainsKey(PodLabels.Stdin), container.StartedAt, container.FinishedAt);
    }

    public string? FindSandbox(string podUid) => Find(podUid)?.Runtime.NewestSandbox is { IsReady: true } sandbox ? sandbox.Id : null;

    public string PodLogDir(V1Pod pod) => _services.Files.LogDirOf(pod);

    private void Begin(PodIdentity identity, V1Pod? pod)
    {
        var worker = new PodWorker(_services, _admission, identity, pod, _found.GetValueOrDefault(identity.Uid, PodSnapshot.Empty), Index);
        _found = _found.Remove(identity.Uid);
        _workers[identity.Uid] = worker;
        _running[identity.Uid] = RunAsync(worker);

        void Index(string id, bool isOurs)
        {
            if (isOurs)
                _owners[id] = identity.Uid;
            else
                _owners.TryRemove(id, out _);
        }
    }

    private async Task RunAsync(PodWorker worker)
    {
        await Task.Yield();
        try
        {
            await worker.RunAsync(_stopping);
            _workers.TryRemove(worker.Identity.Uid, out _);
            _services.StatusWriter.Forget(worker.Identity.Uid);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            WorkerLog.Interrupted(_services.Logger, worker.Identity.ToString());
        }
        catch (Exception exception)
        {
            WorkerLog.WorkerEnded(_services.Logger, worker.Identity.ToString(), exception);
            throw;
        }
        finally
        {
            _running.TryRemove(worker.Identity.Uid, out _);
        }
    }

    private static V1Pod? WithStatus(PodWorker worker)
    {
        if (worker.Pod is not { } pod || worker.Status is not { } status)
            return worker.Pod;
        return new V1Pod { ApiVersion = "v1", Kind = "Pod", Metadata = pod.Metadata, Spec = pod.Spec, Status = status };
    }
}
