using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

internal sealed partial class PodWorker
{
    /// <summary>Takes in what the runtime told since the last time.</summary>
    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        if (!_isRecovered)
            await RecoverAsync(cancellationToken);
        var changed = false;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_events.TryDequeue(out var runtimeEvent))
        {
            if (seen.Add(runtimeEvent.Id) || runtimeEvent.Type == RuntimeEventType.Exited)
                changed |= await RefreshOneAsync(runtimeEvent, cancellationToken);
        }
        if (changed && !_isGone)
            PublishStatus();
    }

    private async Task<bool> RefreshOneAsync(RuntimeEvent runtimeEvent, CancellationToken cancellationToken)
    {
        try
        {
            if (_runtime.Find(runtimeEvent.Id) is { } container)
                return await RefreshContainerAsync(container, runtimeEvent.Type == RuntimeEventType.Exited, cancellationToken);
            if (_runtime.Sandboxes.Any(s => s.Id == runtimeEvent.Id))
            {
                await RefreshSandboxAsync(runtimeEvent, cancellationToken);
                return true;
            }
            return false;
        }
        catch (RuntimeException exception) when (exception.IsNotFound)
        {
            Drop(runtimeEvent.Id);
            return true;
        }
    }

    private async Task<bool> RefreshContainerAsync(ContainerRecord container, bool hasExited, CancellationToken cancellationToken)
    {
        if (container.Phase == ContainerPhase.Exited)
            return false;
        var status = await _starter.StatusAsync(container, cancellationToken);
        // The shim's event comes to us and to the runtime's own books at the same time; ours may be first.
        for (var delay = TimeSpan.FromMilliseconds(2); hasExited && status.IsRunning && delay < TimeSpan.FromSeconds(1); delay *= 2)
        {
            await Task.Delay(delay, _services.TimeProvider, cancellationToken);
            status = await _starter.StatusAsync(container, cancellationToken);
        }
        Record(status);
        return status.Phase != container.Phase;
    }

    private async Task RefreshSandboxAsync(RuntimeEvent runtimeEvent, CancellationToken cancellationToken)
    {
        var status = SandboxRecord.Of(await _services.Runtime.PodSandboxStatusAsync(runtimeEvent.Id, cancellationToken));
        for (var delay = TimeSpan.FromMilliseconds(2); runtimeEvent.Type == RuntimeEventType.Exited && status.IsReady && delay < TimeSpan.FromSeconds(1); delay *= 2)
        {
            await Task.Delay(delay, _services.TimeProvider, cancellationToken);
            status = SandboxRecord.Of(await _services.Runtime.PodSandboxStatusAsync(runtimeEvent.Id, cancellationToken));
        }
        _runtime = _runtime.With(status);
    }

    /// <summary>After a restart of this process: learn what a list does not say, and go on with the probes.</summary>
    private async Task RecoverAsync(CancellationToken cancellationToken)
    {
        foreach (var container in _runtime.Containers)
            Record(await _starter.StatusAsync(container, cancellationToken));
        foreach (var sandbox in _runtime.Sandboxes)
            _runtime = _runtime.With(SandboxRecord.Of(await _services.Runtime.PodSandboxStatusAsync(sandbox.Id, cancellationToken)));
        _isRecovered = true;
        if (_pod is not { } pod)
            return;
        _startedAt = pod.Status?.StartTime is { } startTime ? new DateTimeOffset(startTime, TimeSpan.Zero) : null;
        _isAdmitted = !_runtime.Containers.IsEmpty;
        if (_runtime.NewestSandbox is { IsReady: true, Ips.Count: > 0 } ready)
            _services.Network.PodAddressesChanged?.Invoke(pod, ready.Ips);
    }

    private void Record(ContainerRecord container)
    {
        _index(container.Id, true);
        _runtime = _runtime.With(container);
        if (_pod is not { } pod || PodSpecs.FindContainer(pod, container.Name) is not { } spec)
            return;
        if (!container.IsRunning)
        {
            _services.Prober.ContainerStopped(Identity.Uid, container.Name, container.Id);
            _failedProbes.TryRemove(container.Id, out _);
        }
        else if (pod.Spec.Containers.Contains(spec) || PodSpecs.IsSidecar(spec))
        {
            var known = (pod.Status?.ContainerStatuses ?? []).Concat(pod.Status?.InitContainerStatuses ?? []).FirstOrDefault(s => s.ContainerID == "containerd://" + container.Id);
            _services.Prober.ContainerStarted(pod, spec, container.Id, PodIp(pod), container.StartedAt ?? container.CreatedAt, known?.Started == true, known?.Ready == true);
        }
    }

    private void Drop(string id)
    {
        _index(id, false);
        _runtime = _runtime.Without(id);
    }
}
