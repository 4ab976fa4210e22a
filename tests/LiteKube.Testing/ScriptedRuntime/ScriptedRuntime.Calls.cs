using LiteKube.Cri.V1;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Testing;

public sealed partial class ScriptedRuntime
{
    public async Task<string> RunPodSandboxAsync(PodSandboxConfig config, string runtimeHandler, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        Note($"RunPodSandbox {config.Metadata.Name}");
        lock (_lock)
        {
            var id = NewId("sandbox");
            var network = config.Linux.SecurityContext.NamespaceOptions.Network;
            _sandboxes[id] = new PodSandboxStatus
            {
                Id = id,
                Metadata = config.Metadata,
                State = PodSandboxState.SandboxReady,
                CreatedAt = Now(),
                Labels = { config.Labels },
                Annotations = { config.Annotations },
                Linux = new LinuxPodSandboxStatus { Namespaces = new Namespace { Options = new NamespaceOption { Network = network } } },
                Network = network == NamespaceMode.Node ? null : new PodSandboxNetworkStatus { Ip = $"10.1.0.{_sandboxes.Count + 2}" },
            };
            return id;
        }
    }

    public async Task StopPodSandboxAsync(string sandboxId, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        Note($"StopPodSandbox {sandboxId}");
        lock (_lock)
        {
            if (!_sandboxes.TryGetValue(sandboxId, out var sandbox))
                throw NotFound(sandboxId);
            sandbox.State = PodSandboxState.SandboxNotready;
            foreach (var container in _containers.Values.Where(c => c.SandboxId == sandboxId).ToList())
                End(container, 137, "Error");
        }
    }

    public async Task RemovePodSandboxAsync(string sandboxId, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        Note($"RemovePodSandbox {sandboxId}");
        lock (_lock)
        {
            _sandboxes.Remove(sandboxId);
            foreach (var container in _containers.Values.Where(c => c.SandboxId == sandboxId).ToList())
                _containers.Remove(container.Status.Id);
        }
    }

    public async Task<PodSandboxStatus> PodSandboxStatusAsync(string sandboxId, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        lock (_lock)
            return _sandboxes.TryGetValue(sandboxId, out var sandbox) ? sandbox.Clone() : throw NotFound(sandboxId);
    }

    public async Task<IReadOnlyList<PodSandbox>> ListPodSandboxesAsync(PodSandboxFilter? filter, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        lock (_lock)
        {
            return [.. _sandboxes.Values.Where(s => Matches(filter?.LabelSelector, s.Labels)).Select(s => new PodSandbox
            {
                Id = s.Id,
                Metadata = s.Metadata,
                State = s.State,
                CreatedAt = s.CreatedAt,
                Labels = { s.Labels },
                Annotations = { s.Annotations },
            })];
        }
    }

    public async Task<string> CreateContainerAsync(string sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        Note($"CreateContainer {config.Metadata.Name}");
        lock (_lock)
        {
            var id = NewId("container");
            var status = new ContainerStatus
            {
                Id = id,
                Metadata = config.Metadata,
                State = ContainerState.ContainerCreated,
                CreatedAt = Now(),
                Image = config.Image,
                ImageRef = config.Image.Image,
                Labels = { config.Labels },
                Annotations = { config.Annotations },
                LogPath = Path.Combine(sandboxConfig.LogDirectory, config.LogPath),
            };
            _containers[id] = new ScriptedContainer(status, sandboxId, Scripts.GetValueOrDefault(config.Metadata.Name, new ContainerScript()));
            return id;
        }
    }

    public async Task StartContainerAsync(string containerId, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        lock (_lock)
        {
            var container = _containers[containerId];
            Note($"StartContainer {container.Status.Metadata.Name}");
            container.Status.State = ContainerState.ContainerRunning;
            container.Status.StartedAt = Now();
            Tell(new RuntimeEvent(RuntimeEventType.Started, containerId));
            if (container.Script.ExitAtOnce is { } code)
                End(container, code, code == 0 ? "Completed" : "Error");
        }
    }

    public async Task StopContainerAsync(string containerId, TimeSpan grace, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        ScriptedContainer? container;
        // Armed before the call is noted: a test that has seen the call may let the time pass.
        var over = Task.Delay(grace, timeProvider, cancellationToken);
        lock (_lock)
        {
            if (!_containers.TryGetValue(containerId, out container))
                throw NotFound(containerId);
            Note($"StopContainer {container.Status.Metadata.Name} {grace.TotalSeconds:0}");
            if (!container.Script.IgnoresStop || grace == TimeSpan.Zero)
                End(container, container.Script.IgnoresStop ? 137 : 143, "Error");
        }
        await Task.WhenAny(container.Ended.Task, over);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
            End(container, 137, "Error");
    }

    public async Task RemoveContainerAsync(string containerId, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        Note($"RemoveContainer {containerId}");
        lock (_lock)
            _containers.Remove(containerId);
    }

    public async Task<IReadOnlyList<Container>> ListContainersAsync(ContainerFilter? filter, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        lock (_lock)
        {
            return [.. _containers.Values.Where(c => Matches(filter?.LabelSelector, c.Status.Labels)).Select(c => new Container
            {
                Id = c.Status.Id,
                PodSandboxId = c.SandboxId,
                Metadata = c.Status.Metadata,
                State = c.Status.State,
                CreatedAt = c.Status.CreatedAt,
                Labels = { c.Status.Labels },
                Annotations = { c.Status.Annotations },
            })];
        }
    }

    public async Task<ContainerStatus> ContainerStatusAsync(string containerId, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        lock (_lock)
            return _containers.TryGetValue(containerId, out var container) ? container.Status.Clone() : throw NotFound(containerId);
    }

    public async Task<Image?> ImageStatusAsync(string image, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        return Images.GetValueOrDefault(image);
    }

    public async Task<string> PullImageAsync(string image, AuthConfig? auth, PodSandboxConfig? sandbox, CancellationToken cancellationToken)
    {
        await AnswerAsync(cancellationToken);
        Note($"PullImage {image}");
        var pulled = Pull(image);
        Images[image] = pulled;
        return pulled.Id;
    }

    public Task<VersionResponse> VersionAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new VersionResponse { Version = "0.1.0", RuntimeName = "containerd", RuntimeVersion = "1.6.0", RuntimeApiVersion = "v1" });

    public Task<StatusResponse> StatusAsync(bool verbose, CancellationToken cancellationToken) => Task.FromResult(new StatusResponse());
    public Task UpdateRuntimeConfigAsync(string podCidr, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task UpdateContainerResourcesAsync(string containerId, LinuxContainerResources resources, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task ReopenContainerLogAsync(string containerId, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<ExecResult> ExecSyncAsync(string containerId, IReadOnlyList<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        Note($"ExecSync {string.Join(' ', command)}");
        return Task.FromResult(new ExecResult(0, default, default));
    }

    private Task<Uri> StreamingAsync(object request)
    {
        StreamRequests.Enqueue(request);
        return Task.FromResult(StreamingUrl ?? throw Unscripted());
    }

    public Task<Uri> ExecAsync(ExecRequest request, CancellationToken cancellationToken) => StreamingAsync(request);
    public Task<Uri> AttachAsync(AttachRequest request, CancellationToken cancellationToken) => StreamingAsync(request);
    public Task<Uri> PortForwardAsync(PortForwardRequest request, CancellationToken cancellationToken) => StreamingAsync(request);
    public Task<ContainerStats> ContainerStatsAsync(string containerId, CancellationToken cancellationToken) => throw Unscripted();
    public Task<IReadOnlyList<ContainerStats>> ListContainerStatsAsync(ContainerStatsFilter? filter, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ContainerStats>>([]);
    public Task<IReadOnlyList<PodSandboxStats>> ListPodSandboxStatsAsync(PodSandboxStatsFilter? filter, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<PodSandboxStats>>([]);
    public Task<IReadOnlyList<Image>> ListImagesAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Image>>([.. Images.Values]);
    public Task RemoveImageAsync(string image, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task<ImageFsInfoResponse> ImageFsInfoAsync(CancellationToken cancellationToken) => Task.FromResult(new ImageFsInfoResponse());

    /// <summary>A real answer never comes on the caller's stack.</summary>
    private static async Task AnswerAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private static bool Matches(IDictionary<string, string>? selector, IDictionary<string, string> labels) =>
        selector is null || selector.All(s => labels.TryGetValue(s.Key, out var value) && value == s.Value);

    private static RuntimeException Unscripted() => new(RuntimeError.Unimplemented, "the scripted runtime has no streaming server");
}
