using LiteKube.Cri.V1;
using LiteKube.Kubelet.Containerd;
using LiteKube.Kubelet.Images;
using LiteKube.Kubelet.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Kubelet.Tests.Containerd;

public sealed class SupervisedContainerdTests
{
    private static readonly CancellationToken Bound = new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [RealContainerdFact]
    public async Task A_container_of_an_imported_image_runs_tells_its_end_and_leaves_nothing_after_the_teardown()
    {
        await using var node = await RealContainerd.StartAsync(Bound);
        await node.ImportAsync(PauseImage.Create(node.Options.PauseImage), Bound);
        Assert.Equal(["docker.io/library/busybox:1.36"], await node.ImportAsync(RealContainerd.Busybox(), Bound));
        Assert.NotNull(await node.Runtime.ImageStatusAsync("busybox:1.36", Bound));

        await using var events = node.Runtime.WatchEventsAsync(Bound).GetAsyncEnumerator(Bound);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(RuntimeEventType.Connected, events.Current.Type);

        var sandboxConfig = SandboxConfig(node, "a");
        var sandbox = await node.Runtime.RunPodSandboxAsync(sandboxConfig, "", Bound);
        var container = await node.Runtime.CreateContainerAsync(sandbox, ContainerConfig("main", "exit 7"), sandboxConfig, Bound);
        await node.Runtime.StartContainerAsync(container, Bound);

        while (events.Current != new RuntimeEvent(RuntimeEventType.Exited, container, 7))
            Assert.True(await events.MoveNextAsync(), "no exit event came");
    }

    [RealContainerdFact]
    public async Task A_containerd_from_before_is_adopted_and_its_container_goes_on_through_a_restart_of_containerd()
    {
        await using var node = await RealContainerd.StartAsync(Bound);
        await node.ImportAsync(PauseImage.Create(node.Options.PauseImage), Bound);
        await node.ImportAsync(RealContainerd.Busybox(), Bound);
        var sandboxConfig = SandboxConfig(node, "b");
        var sandbox = await node.Runtime.RunPodSandboxAsync(sandboxConfig, "", Bound);
        var container = await node.Runtime.CreateContainerAsync(sandbox, ContainerConfig("main", "sleep 1000"), sandboxConfig, Bound);
        await node.Runtime.StartContainerAsync(container, Bound);
        var first = node.Supervisor.ProcessId;

        await node.Supervisor.DisposeAsync();
        await using var second = node.NewSupervisor();
        await second.StartAsync(Bound);
        Assert.Equal(first, second.ProcessId);

        var restarted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        second.Restarted += () => restarted.TrySetResult();
        Assert.Equal(0, Native.Kill(first, Native.SigKill));
        await restarted.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.NotEqual(first, second.ProcessId);
        Assert.Equal(ContainerState.ContainerRunning, (await node.Runtime.ContainerStatusAsync(container, Bound)).State);
    }

    [RealContainerdFact]
    public async Task A_teardown_without_a_living_containerd_kills_what_runs_and_leaves_nothing()
    {
        await using var node = await RealContainerd.StartAsync(Bound);
        await node.ImportAsync(PauseImage.Create(node.Options.PauseImage), Bound);
        await node.Runtime.RunPodSandboxAsync(SandboxConfig(node, "c"), "", Bound);
        Assert.Contains(node.Teardown.Remaining(), line => line.StartsWith("process ", StringComparison.Ordinal) && line.Contains("shim", StringComparison.Ordinal));
        await node.Supervisor.TerminateAsync(Bound);

        // The program cannot be started any more: the teardown must do without.
        var remaining = await new NodeTeardown(node.Options with { ContainerdPath = "/nonexistent" }, TimeProvider.System, NullLoggerFactory.Instance).RunAsync(Bound);

        Assert.Empty(remaining);
    }

    private static PodSandboxConfig SandboxConfig(RealContainerd node, string name) => new()
    {
        Metadata = new PodSandboxMetadata { Name = name, Uid = name, Namespace = "default" },
        LogDirectory = Path.Combine(node.Options.PodLogsDir, name),
        Linux = new LinuxPodSandboxConfig
        {
            CgroupParent = $"/{node.Options.CgroupName}/pod{name}",
            SecurityContext = new LinuxSandboxSecurityContext { NamespaceOptions = new NamespaceOption { Network = NamespaceMode.Node } },
        },
    };

    private static ContainerConfig ContainerConfig(string name, string script) => new()
    {
        Metadata = new ContainerMetadata { Name = name },
        Image = new ImageSpec { Image = RealContainerd.BusyboxImage },
        Command = { "sh", "-c", script },
        LogPath = name + ".log",
        Linux = new LinuxContainerConfig { SecurityContext = new LinuxContainerSecurityContext { NamespaceOptions = new NamespaceOption { Network = NamespaceMode.Node } } },
    };
}
