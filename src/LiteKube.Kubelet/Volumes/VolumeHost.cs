using System.Collections.Concurrent;
using System.ComponentModel;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Kubelet.Environment;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Volumes;

/// <summary>What the volumes of a node stand on.</summary>
public sealed record VolumeHostServices
{
    public required KubeletOptions Options { get; init; }
    public required IKubeClient Client { get; init; }
    public required PodObjects Objects { get; init; }
    public required ILoggerFactory Loggers { get; init; }
    public required TimeProvider Time { get; init; }

    /// <summary>For downward API files that ask for a limit which is not set.</summary>
    public Func<IDictionary<string, ResourceQuantity>?> NodeAllocatable { get; init; } = () => null;

    /// <summary>A warning event on a pod: reason and message.</summary>
    public Action<V1Pod, string, string>? Warn { get; init; }

    /// <summary>The runtime can make a mount and all below it read-only.</summary>
    public Func<bool> SupportsRecursiveReadOnly { get; init; } = () => false;
}

/// <summary>
/// Volumes as files and mounts under <c>pods/UID</c>. Contents from the API follow their sources by watch events; a
/// rotating token sets the one timer a pod may have.
/// </summary>
public sealed class VolumeHost : IVolumeHost, IDisposable
{
    private readonly ConcurrentDictionary<string, MountedPod> _pods = new(StringComparer.Ordinal);
    private readonly VolumeHostServices _services;
    private readonly VolumeSetup _setup;
    private readonly ILogger _logger;
    private readonly ServiceAccountTokens _tokens;

    public VolumeHost(VolumeHostServices services)
    {
        _services = services;
        _logger = services.Loggers.CreateLogger<VolumeHost>();
        _tokens = new ServiceAccountTokens(services.Client, services.Time);
        _setup = new VolumeSetup(services, new Payloads(services.Objects, _tokens, services.NodeAllocatable));
        services.Objects.Changed += OnObjectChanged;
    }

    public event Action<string>? RetryMount;

    public async Task<PodVolumes> MountAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var uid = pod.Metadata.Uid;
        _services.Objects.Register(pod);
        var mounted = _pods.GetOrAdd(uid, _ => new MountedPod(pod, _services.Time));
        await mounted.Gate.WaitAsync(cancellationToken);
        try
        {
            mounted.Pod = pod;
            Directory.CreateDirectory(_services.Options.PodVolumesDir(uid));
            var wanted = UsedVolumes(pod);
            VolumeException? failure = null;
            foreach (var volume in wanted.Where(v => !mounted.Volumes.ContainsKey(v.Name)))
                failure = await TrySetUpAsync(mounted, volume, cancellationToken) ?? failure;
            mounted.IsWaiting = failure is not null;
            if (failure is not null)
                throw mounted.Describe(failure, wanted);
            mounted.FailingSince = null;
            ArmRotation(mounted);
            return new MountedVolumes(_services, _logger, pod, new Dictionary<string, MountedVolume>(mounted.Volumes, StringComparer.Ordinal));
        }
        finally
        {
            mounted.Gate.Release();
        }
    }

    public void PodUpdated(V1Pod pod)
    {
        if (!_pods.TryGetValue(pod.Metadata.Uid, out var mounted))
            return;
        mounted.Pod = pod;
        _services.Objects.Register(pod);
        StartRefresh(mounted);
    }

    public async Task UnmountAsync(string podUid, CancellationToken cancellationToken)
    {
        _services.Objects.Unregister(podUid);
        _tokens.Forget(podUid);
        if (_pods.TryRemove(podUid, out var mounted))
        {
            mounted.IsGone = true;
            mounted.Rotation?.Dispose();
            // A refresh that runs right now must not write into what is being taken down.
            await mounted.Gate.WaitAsync(cancellationToken);
            mounted.Gate.Release();
        }
        await Task.Run(() => Remove(podUid), cancellationToken);
    }

    public void Dispose()
    {
        _services.Objects.Changed -= OnObjectChanged;
        foreach (var mounted in _pods.Values)
        {
            mounted.IsGone = true;
            mounted.Rotation?.Dispose();
        }
    }

    private void Remove(string podUid)
    {
        // A uid becomes part of a path that is about to be deleted.
        if (podUid.Length == 0 || podUid.Contains('/', StringComparison.Ordinal) || podUid.StartsWith('.'))
            throw new ArgumentException($"\"{podUid}\" is no pod uid", nameof(podUid));
        var podDir = _services.Options.PodDir(podUid);
        if (!Directory.Exists(podDir))
            return;
        string[] folders = [Path.Combine(podDir, Subpaths.Folder), _services.Options.PodVolumesDir(podUid)];
        foreach (var folder in folders)
        {
            if (!Directory.Exists(folder))
                continue;
            Mounts.DetachBelow(folder);
            SafeDelete.Tree(folder);
        }
    }

    private async Task<VolumeException?> TrySetUpAsync(MountedPod mounted, V1Volume volume, CancellationToken cancellationToken)
    {
        try
        {
            var result = await _setup.SetUpAsync(mounted.Pod, volume, cancellationToken);
            mounted.Volumes[volume.Name] = result;
            return null;
        }
        catch (VolumeException e)
        {
            return e;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception or KubeApiException or TimeoutException or PayloadException or ArgumentException or HttpRequestException)
        {
            return new VolumeException("FailedMount", $"MountVolume.SetUp failed for volume \"{volume.Name}\" : {e.Message}", e);
        }
    }

    /// <summary>Volumes that no container names are left alone, as the kubelet does.</summary>
    private static List<V1Volume> UsedVolumes(V1Pod pod)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var container in pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? []))
        {
            used.UnionWith((container.VolumeMounts ?? []).Select(m => m.Name));
            used.UnionWith((container.VolumeDevices ?? []).Select(d => d.Name));
        }
        foreach (var container in pod.Spec.EphemeralContainers ?? [])
            used.UnionWith((container.VolumeMounts ?? []).Select(m => m.Name));
        return [.. (pod.Spec.Volumes ?? []).Where(v => used.Contains(v.Name))];
    }

    private void OnObjectChanged(string podUid)
    {
        if (!_pods.TryGetValue(podUid, out var mounted))
            return;
        if (mounted.IsWaiting)
            RetryMount?.Invoke(podUid);
        StartRefresh(mounted);
    }

    private void StartRefresh(MountedPod mounted)
    {
        // One refresh that has not begun yet takes in all changes up to its beginning.
        if (!mounted.IsGone && Interlocked.Exchange(ref mounted.RefreshPending, 1) == 0)
            _ = RefreshAsync(mounted);
    }

    private async Task RefreshAsync(MountedPod mounted)
    {
        await Task.Yield();
        await mounted.Gate.WaitAsync();
        try
        {
            Interlocked.Exchange(ref mounted.RefreshPending, 0);
            if (mounted.IsGone)
                return;
            foreach (var (name, present) in mounted.Volumes.Where(v => v.Value.IsApiData).ToList())
                mounted.Volumes[name] = await RefreshVolumeAsync(mounted, present);
            ArmRotation(mounted);
        }
        // Nobody awaits this: what it did not expect must at least be seen.
        catch (Exception e)
        {
            VolumeLog.RefreshBroke(_logger, ObjectKey.Of(mounted.Pod), e);
        }
        finally
        {
            mounted.Gate.Release();
        }
    }

    private async Task<MountedVolume> RefreshVolumeAsync(MountedPod mounted, MountedVolume present)
    {
        var spec = mounted.Pod.Spec.Volumes.FirstOrDefault(v => v.Name == present.Name) ?? present.Spec;
        try
        {
            var fresh = await _setup.SetUpAsync(mounted.Pod, spec, CancellationToken.None);
            VolumeLog.Refreshed(_logger, present.Name, ObjectKey.Of(mounted.Pod));
            return fresh;
        }
        catch (Exception e) when (e is VolumeException or IOException or Win32Exception or KubeApiException or TimeoutException or PayloadException or ArgumentException or HttpRequestException)
        {
            var message = e is VolumeException ? e.Message : $"MountVolume.SetUp failed for volume \"{present.Name}\" : {e.Message}";
            VolumeLog.RefreshFailed(_logger, present.Name, ObjectKey.Of(mounted.Pod), message);
            _services.Warn?.Invoke(mounted.Pod, "FailedMount", message);
            // The contents stay as they were; a token that was due is asked for again soon.
            return present.RefreshAt is null ? present : present with { RefreshAt = _services.Time.GetUtcNow() + TimeSpan.FromMinutes(1) };
        }
    }

    private void ArmRotation(MountedPod mounted)
    {
        var due = mounted.Volumes.Values.Min(v => v.RefreshAt);
        if (due is null || mounted.IsGone)
            return;
        var wait = due.Value - _services.Time.GetUtcNow();
        mounted.Rotation ??= _services.Time.CreateTimer(_ => StartRefresh(mounted), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        mounted.Rotation.Change(wait > TimeSpan.FromSeconds(1) ? wait : TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
    }
}
