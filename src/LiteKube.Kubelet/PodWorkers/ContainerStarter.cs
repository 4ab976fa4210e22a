using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Environment;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Runtime;
using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Brings one container up: image, configuration, create, start, postStart.</summary>
internal sealed class ContainerStarter(PodServices services)
{
    private readonly ContainerKiller _killer = new(services);

    /// <param name="record">Takes in each state of the new container as soon as it is known.</param>
    /// <exception cref="StartException">It waits, with reason and message.</exception>
    public async Task StartAsync(V1Pod pod, V1Container container, SandboxRecord sandbox, PodSandboxConfig sandboxConfig, PodVolumes volumes, PodSnapshot runtime,
        Action aboutToPull, Action<ContainerRecord> record, CancellationToken cancellationToken)
    {
        var about = ContainerEvents.Reference(pod, container.Name);
        var newest = runtime.Newest(container.Name);
        CheckBackoff(pod, container, newest);

        ContainerRecord created;
        try
        {
            var image = await services.Images.EnsureAsync(pod, container, sandboxConfig, aboutToPull, cancellationToken);
            var inputs = await PrepareAsync(pod, container, sandbox, volumes, runtime, image, newest is null ? 0 : newest.RestartCount + 1, cancellationToken);
            created = await CreateAsync(pod, container, sandbox, sandboxConfig, inputs, cancellationToken);
        }
        catch (StartException exception)
        {
            services.Events.Record(about, EventTypes.Warning, "Failed", $"Error: {(exception.Reason.StartsWith("Create", StringComparison.Ordinal) ? exception.Message : exception.Reason)}");
            throw;
        }
        record(created);
        services.Events.Record(about, EventTypes.Normal, "Created", "Container created");

        try
        {
            await services.Runtime.StartContainerAsync(created.Id, cancellationToken);
        }
        catch (RuntimeException exception)
        {
            record(await StatusAsync(created, cancellationToken));
            services.Events.Record(about, EventTypes.Warning, "Failed", $"Error: {exception.Message}");
            throw new StartException("RunContainerError", exception.Message, inner: exception);
        }
        services.Events.Record(about, EventTypes.Normal, "Started", "Container started");
        var started = await StatusAsync(created, cancellationToken);
        record(started);

        if (container.Lifecycle?.PostStart is { } hook)
            await PostStartAsync(pod, container, started, sandbox, hook, record, cancellationToken);
    }

    public async Task<ContainerRecord> StatusAsync(ContainerRecord container, CancellationToken cancellationToken) =>
        ContainerRecord.Of(await services.Runtime.ContainerStatusAsync(container.Id, cancellationToken), container.SandboxId);

    private void CheckBackoff(V1Pod pod, V1Container container, ContainerRecord? newest)
    {
        if (newest is not { Phase: ContainerPhase.Exited })
            return;
        var now = services.TimeProvider.GetUtcNow();
        var key = $"{pod.Metadata.Uid}_{container.Name}_{PodSpecs.HashOf(container)}";
        var failedAt = newest.FinishedAt ?? newest.CreatedAt;
        if (services.Restarts.WaitFor(key, failedAt, now) is { } wait)
        {
            services.Events.Record(ContainerEvents.Reference(pod, container.Name), EventTypes.Warning, "BackOff",
                $"Back-off restarting failed container {container.Name} in pod {PodSpecs.Describe(pod)}");
            throw new StartException("CrashLoopBackOff", $"back-off {GoText.Duration(wait.Delay)} restarting failed container={container.Name} pod={PodSpecs.Describe(pod)}", wait.Remaining);
        }
        services.Restarts.Next(key, failedAt, now);
    }

    private async Task<ContainerInputs> PrepareAsync(V1Pod pod, V1Container container, SandboxRecord sandbox, PodVolumes volumes, PodSnapshot runtime, Image image, int restartCount, CancellationToken cancellationToken)
    {
        try
        {
            var podIps = sandbox.IsHostNetwork ? services.HostIps : sandbox.Ips;
            var environment = await services.Environment.BuildAsync(pod, container, podIps, services.HostIps, cancellationToken);
            var mounts = await volumes.MountsForAsync(container, environment.Variables.ToDictionary(v => v.Key, v => v.Value, StringComparer.Ordinal), cancellationToken);
            var target = pod.Spec.EphemeralContainers?.FirstOrDefault(e => e.Name == container.Name)?.TargetContainerName;
            return new ContainerInputs(restartCount, image.Id, image, environment, mounts, volumes.DevicesFor(container), services.Files.WriteHosts(pod, podIps),
                services.Files.CreateTerminationMessageFile(pod, container.Name, restartCount), string.IsNullOrEmpty(target) ? null : runtime.Newest(target)?.Id);
        }
        catch (Exception exception) when (exception is ConfigException or VolumeException or KubeApiException or TimeoutException)
        {
            throw new StartException("CreateContainerConfigError", exception.Message, inner: exception);
        }
    }

    private async Task<ContainerRecord> CreateAsync(V1Pod pod, V1Container container, SandboxRecord sandbox, PodSandboxConfig sandboxConfig, ContainerInputs inputs, CancellationToken cancellationToken)
    {
        ContainerConfig config;
        try
        {
            config = services.Configs.Container(pod, container, inputs);
        }
        catch (ConfigException exception)
        {
            throw new StartException("CreateContainerConfigError", exception.Message, inner: exception);
        }
        Directory.CreateDirectory(Path.Combine(sandboxConfig.LogDirectory, container.Name));
        try
        {
            var id = await services.Runtime.CreateContainerAsync(sandbox.Id, config, sandboxConfig, cancellationToken);
            return new ContainerRecord
            {
                Id = id,
                Name = container.Name,
                SandboxId = sandbox.Id,
                RestartCount = inputs.RestartCount,
                Hash = PodSpecs.HashOf(container),
                Phase = ContainerPhase.Created,
                CreatedAt = services.TimeProvider.GetUtcNow(),
                Image = container.Image ?? "",
                ImageId = inputs.ImageRef,
                LogPath = Path.Combine(sandboxConfig.LogDirectory, config.LogPath),
                Annotations = config.Annotations,
            };
        }
        catch (RuntimeException exception) when (exception.Error != RuntimeError.Unavailable)
        {
            throw new StartException("CreateContainerError", exception.Message, inner: exception);
        }
    }

    private async Task PostStartAsync(V1Pod pod, V1Container container, ContainerRecord started, SandboxRecord sandbox, V1LifecycleHandler hook, Action<ContainerRecord> record, CancellationToken cancellationToken)
    {
        var podIp = (sandbox.IsHostNetwork ? services.HostIps : sandbox.Ips).FirstOrDefault() ?? "";
        if (await services.Hooks.RunAsync(pod, container, started.Id, podIp, hook, cancellationToken) is not { } failure)
            return;
        services.Events.Record(ContainerEvents.Reference(pod, container.Name), EventTypes.Warning, "FailedPostStartHook", "PostStartHook failed");
        await _killer.KillAsync(pod, container, started, podIp, "FailedPostStartHook", PodSpecs.GracePeriodOf(pod), () => null, cancellationToken);
        record(await StatusAsync(started, cancellationToken));
        throw new StartException("PostStartHookError", failure);
    }
}
