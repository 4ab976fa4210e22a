using System.Runtime.CompilerServices;
using Grpc.Core;
using LiteKube.Cri;
using LiteKube.Cri.V1;

namespace LiteKube.Kubelet.Runtime;

/// <summary><see cref="IRuntime"/> over CRI, with container ends learned from containerd's task events.</summary>
public sealed class CriRuntime(RuntimeChannel channel, TimeProvider timeProvider) : IRuntime
{
    /// <summary>Kubernetes' runtimeRequestTimeout. Pulls and exec have their own bounds.</summary>
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromMinutes(2);

    private readonly RuntimeService.RuntimeServiceClient _runtime = channel.Runtime;
    private readonly ImageService.ImageServiceClient _images = channel.Images;

    public Task<VersionResponse> VersionAsync(CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.VersionAsync(new VersionRequest { Version = "v1" }, o), cancellationToken);

    public Task<StatusResponse> StatusAsync(bool verbose, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.StatusAsync(new StatusRequest { Verbose = verbose }, o), cancellationToken);

    public Task UpdateRuntimeConfigAsync(string podCidr, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.UpdateRuntimeConfigAsync(new UpdateRuntimeConfigRequest
        {
            RuntimeConfig = new RuntimeConfig { NetworkConfig = new NetworkConfig { PodCidr = podCidr } },
        }, o), cancellationToken);

    public async Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.RunPodSandboxAsync(new RunPodSandboxRequest { Config = config, RuntimeHandler = runtimeHandler }, o), cancellationToken, 2 * RequestTimeout)).PodSandboxId;

    public Task StopPodSandboxAsync(string sandboxId, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.StopPodSandboxAsync(new StopPodSandboxRequest { PodSandboxId = sandboxId }, o), cancellationToken);

    public Task RemovePodSandboxAsync(string sandboxId, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.RemovePodSandboxAsync(new RemovePodSandboxRequest { PodSandboxId = sandboxId }, o), cancellationToken);

    public async Task<PodSandboxStatus> PodSandboxStatusAsync(string sandboxId, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.PodSandboxStatusAsync(new PodSandboxStatusRequest { PodSandboxId = sandboxId }, o), cancellationToken)).Status;

    public async Task<IReadOnlyList<PodSandbox>> ListPodSandboxesAsync(PodSandboxFilter? filter, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.ListPodSandboxAsync(new ListPodSandboxRequest { Filter = filter }, o), cancellationToken)).Items;

    public async Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.CreateContainerAsync(new CreateContainerRequest
        {
            PodSandboxId = sandboxId,
            Config = config,
            SandboxConfig = sandboxConfig,
        }, o), cancellationToken)).ContainerId;

    public Task StartContainerAsync(string containerId, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.StartContainerAsync(new StartContainerRequest { ContainerId = containerId }, o), cancellationToken);

    public Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.StopContainerAsync(new StopContainerRequest
        {
            ContainerId = containerId,
            Timeout = (long)Math.Ceiling(grace.TotalSeconds),
        }, o), cancellationToken, RequestTimeout + grace);

    public Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.RemoveContainerAsync(new RemoveContainerRequest { ContainerId = containerId }, o), cancellationToken);

    public async Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.ListContainersAsync(new ListContainersRequest { Filter = filter }, o), cancellationToken)).Containers;

    public async Task<ContainerStatus> ContainerStatusAsync(string containerId, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.ContainerStatusAsync(new ContainerStatusRequest { ContainerId = containerId }, o), cancellationToken)).Status;

    public Task UpdateContainerResourcesAsync(string containerId, LinuxContainerResources resources, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.UpdateContainerResourcesAsync(new UpdateContainerResourcesRequest { ContainerId = containerId, Linux = resources }, o), cancellationToken);

    public Task ReopenContainerLogAsync(string containerId, CancellationToken cancellationToken) =>
        CallAsync(o => _runtime.ReopenContainerLogAsync(new ReopenContainerLogRequest { ContainerId = containerId }, o), cancellationToken);

    public async Task<ExecResult> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var request = new ExecSyncRequest { ContainerId = containerId, Timeout = (long)Math.Ceiling(timeout.TotalSeconds) };
        request.Cmd.Add(command);
        // The runtime keeps the command's own deadline; ours only guards against a runtime that does not answer.
        var response = await CallAsync(o => _runtime.ExecSyncAsync(request, o), cancellationToken, timeout > TimeSpan.Zero ? timeout + RequestTimeout : TimeSpan.FromHours(4));
        return new ExecResult(response.ExitCode, response.Stdout.Memory, response.Stderr.Memory);
    }

    public async Task<Uri> ExecAsync(ExecRequest request, CancellationToken cancellationToken) =>
        new((await CallAsync(o => _runtime.ExecAsync(request, o), cancellationToken)).Url);

    public async Task<Uri> AttachAsync(AttachRequest request, CancellationToken cancellationToken) =>
        new((await CallAsync(o => _runtime.AttachAsync(request, o), cancellationToken)).Url);

    public async Task<Uri> PortForwardAsync(PortForwardRequest request, CancellationToken cancellationToken) =>
        new((await CallAsync(o => _runtime.PortForwardAsync(request, o), cancellationToken)).Url);

    public async Task<ContainerStats> ContainerStatsAsync(string containerId, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.ContainerStatsAsync(new ContainerStatsRequest { ContainerId = containerId }, o), cancellationToken)).Stats;

    public async Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(ContainerStatsFilter? filter, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.ListContainerStatsAsync(new ListContainerStatsRequest { Filter = filter }, o), cancellationToken)).Stats;

    public async Task<IReadOnlyList<PodSandboxStats>> ListPodSandboxStatsAsync(PodSandboxStatsFilter? filter, CancellationToken cancellationToken) =>
        (await CallAsync(o => _runtime.ListPodSandboxStatsAsync(new ListPodSandboxStatsRequest { Filter = filter }, o), cancellationToken)).Stats;

    public async Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken cancellationToken) =>
        (await CallAsync(o => _images.ListImagesAsync(new ListImagesRequest(), o), cancellationToken)).Images;

    public async Task<Image?> ImageStatusAsync(string image, CancellationToken cancellationToken) =>
        (await CallAsync(o => _images.ImageStatusAsync(new ImageStatusRequest { Image = new ImageSpec { Image = image } }, o), cancellationToken)).Image;

    public async Task<string> PullImageAsync(string image, AuthConfig? auth, PodSandboxConfig? sandbox, CancellationToken cancellationToken) =>
        // A pull is as long as the network needs; the runtime itself gives up when no bytes come (image_pull_progress_timeout).
        (await CallAsync(o => _images.PullImageAsync(new PullImageRequest
        {
            Image = new ImageSpec { Image = image },
            Auth = auth,
            SandboxConfig = sandbox,
        }, o), cancellationToken, TimeSpan.FromHours(2))).ImageRef;

    public Task RemoveImageAsync(string image, CancellationToken cancellationToken) =>
        CallAsync(o => _images.RemoveImageAsync(new RemoveImageRequest { Image = new ImageSpec { Image = image } }, o), cancellationToken);

    public Task<ImageFsInfoResponse> ImageFsInfoAsync(CancellationToken cancellationToken) =>
        CallAsync(o => _images.ImageFsInfoAsync(new ImageFsInfoRequest(), o), cancellationToken);

    public async IAsyncEnumerable<RuntimeEvent> WatchEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var events = ContainerEventStream.SubscribeAsync(channel, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await NextAsync(events))
        {
            yield return new RuntimeEvent(events.Current.Type switch
            {
                TaskEventType.Subscribed => RuntimeEventType.Connected,
                TaskEventType.Started => RuntimeEventType.Started,
                TaskEventType.Exited => RuntimeEventType.Exited,
                TaskEventType.OutOfMemory => RuntimeEventType.OutOfMemory,
                _ => RuntimeEventType.Deleted,
            }, events.Current.Id, events.Current.ExitCode);
        }
    }

    private static async Task<bool> NextAsync(IAsyncEnumerator<TaskEvent> events)
    {
        try
        {
            return await events.MoveNextAsync();
        }
        catch (RpcException exception)
        {
            throw Translate(exception);
        }
    }

    private async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellationToken, TimeSpan? timeout = null)
    {
        try
        {
            using var answer = call(new CallOptions(deadline: (timeProvider.GetUtcNow() + (timeout ?? RequestTimeout)).UtcDateTime, cancellationToken: cancellationToken));
            return await answer.ResponseAsync;
        }
        catch (RpcException exception)
        {
            throw Translate(exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RuntimeException(RuntimeError.DeadlineExceeded, "the container runtime did not answer in time", exception);
        }
    }

    private static RuntimeException Translate(RpcException exception) => new(exception.StatusCode switch
    {
        StatusCode.NotFound => RuntimeError.NotFound,
        StatusCode.AlreadyExists => RuntimeError.AlreadyExists,
        StatusCode.DeadlineExceeded => RuntimeError.DeadlineExceeded,
        StatusCode.Unavailable => RuntimeError.Unavailable,
        StatusCode.InvalidArgument => RuntimeError.InvalidArgument,
        StatusCode.Unimplemented => RuntimeError.Unimplemented,
        _ => RuntimeError.Unknown,
    }, exception.Status.Detail, exception);
}
