using LiteKube.Cri.V1;

namespace LiteKube.Kubelet.Runtime;

/// <summary>
/// The kubelet's only way to containers, in CRI's shape (https://kubernetes.io/docs/concepts/containers/cri/).
/// A call that the runtime refuses throws <see cref="RuntimeException"/>.
/// </summary>
public interface IRuntime
{
    Task<VersionResponse> VersionAsync(CancellationToken cancellationToken);
    Task<StatusResponse> StatusAsync(bool verbose, CancellationToken cancellationToken);
    Task UpdateRuntimeConfigAsync(string podCidr, CancellationToken cancellationToken);

    /// <summary>Creates and starts a sandbox with its network; returns its id.</summary>
    Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken cancellationToken);
    Task StopPodSandboxAsync(string sandboxId, CancellationToken cancellationToken);
    Task RemovePodSandboxAsync(string sandboxId, CancellationToken cancellationToken);
    Task<PodSandboxStatus> PodSandboxStatusAsync(string sandboxId, CancellationToken cancellationToken);
    Task<IReadOnlyList<PodSandbox>> ListPodSandboxesAsync(PodSandboxFilter? filter, CancellationToken cancellationToken);

    Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken cancellationToken);
    Task StartContainerAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>Asks with the stop signal, kills after <paramref name="grace"/>, returns when the container has ended.</summary>
    Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken cancellationToken);
    Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken);
    Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken cancellationToken);
    Task<ContainerStatus> ContainerStatusAsync(string containerId, CancellationToken cancellationToken);
    Task UpdateContainerResourcesAsync(string containerId, LinuxContainerResources resources, CancellationToken cancellationToken);

    /// <summary>Tells the runtime that the log file was renamed: it opens a new one at the same path.</summary>
    Task ReopenContainerLogAsync(string containerId, CancellationToken cancellationToken);

    /// <summary>Runs a command in a container to its end. A timeout throws <see cref="RuntimeException"/> with <see cref="RuntimeError.DeadlineExceeded"/>.</summary>
    Task<ExecResult> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>The runtime's streaming endpoint for one exec: the URL is good once, for a few minutes, on this machine.</summary>
    Task<Uri> ExecAsync(ExecRequest request, CancellationToken cancellationToken);
    Task<Uri> AttachAsync(AttachRequest request, CancellationToken cancellationToken);
    Task<Uri> PortForwardAsync(PortForwardRequest request, CancellationToken cancellationToken);

    Task<ContainerStats> ContainerStatsAsync(string containerId, CancellationToken cancellationToken);
    Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(ContainerStatsFilter? filter, CancellationToken cancellationToken);
    Task<IReadOnlyList<PodSandboxStats>> ListPodSandboxStatsAsync(PodSandboxStatsFilter? filter, CancellationToken cancellationToken);

    Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken cancellationToken);

    /// <summary>Null when the image is not there.</summary>
    Task<Image?> ImageStatusAsync(string image, CancellationToken cancellationToken);

    /// <summary>Pulls; returns the reference to run the image by.</summary>
    Task<string> PullImageAsync(string image, AuthConfig? auth, PodSandboxConfig? sandbox, CancellationToken cancellationToken);
    Task RemoveImageAsync(string image, CancellationToken cancellationToken);
    Task<ImageFsInfoResponse> ImageFsInfoAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What happens to containers and sandboxes, as it happens. Begins with <see cref="RuntimeEventType.Connected"/>;
    /// what happened before that is not told, so the reader lists once it has come. Ends with an exception when the
    /// runtime goes away.
    /// </summary>
    IAsyncEnumerable<RuntimeEvent> WatchEventsAsync(CancellationToken cancellationToken);
}

/// <param name="Stdout">As the process wrote it; the runtime cuts it at 16 MiB.</param>
public sealed record ExecResult(int ExitCode, ReadOnlyMemory<byte> Stdout, ReadOnlyMemory<byte> Stderr);

public enum RuntimeEventType
{
    /// <summary>The stream is open: from here on nothing is missed.</summary>
    Connected,
    Started,
    Exited,
    OutOfMemory,
    Deleted,
}

/// <param name="Id">Of the container or the sandbox.</param>
/// <param name="ExitCode">With <see cref="RuntimeEventType.Exited"/>.</param>
public readonly record struct RuntimeEvent(RuntimeEventType Type, string Id, int ExitCode = 0);

public enum RuntimeError
{
    Unknown,
    NotFound,
    AlreadyExists,
    DeadlineExceeded,
    Unavailable,
    InvalidArgument,
    Unimplemented,
}

/// <summary>The runtime refused or did not answer; the message is the runtime's, without the gRPC wrapping.</summary>
public sealed class RuntimeException(RuntimeError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public RuntimeError Error { get; } = error;
    public bool IsNotFound => Error == RuntimeError.NotFound;

    /// <summary>As gRPC's Go implementation prints it, and so as Kubernetes' events and statuses show it.</summary>
    public string RpcText => $"rpc error: code = {Error} desc = {Message}";
}
