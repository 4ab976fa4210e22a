using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Kubelet.Tests.Containerd;

public sealed class KubeletOnContainerdTests
{
    private static CancellationToken Bound => new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token;

    [RealContainerdFact]
    public async Task A_pod_becomes_ready_outlives_the_kubelet_and_is_removed_when_deleted()
    {
        await using var containerd = await RealContainerd.StartAsync(Bound);
        await containerd.ImportAsync(RealContainerd.Busybox(), Bound);
        var node = await RealNode.StartAsync(containerd, null, Bound);
        var kube = node.Kube;
        node.Pod("a", null, "sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.05; done");
        var ready = await node.WaitAsync("a", IsReady, "pod a Ready");
        Assert.Equal("Running", ready!.Status.Phase);
        Assert.Equal("docker.io/library/busybox:1.36", ready.Status.ContainerStatuses[0].Image);
        Assert.Equal("127.0.0.1", ready.Status.PodIP);
        Assert.Equal("BestEffort", ready.Status.QosClass);
        var id = ready.Status.ContainerStatuses[0].ContainerID;
        await kube.WaitForAsync<V1Node>(null, "node-a", n => n?.Status?.Conditions?.Any(c => c.Type == "Ready" && c.Status == "True") == true, "node Ready");
        await node.DisposeAsync();

        await using var again = await RealNode.StartAsync(containerd, kube, Bound);
        again.Pod("b");
        await again.WaitAsync("b", IsReady, "pod b Ready");
        var still = kube.Find<V1Pod>("default", "a")!;
        Assert.True(IsReady(still));
        Assert.Equal((id, 0), (still.Status.ContainerStatuses[0].ContainerID, still.Status.ContainerStatuses[0].RestartCount));

        await kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(), Bound);
        await again.WaitAsync("a", p => p is null, "pod a gone");
        Assert.DoesNotContain(await containerd.Runtime.ListContainersAsync(null, Bound), c => "containerd://" + c.Id == id && c.State == Cri.V1.ContainerState.ContainerRunning);
        Assert.Contains(kube.All<Corev1Event>("default"), e => e.Reason == "Started" && e.InvolvedObject.FieldPath == "spec.containers{main}");
    }

    [RealContainerdFact]
    public async Task A_container_that_ends_is_restarted_at_once_and_then_backed_off_with_its_last_words_kept()
    {
        await using var containerd = await RealContainerd.StartAsync(Bound);
        await containerd.ImportAsync(RealContainerd.Busybox(), Bound);
        await using var node = await RealNode.StartAsync(containerd, null, Bound);
        node.Pod("crash", null, "sh", "-c", "echo -n bye > /dev/termination-log; exit 3");
        var waiting = await node.WaitAsync("crash", p => p?.Status?.ContainerStatuses?[0].State.Waiting?.Reason == "CrashLoopBackOff", "CrashLoopBackOff");
        var status = waiting!.Status.ContainerStatuses[0];
        Assert.Equal(1, status.RestartCount);
        Assert.Equal(("Error", 3, "bye"), (status.LastState.Terminated.Reason, status.LastState.Terminated.ExitCode, status.LastState.Terminated.Message));
        Assert.Equal($"back-off 10s restarting failed container=main pod=crash_default({waiting.Metadata.Uid})", status.State.Waiting!.Message);
        Assert.Equal("Running", waiting.Status.Phase);
    }

    [RealContainerdFact]
    public async Task Init_containers_run_in_order_sidecars_go_on_and_the_pod_succeeds()
    {
        await using var containerd = await RealContainerd.StartAsync(Bound);
        await containerd.ImportAsync(RealContainerd.Busybox(), Bound);
        await using var node = await RealNode.StartAsync(containerd, null, Bound);
        V1VolumeMount[] mounts = [new V1VolumeMount { Name = "shared", MountPath = "/shared" }];
        node.Pod("job", spec =>
        {
            spec.RestartPolicy = "Never";
            spec.Volumes = [new V1Volume { Name = "shared", EmptyDir = new V1EmptyDirVolumeSource() }];
            spec.InitContainers =
            [
                new V1Container { Name = "one", Image = "busybox:1.36", Command = ["sh", "-c", "echo one >> /shared/log"], VolumeMounts = mounts },
                new V1Container { Name = "side", Image = "busybox:1.36", RestartPolicy = "Always", Command = ["sleep", "1000"], VolumeMounts = mounts },
                new V1Container { Name = "two", Image = "busybox:1.36", Command = ["sh", "-c", "echo two >> /shared/log"], VolumeMounts = mounts },
            ];
            spec.Containers[0].Command = ["sh", "-c", "cat /shared/log > /dev/termination-log"];
            spec.Containers[0].VolumeMounts = mounts;
        });
        var done = await node.WaitAsync("job", p => p?.Status?.Phase == "Succeeded", "pod Succeeded");
        Assert.Equal("one\ntwo\n", done!.Status.ContainerStatuses[0].State.Terminated.Message);
        Assert.All(done.Status.InitContainerStatuses, s => Assert.NotNull(s.State.Terminated));
        Assert.Equal("PodCompleted", done.Status.Conditions.Single(c => c.Type == "Ready").Reason);
    }

    private static bool IsReady(V1Pod? pod) => pod?.Status?.Conditions?.Any(c => c.Type == "Ready" && c.Status == "True") == true;
}
