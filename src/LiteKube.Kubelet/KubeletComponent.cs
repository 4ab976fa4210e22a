using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Cri;
using LiteKube.Kubelet.Cgroups;
using LiteKube.Kubelet.Containerd;
using LiteKube.Kubelet.Environment;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Node;
using LiteKube.Kubelet.Pleg;
using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Probes;
using LiteKube.Kubelet.Runtime;
using LiteKube.Kubelet.Server;
using LiteKube.Kubelet.Status;
using LiteKube.Kubelet.Volumes;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet;

/// <summary>
/// The node agent: starts (or adopts) containerd, takes up the pods that are there, follows the API's pods of this
/// node, and reports. Stopping it stops none of the pods.
/// </summary>
/// <param name="security">Null leaves the kubelet's own server out (logs, exec, port-forward).</param>
/// <param name="existingRuntime">A runtime that is there already, in place of a containerd of its own.</param>
public sealed class KubeletComponent(KubeletOptions options, KubeletServerSecurity? security, IKubeClient client, ISharedInformers informers, IEventRecorderFactory eventRecorders,
    KubeletNetwork network, ILoggerFactory loggers, TimeProvider timeProvider, IRuntime? existingRuntime = null) : IComponent, IAsyncDisposable
{
    /// <summary>A runtime that is only started again is no reason to move pods elsewhere: so long the node stays Ready, as Kubernetes' own does.</summary>
    private static readonly TimeSpan RuntimeTolerance = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<IDisposable> _disposables = [];
    private readonly List<Task> _loops = [];
    private readonly ILogger _logger = loggers.CreateLogger<KubeletComponent>();
    private ContainerdSupervisor? _containerd;
    private KubeletServer? _server;
    private PodLifecycleEvents? _pleg;
    private PodWorkerSet? _workers;
    private NodeRegistrar? _node;
    private PodCgroups? _cgroups;
    private IDisposable? _podHandler;
    private bool _stopped;
    private long? _runtimeDownSince;

    public string Name => "kubelet";

    public ComponentHealth Health
    {
        get
        {
            if ((RuntimeProblem() ?? NetworkProblem()) is { } reason)
                return ComponentHealth.NotReady(reason);
            return _node?.Node?.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready") is { Status: "True" } ? ComponentHealth.Ready
                : ComponentHealth.NotReady($"node {options.NodeName} has not been reported Ready to the API server yet");
        }
    }

    /// <summary>The pods of this node, once started.</summary>
    public IPodDirectory Pods => _workers ?? throw new InvalidOperationException("the kubelet has not been started");

    /// <summary>Looks at the node's readiness now: the network became ready, or is no longer.</summary>
    public void NodeChanged() => _node?.Wake();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.DataDir);
        Directory.CreateDirectory(options.PodsDir);
        Directory.CreateDirectory(options.PodLogsDir);
        var runtime = existingRuntime ?? await StartContainerdAsync(cancellationToken);
        var events = eventRecorders.Create("kubelet", options.NodeName);
        var services = CreateServices(runtime, events);
        _node = new NodeRegistrar(options, client, runtime, informers.Get<V1Node>(), events, NodeNotReadyReason, () => _server?.Port ?? options.Port, timeProvider, loggers.CreateLogger<NodeRegistrar>());
        _workers = new PodWorkerSet(services, () => _node.Node, _stopping.Token);

        var found = await RuntimePods.ListAsync(runtime, cancellationToken);
        _workers.Recover(found.ToDictionary(p => p.Key, p => p.Value.Snapshot));
        if (security is not null)
        {
            _server = new KubeletServer(options, security, _workers, loggers, timeProvider);
            await _server.StartAsync(cancellationToken);
        }

        var pods = informers.Get<V1Pod>();
        _pleg = new PodLifecycleEvents(runtime, _workers, () => pods.HasSynced ? UidsOf(pods) : null, timeProvider, loggers.CreateLogger<PodLifecycleEvents>());
        _loops.Add(_pleg.RunAsync(_stopping.Token));
        await _pleg.WhenConnectedAsync().WaitAsync(cancellationToken);
        _loops.Add(_node.RunAsync(_stopping.Token));
        _loops.Add(new LogRotation(services, _workers).RunAsync(_stopping.Token));
        _podHandler = pods.AddHandler(new InformerHandler<V1Pod>(Take, (_, pod) => Take(pod), pod =>
        {
            if (IsOurs(pod))
                _workers.Remove(pod);
        }));
        _loops.Add(RemoveOrphansAsync(pods, runtime));
        KubeletLog.Started(_logger, options.NodeName, found.Count);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_stopped)
            return;
        _stopped = true;
        await _stopping.CancelAsync();
        _podHandler?.Dispose();
        if (_server is not null)
            await _server.StopAsync(cancellationToken);
        await Task.WhenAll(_loops).WaitAsync(cancellationToken);
        if (_workers is not null)
            await _workers.WhenStoppedAsync().WaitAsync(cancellationToken);
        foreach (var disposable in _disposables)
            disposable.Dispose();
        if (_containerd is not null)
            await _containerd.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        if (_server is not null)
            await _server.DisposeAsync();
        _stopping.Dispose();
    }

    private void Take(V1Pod pod)
    {
        if (IsOurs(pod))
            _workers!.Apply(pod);
    }

    private bool IsOurs(V1Pod pod) => pod.Spec?.NodeName == options.NodeName;

    private async Task<IRuntime> StartContainerdAsync(CancellationToken cancellationToken)
    {
        _containerd = new ContainerdSupervisor(options, timeProvider, loggers.CreateLogger<ContainerdSupervisor>());
        _containerd.Restarted += () => _node?.Wake();
        await _containerd.StartAsync(cancellationToken);
        var channel = new RuntimeChannel(options.ContainerdSocket);
        _disposables.Add(channel);
        var runtime = new CriRuntime(channel, timeProvider);
        if (await runtime.ImageStatusAsync(options.PauseImage, cancellationToken) is null)
        {
            var tar = new MemoryStream();
            PauseImage.Create(options.PauseImage).WriteTar(tar);
            tar.Position = 0;
            await new ImageImporter(channel, options.DataDir, timeProvider).ImportAsync(tar, null, cancellationToken);
        }
        return runtime;
    }

    private PodServices CreateServices(IRuntime runtime, IEventRecorder events)
    {
        var objects = new PodObjects(client, loggers, timeProvider);
        var volumes = new VolumeHost(new VolumeHostServices
        {
            Options = options,
            Client = client,
            Objects = objects,
            Loggers = loggers,
            Time = timeProvider,
            NodeAllocatable = () => _node?.Node?.Status?.Allocatable,
            Warn = (pod, reason, message) => events.Record(ContainerEvents.Reference(pod), EventTypes.Warning, reason, message),
        });
        var prober = new Prober(runtime, events, timeProvider);
        // Another runtime than our own sees to its cgroups itself.
        var mounts = existingRuntime is null ? CgroupMounts.Read() : CgroupMounts.None;
        var cgroups = _cgroups = new PodCgroups(options.CgroupName, HostCapabilities.SystemdIsInit(), mounts, loggers.CreateLogger<PodCgroups>());
        var files = new PodFiles(options);
        var hooks = new LifecycleHooks(runtime, timeProvider);
        _disposables.AddRange([prober, volumes, objects, hooks]);
        return new PodServices
        {
            Options = options,
            Runtime = runtime,
            Client = client,
            Volumes = volumes,
            Environment = new ContainerEnvironment(objects, informers.Get<V1Service>(), options, () => _node?.Node?.Status?.Allocatable),
            Prober = prober,
            Events = events,
            Images = new ImagePuller(runtime, new PullSecrets(objects, loggers.CreateLogger<PullSecrets>()), events, timeProvider, loggers.CreateLogger<ImagePuller>()),
            Cgroups = cgroups,
            Files = files,
            Configs = new RuntimeConfigs(options, files, new PodDns(options), cgroups, new ContainerResources(MachineInfo.MemoryKilobytes("MemTotal") * 1024, mounts.IsV2)),
            Hooks = hooks,
            StatusWriter = new PodStatusWriter(client, timeProvider, loggers.CreateLogger<PodStatusWriter>(), _stopping.Token),
            Network = network,
            TimeProvider = timeProvider,
            Logger = loggers.CreateLogger<PodWorkerSet>(),
            Starts = new SemaphoreSlim(options.ParallelPodStarts),
        };
    }

    /// <summary>Once the API's pods are known, what is left of others on this node is removed: runtime, directories, cgroups.</summary>
    private async Task RemoveOrphansAsync(IInformer<V1Pod> pods, IRuntime runtime)
    {
        try
        {
            await pods.WaitForSyncAsync(_stopping.Token);
            var left = await RuntimePods.ListAsync(runtime, _stopping.Token);
            var isInApi = UidsOf(pods);
            _workers!.RemoveOrphans(left, isInApi);
            bool IsGone(string uid) => !isInApi(uid) && _workers.Find(uid) is null;
            foreach (var (uid, qosClass) in _cgroups!.Existing().Where(c => IsGone(c.PodUid)))
                await _cgroups.RemoveAsync(uid, qosClass, _stopping.Token);
            var files = new PodFiles(options);
            foreach (var directory in Directory.EnumerateDirectories(options.PodLogsDir).Where(d => IsGone(d[(d.LastIndexOf('_') + 1)..])))
                Directory.Delete(directory, recursive: true);
            foreach (var uid in Directory.EnumerateDirectories(options.PodsDir).Select(d => Path.GetFileName(d)!).Where(IsGone))
            {
                await _workers.Volumes.UnmountAsync(uid, _stopping.Token);
                files.Remove("", "", uid);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception exception) when (exception is RuntimeException or IOException or UnauthorizedAccessException)
        {
            KubeletLog.OrphansNotRemoved(_logger, exception);
        }
    }

    private Func<string, bool> UidsOf(IInformer<V1Pod> pods) => pods.List().Where(IsOurs).Select(p => p.Metadata.Uid).ToHashSet(StringComparer.Ordinal).Contains;

    private string? NodeNotReadyReason()
    {
        if (RuntimeProblem() is not { } problem)
        {
            _runtimeDownSince = null;
            return NetworkProblem();
        }
        _runtimeDownSince ??= timeProvider.GetTimestamp();
        return timeProvider.GetElapsedTime(_runtimeDownSince.Value) > RuntimeTolerance ? problem : NetworkProblem();
    }

    private string? RuntimeProblem()
    {
        if (_containerd?.Health is { IsReady: false } containerd)
            return $"container runtime is down: {containerd.Message}";
        return _pleg is { IsHealthy: false } ? "container runtime is down: its events do not arrive" : null;
    }

    private string? NetworkProblem() => network.NotReadyReason() is { } reason ? $"container runtime network not ready: {reason}" : null;
}

internal static partial class KubeletLog
{
    [LoggerMessage(EventId = 3601, Level = LogLevel.Information, Message = "Kubelet of node {Node} runs; {Pods} pods are there from before")]
    public static partial void Started(ILogger logger, string node, int pods);

    [LoggerMessage(EventId = 3602, Level = LogLevel.Warning, Message = "What pods of the past left could not all be removed")]
    public static partial void OrphansNotRemoved(ILogger logger, Exception exception);
}
