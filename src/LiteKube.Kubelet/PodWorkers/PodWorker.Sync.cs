using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Runtime;
using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.PodWorkers;

internal sealed partial class PodWorker
{
    private static readonly TimeSpan ConfigRetry = TimeSpan.FromSeconds(10);

    private PodVolumes? _volumes;
    private TimeSpan _mountRetry = TimeSpan.FromMilliseconds(500);

    private async Task<TimeSpan?> SyncAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        if (!Admit(pod))
            return TimeSpan.Zero;
        if (_startedAt is null)
        {
            _startedAt = _services.TimeProvider.GetUtcNow();
            WorkerLog.Starting(_services.Logger, Identity.ToString());
            PublishStatus();
        }
        if (TimeToDeadline(pod) is { } left && left <= TimeSpan.Zero)
        {
            const string message = "Pod was active on the node longer than the specified deadline";
            _services.Events.Record(ContainerEvents.Reference(pod), EventTypes.Normal, "DeadlineExceeded", message);
            _end = new PodEnd("DeadlineExceeded", message);
            return TimeSpan.Zero;
        }
        _services.Volumes.PodUpdated(pod);

        TimeSpan? retry = null;
        // Each round may make the next possible: a sidecar that has started lets the next init container run.
        for (var round = 0; round < 2 + PodSpecs.InitContainers(pod).Count(); round++)
        {
            var plan = PodPlan.Compute(pod, _runtime, KillMessages(), c => _services.Prober.IsStarted(Identity.Uid, c.Name, c.Id));
            if (plan.IsNothing)
            {
                retry = Earlier(retry, await EnsureVolumesAsync(pod, cancellationToken));
                break;
            }
            var (progressed, wait) = await ExecuteAsync(pod, plan, cancellationToken);
            retry = Earlier(retry, wait);
            if (!progressed)
                break;
        }
        PublishStatus();
        if (PodSpecs.IsFinished(Status?.Phase))
            return await TerminateAsync(cancellationToken);
        return Earlier(retry, TimeToDeadline(pod));
    }

    /// <summary>Only a pod that nothing was started of is asked whether it fits; one that runs stays.</summary>
    private bool Admit(V1Pod pod)
    {
        if (_isAdmitted)
            return true;
        if (_admission.Admit(pod) is { } refusal)
        {
            WorkerLog.Rejected(_services.Logger, Identity.ToString(), refusal.Reason, refusal.Message);
            _services.Events.Record(ContainerEvents.Reference(pod), EventTypes.Warning, refusal.Reason, refusal.Message);
            _end = new PodEnd(refusal.Reason, "Pod was rejected: " + refusal.Message);
            return false;
        }
        _isAdmitted = true;
        return true;
    }

    private async Task<(bool Progressed, TimeSpan? Retry)> ExecuteAsync(V1Pod pod, PodPlan plan, CancellationToken cancellationToken)
    {
        if (plan.KillPod)
        {
            if (plan.CreateSandbox)
                _services.Events.Record(ContainerEvents.Reference(pod), EventTypes.Normal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
            await KillContainersAsync(PodSpecs.GracePeriodOf(pod), cancellationToken);
            await StopSandboxesAsync(cancellationToken);
            if (!plan.CreateSandbox)
                return (false, null);
        }
        foreach (var kill in plan.Kill)
            await KillOneAsync(pod, kill, cancellationToken);

        if (await EnsureVolumesAsync(pod, cancellationToken) is { } mountRetry)
            return (false, mountRetry);
        var attempt = plan.CreateSandbox ? plan.Attempt : plan.Sandbox!.Attempt;
        var config = _services.Configs.Sandbox(pod, attempt);
        var sandbox = plan.Sandbox;
        if (plan.CreateSandbox)
        {
            sandbox = await CreateSandboxAsync(pod, config, cancellationToken);
            if (sandbox is null)
                return (false, TimeSpan.FromSeconds(Math.Min(10, Math.Pow(2, _failures++))));
        }
        return await StartContainersAsync(pod, plan, sandbox!, config, cancellationToken);
    }

    private async Task<SandboxRecord?> CreateSandboxAsync(V1Pod pod, PodSandboxConfig config, CancellationToken cancellationToken)
    {
        _services.Files.CreateDirectories(pod);
        _services.Cgroups.Ensure(Identity.Uid, PodSpecs.QosClassOf(pod), ContainerResources.ForPod(pod));
        _services.Cgroups.SetClassShares(_admission.BurstableShares());
        await _services.Starts.WaitAsync(cancellationToken);
        try
        {
            var handler = await RuntimeHandlerAsync(pod, cancellationToken);
            var id = await _services.Runtime.RunPodSandboxAsync(config, handler, cancellationToken);
            _index(id, true);
            _services.Cgroups.SandboxStarted(Identity.Uid, PodSpecs.QosClassOf(pod), ContainerResources.ForPod(pod));
            var sandbox = SandboxRecord.Of(await _services.Runtime.PodSandboxStatusAsync(id, cancellationToken));
            _runtime = _runtime.With(sandbox);
            if (sandbox.Ips.Count > 0)
                _services.Network.PodAddressesChanged?.Invoke(pod, sandbox.Ips);
            return sandbox;
        }
        catch (RuntimeException exception) when (exception.Error != RuntimeError.Unavailable)
        {
            _services.Events.Record(ContainerEvents.Reference(pod), EventTypes.Warning, "FailedCreatePodSandBox", $"Failed to create pod sandbox: {exception.RpcText}");
            WorkerLog.NotStarted(_services.Logger, "sandbox", Identity.ToString(), "FailedCreatePodSandBox", exception.Message);
            return null;
        }
        finally
        {
            _services.Starts.Release();
        }
    }

    private async Task<string> RuntimeHandlerAsync(V1Pod pod, CancellationToken cancellationToken) =>
        string.IsNullOrEmpty(pod.Spec.RuntimeClassName) ? ""
            : (await _services.Client.GetAsync<V1RuntimeClass>(null, pod.Spec.RuntimeClassName, cancellationToken)).Handler;

    private async Task<(bool Progressed, TimeSpan? Retry)> StartContainersAsync(V1Pod pod, PodPlan plan, SandboxRecord sandbox, PodSandboxConfig config, CancellationToken cancellationToken)
    {
        TimeSpan? retry = null;
        var started = false;
        foreach (var container in plan.Start)
        {
            try
            {
                await _starter.StartAsync(pod, container, sandbox, config, _volumes!, _runtime, PublishStatus, Record, cancellationToken);
                _waiting = _waiting.Remove(container.Name);
                started = true;
                await RemoveOldAsync(container.Name, cancellationToken);
            }
            catch (StartException exception)
            {
                WorkerLog.NotStarted(_services.Logger, container.Name, Identity.ToString(), exception.Reason, exception.Message);
                _waiting = _waiting.SetItem(container.Name, new WaitingReason(exception.Reason, exception.Message));
                retry = Earlier(retry, exception.RetryAfter ?? ConfigRetry);
                // Init containers are a row: nothing after the one that waits.
                if (PodSpecs.InitContainers(pod).Contains(container) && !PodSpecs.IsSidecar(container))
                    break;
            }
        }
        return (started && retry is null, retry);
    }

    private async Task KillOneAsync(V1Pod pod, ContainerKill kill, CancellationToken cancellationToken)
    {
        var grace = _failedProbes.TryGetValue(kill.Container.Id, out var failure) && failure.TerminationGracePeriodSeconds is { } seconds
            ? TimeSpan.FromSeconds(seconds) : PodSpecs.GracePeriodOf(pod);
        await _killer.KillAsync(pod, PodSpecs.FindContainer(pod, kill.Container.Name), kill.Container, PodIp(pod), kill.Message, grace, () => null, cancellationToken);
        Record(await _starter.StatusAsync(kill.Container, cancellationToken));
        _failedProbes.TryRemove(kill.Container.Id, out _);
    }

    /// <summary>Null when the volumes are there, else when to try again.</summary>
    private async Task<TimeSpan?> EnsureVolumesAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        if (_volumes is not null)
            return null;
        try
        {
            _services.Files.CreateDirectories(pod);
            _volumes = await _services.Volumes.MountAsync(pod, cancellationToken);
            _mountRetry = TimeSpan.FromMilliseconds(500);
            return null;
        }
        catch (VolumeException exception)
        {
            _services.Events.Record(ContainerEvents.Reference(pod), EventTypes.Warning, exception.Reason, exception.Message);
            var delay = _mountRetry;
            _mountRetry = _mountRetry * 2 < TimeSpan.FromMinutes(2) ? _mountRetry * 2 : TimeSpan.FromMinutes(2);
            WorkerLog.VolumesNotReady(_services.Logger, Identity.ToString(), exception.Message, delay);
            return delay;
        }
    }

    /// <summary>Of each container the newest and the one before stay, for its last state and `kubectl logs --previous`.</summary>
    private async Task RemoveOldAsync(string name, CancellationToken cancellationToken)
    {
        var old = _runtime.Containers.Where(c => c.Name == name).OrderByDescending(c => (c.RestartCount, c.CreatedAt)).Skip(2).Where(c => !c.IsRunning).ToList();
        foreach (var container in old)
            await RemoveContainerAsync(container, cancellationToken);
        foreach (var sandbox in _runtime.Sandboxes.Where(s => !s.IsReady && s != _runtime.NewestSandbox && !_runtime.Containers.Any(c => c.SandboxId == s.Id)).ToList())
            await RemoveSandboxAsync(sandbox, cancellationToken);
    }

    private Dictionary<string, string> KillMessages() =>
        _failedProbes.ToDictionary(f => f.Key, f => $"Container {f.Value.ContainerName} failed {f.Value.Kind.ToLowerInvariant()} probe", StringComparer.Ordinal);

    private TimeSpan? TimeToDeadline(V1Pod pod) => pod.Spec.ActiveDeadlineSeconds is { } seconds && _startedAt is { } started
        ? started.AddSeconds(seconds) - _services.TimeProvider.GetUtcNow() : null;

    private static TimeSpan? Earlier(TimeSpan? a, TimeSpan? b) => a is null ? b : b is null ? a : a < b ? a : b;
}
