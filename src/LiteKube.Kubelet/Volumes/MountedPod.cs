using k8s.Models;

namespace LiteKube.Kubelet.Volumes;

/// <summary>One volume of a pod, set up.</summary>
/// <param name="HostPath">Directory (or for hostPath any file) that containers get.</param>
/// <param name="IsReadOnly">Containers cannot write to it whatever their mounts say.</param>
/// <param name="RefreshAt">When a token in it is due.</param>
internal sealed record MountedVolume(V1Volume Spec, string HostPath, bool IsReadOnly, bool IsApiData, DateTimeOffset? RefreshAt = null)
{
    public string Name => Spec.Name;
}

/// <summary>What the host keeps of a pod between mount and unmount. Changed only by who holds the gate.</summary>
internal sealed class MountedPod(V1Pod pod, TimeProvider time)
{
    /// <summary>How long the kubelet waits before it says which volumes are missing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(123);

    public SemaphoreSlim Gate { get; } = new(1, 1);
    public Dictionary<string, MountedVolume> Volumes { get; } = new(StringComparer.Ordinal);
    public ITimer? Rotation { get; set; }
    public DateTimeOffset? FailingSince { get; set; }
    public volatile bool IsGone;
    public volatile bool IsWaiting;
    public volatile V1Pod Pod = pod;
    public int RefreshPending;

    /// <summary>The failure itself, and every two minutes the sum of what is missing.</summary>
    public VolumeException Describe(VolumeException failure, IReadOnlyList<V1Volume> wanted)
    {
        var now = time.GetUtcNow();
        FailingSince ??= now;
        if (now - FailingSince < Patience)
            return failure;
        FailingSince = now;
        var missing = string.Join(' ', wanted.Where(v => !Volumes.ContainsKey(v.Name)).Select(v => v.Name));
        return new VolumeException("FailedMount", $"Unable to attach or mount volumes: unmounted volumes=[{missing}], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition", failure);
    }
}
