using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Kubelet.Cgroups;
using LiteKube.Kubelet.Environment;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Probes;
using LiteKube.Kubelet.Runtime;
using LiteKube.Kubelet.Status;
using LiteKube.Kubelet.Volumes;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>What all pod workers share.</summary>
internal sealed record PodServices
{
    public required KubeletOptions Options { get; init; }
    public required IRuntime Runtime { get; init; }
    public required IKubeClient Client { get; init; }
    public required IVolumeHost Volumes { get; init; }
    public required IContainerEnvironment Environment { get; init; }
    public required IProber Prober { get; init; }
    public required IEventRecorder Events { get; init; }
    public required ImagePuller Images { get; init; }
    public required PodCgroups Cgroups { get; init; }
    public required PodFiles Files { get; init; }
    public required RuntimeConfigs Configs { get; init; }
    public required LifecycleHooks Hooks { get; init; }
    public required PodStatusWriter StatusWriter { get; init; }
    public required KubeletNetwork Network { get; init; }
    public required TimeProvider TimeProvider { get; init; }
    public required ILogger Logger { get; init; }

    /// <summary>Of crashed containers, by <c>UID_NAME_HASH</c>.</summary>
    public RestartBackoff Restarts { get; } = new();

    /// <summary>Bounds how many sandboxes are set up at once.</summary>
    public required SemaphoreSlim Starts { get; init; }

    public IReadOnlyList<string> HostIps => [.. Options.NodeIps.Select(ip => ip.ToString())];
}
