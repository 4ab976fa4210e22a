using System.Globalization;
using k8s.Models;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

internal sealed partial class PodWorker
{
    private bool _isRuntimeStopped;
    private bool _isReleased;

    /// <summary>
    /// Ends the pod's containers and sandbox, gives back what the node holds for it, and then, when it was deleted,
    /// removes it from the API. Each part is done once and the whole may be entered again after a failure.
    /// </summary>
    private async Task<TimeSpan?> TerminateAsync(CancellationToken cancellationToken)
    {
        if (!_isRuntimeStopped)
        {
            WorkerLog.Terminating(_services.Logger, Identity.ToString(), _end?.Reason ?? (_isGone ? "removed from the API" : _pod is { } p && PodSpecs.IsTerminating(p) ? "deleted" : "finished"));
            _services.Prober.PodTerminating(Identity.Uid);
            PublishStatus();
            await FindAllAsync(cancellationToken);
            await KillContainersAsync(GraceOfEnd(), cancellationToken);
            _services.Prober.PodGone(Identity.Uid);
            await StopSandboxesAsync(cancellationToken);
            _isRuntimeStopped = true;
            _isTerminated = true;
            PublishStatus();
        }
        if (!_isReleased)
        {
            await _services.Volumes.UnmountAsync(Identity.Uid, cancellationToken);
            _volumes = null;
            await _services.Cgroups.RemoveAsync(Identity.Uid, QosClass(), cancellationToken);
            _isReleased = true;
        }
        // Kept while the API has the pod, for its logs and its status.
        if (!_isGone && !(_pod is { } pod && PodSpecs.IsTerminating(pod)))
            return null;
        if (!_isGone && !_services.StatusWriter.IsDeleted(Identity.Uid))
            _services.StatusWriter.DeleteAfterWrites(_pod!);
        if (!_isCleanedUp)
        {
            await RemoveAllAsync(cancellationToken);
            _services.Files.Remove(Identity.Namespace, Identity.Name, Identity.Uid);
            _services.Images.Forget(Identity.Uid);
            _services.Restarts.Forget(Identity.Uid + "_");
            _isCleanedUp = true;
        }
        return null;
    }

    private TimeSpan GraceOfEnd()
    {
        // At least a second, as the kubelet gives even to what is deleted by force.
        if (_pod is { } pod)
            return TimeSpan.FromSeconds(Math.Max(1, _isGone && !PodSpecs.IsTerminating(pod) ? 1 : PodSpecs.GracePeriodOf(pod).TotalSeconds));
        var annotation = _runtime.Containers.Select(c => c.Annotations.GetValueOrDefault(PodLabels.TerminationGracePeriod)).FirstOrDefault(a => a is not null);
        return long.TryParse(annotation, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(Math.Max(1, seconds)) : TimeSpan.FromSeconds(30);
    }

    private string QosClass()
    {
        if (_pod is { } pod)
            return PodSpecs.QosClassOf(pod);
        return _runtime.NewestSandbox?.Annotations.GetValueOrDefault(PodLabels.QosClass) ?? "BestEffort";
    }

    /// <summary>A start that was cancelled midway may have made something that this process never heard of.</summary>
    private async Task FindAllAsync(CancellationToken cancellationToken)
    {
        var mine = new Dictionary<string, string> { [PodLabels.PodUid] = Identity.Uid };
        foreach (var sandbox in await _services.Runtime.ListPodSandboxesAsync(new PodSandboxFilter { LabelSelector = { mine } }, cancellationToken))
        {
            if (!_runtime.Has(sandbox.Id))
            {
                _index(sandbox.Id, true);
                _runtime = _runtime.With(SandboxRecord.Of(await _services.Runtime.PodSandboxStatusAsync(sandbox.Id, cancellationToken)));
            }
        }
        foreach (var container in await _services.Runtime.ListContainersAsync(new ContainerFilter { LabelSelector = { mine } }, cancellationToken))
        {
            var known = _runtime.Find(container.Id);
            if (known is null || known.Phase != ContainerRecord.PhaseOf(container.State))
                Record(ContainerRecord.Of(await _services.Runtime.ContainerStatusAsync(container.Id, cancellationToken), container.PodSandboxId));
        }
    }

    /// <summary>App and init containers at once; then sidecars, the last started first, in what is left of the time.</summary>
    private async Task KillContainersAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        var began = _services.TimeProvider.GetTimestamp();
        var pod = _pod;
        List<string> sidecars = pod is null ? [] : [.. PodSpecs.InitContainers(pod).Where(PodSpecs.IsSidecar).Select(c => c.Name)];
        var running = _runtime.Containers.Where(c => c.Phase is ContainerPhase.Running or ContainerPhase.Unknown).ToList();
        await Task.WhenAll(running.Where(c => !sidecars.Contains(c.Name)).Select(c => KillAsync(c, grace, cancellationToken)));
        foreach (var sidecar in running.Where(c => sidecars.Contains(c.Name)).OrderByDescending(c => sidecars.IndexOf(c.Name)))
        {
            var left = grace - _services.TimeProvider.GetElapsedTime(began);
            await KillAsync(sidecar, left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1), cancellationToken);
        }
    }

    private async Task KillAsync(ContainerRecord container, TimeSpan grace, CancellationToken cancellationToken)
    {
        var pod = _pod;
        var spec = pod is null ? null : PodSpecs.FindContainer(pod, container.Name);
        await _killer.KillAsync(pod, spec, container, pod is null ? "" : PodIp(pod), $"Stopping container {container.Name}", grace, ShorterGrace, cancellationToken);
        try
        {
            Record(await _starter.StatusAsync(container, cancellationToken));
        }
        catch (RuntimeException exception) when (exception.IsNotFound)
        {
            Drop(container.Id);
        }
    }

    private Task<TimeSpan> ShorterGrace()
    {
        lock (_updating)
        {
            if (_graceShortened is null || _graceShortened.Task.IsCompleted)
                _graceShortened = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            return _graceShortened.Task;
        }
    }

    private async Task StopSandboxesAsync(CancellationToken cancellationToken)
    {
        foreach (var sandbox in _runtime.Sandboxes)
        {
            try
            {
                // Also one that is not ready: its network may still hold an address.
                await _services.Runtime.StopPodSandboxAsync(sandbox.Id, cancellationToken);
                _runtime = _runtime.With(sandbox with { IsReady = false });
            }
            catch (RuntimeException exception) when (exception.IsNotFound)
            {
                Drop(sandbox.Id);
            }
        }
        if (_pod is { } pod && !PodSpecs.IsHostNetwork(pod))
            _services.Network.PodAddressesChanged?.Invoke(pod, []);
    }

    private async Task RemoveAllAsync(CancellationToken cancellationToken)
    {
        foreach (var container in _runtime.Containers)
            await RemoveContainerAsync(container, cancellationToken);
        foreach (var sandbox in _runtime.Sandboxes)
            await RemoveSandboxAsync(sandbox, cancellationToken);
    }

    private async Task RemoveContainerAsync(ContainerRecord container, CancellationToken cancellationToken)
    {
        try
        {
            await _services.Runtime.RemoveContainerAsync(container.Id, cancellationToken);
        }
        catch (RuntimeException exception) when (exception.IsNotFound)
        {
            WorkerLog.AlreadyGone(_services.Logger, container.Id);
        }
        if (File.Exists(container.LogPath))
            File.Delete(container.LogPath);
        if (container.Annotations.TryGetValue(PodLabels.TerminationMessageFile, out var message) && File.Exists(message))
            File.Delete(message);
        Drop(container.Id);
    }

    private async Task RemoveSandboxAsync(SandboxRecord sandbox, CancellationToken cancellationToken)
    {
        try
        {
            await _services.Runtime.RemovePodSandboxAsync(sandbox.Id, cancellationToken);
        }
        catch (RuntimeException exception) when (exception.IsNotFound)
        {
            WorkerLog.AlreadyGone(_services.Logger, sandbox.Id);
        }
        Drop(sandbox.Id);
    }
}
