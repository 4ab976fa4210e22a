using k8s.Models;
using LiteKube.Client;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.Runtime;
using LiteKube.Testing;

namespace LiteKube.Kubelet.Tests.PodWorkers;

public sealed class PodLifecycleTests
{
    [Fact]
    public async Task A_pod_costs_one_sandbox_one_container_and_at_most_two_status_writes()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        var pod = await node.ReadyAsync("a");
        Assert.Equal(["RunPodSandbox a", "CreateContainer main", "StartContainer main"], node.Runtime.CallNames);
        Assert.InRange(node.Kube.Requests.Count(r => r.StartsWith("PATCH", StringComparison.Ordinal) && r.Contains("/pods/a/status", StringComparison.Ordinal)), 1, 2);
        Assert.Equal(("Running", "10.1.0.2", "192.0.2.1"), (pod!.Status.Phase, pod.Status.PodIP, pod.Status.HostIP));
        Assert.Equal(["ContainersReady", "Initialized", "PodReadyToStartContainers", "PodScheduled", "Ready"], pod.Status.Conditions.Where(c => c.Status == "True").Select(c => c.Type).Order());
    }

    [Fact]
    public async Task A_crashing_container_is_restarted_after_10_20_40_seconds()
    {
        await using var node = await TestNode.StartAsync();
        node.Runtime.Scripts["main"] = new ContainerScript(ExitAtOnce: 1);
        node.Pod("a");
        await TestNode.UntilAsync(() => node.TimesOf("StartContainer main").Count >= 2, "the first restart, at once");
        await node.DriveAsync(() => node.TimesOf("StartContainer main").Count >= 5, "a fifth start");
        var starts = node.TimesOf("StartContainer main");
        var gaps = starts.Zip(starts.Skip(1), (a, b) => (b - a).TotalSeconds).ToList();
        Assert.All(gaps.Skip(1).Zip([10, 20, 40]), p => Assert.True(p.First >= p.Second, $"restarted after {p.First} s, not {p.Second}"));
    }

    [Fact]
    public async Task A_restart_of_the_program_touches_no_container_and_keeps_the_pods_status()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        var before = await node.ReadyAsync("a");
        var calls = node.Runtime.Calls.Count;
        await node.RestartAsync();
        node.Pod("b");
        await node.ReadyAsync("b");
        Assert.All(node.Runtime.CallNames.Skip(calls), call => Assert.DoesNotContain("Stop", call, StringComparison.Ordinal));
        var after = node.Kube.Find<V1Pod>("default", "a")!;
        Assert.Equal(before!.Status.ContainerStatuses[0].ContainerID, after.Status.ContainerStatuses[0].ContainerID);
        Assert.Equal(before.Status.Conditions.Single(c => c.Type == "Ready").LastTransitionTime, after.Status.Conditions.Single(c => c.Type == "Ready").LastTransitionTime);
    }

    [Fact]
    public async Task What_ended_while_the_program_was_away_is_found_and_restarted()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        await node.ReadyAsync("a");
        await node.RestartAsync(() => node.Runtime.Exit(node.Runtime.RunningContainer("main")!, 2));
        var pod = await node.WaitAsync("a", p => p?.Status?.ContainerStatuses?[0].RestartCount == 1 && TestNode.IsReady(p), "a restart");
        Assert.Equal(2, pod!.Status.ContainerStatuses[0].LastState.Terminated.ExitCode);
    }

    [Fact]
    public async Task While_the_API_server_is_away_nothing_is_ended()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        await node.ReadyAsync("a");
        await node.RestartAsync(() => node.Kube.Intercept = _ => throw new HttpRequestException("the API server is away"));
        var since = node.Time.GetUtcNow();
        await node.DriveAsync(() => node.Time.GetUtcNow() - since > TimeSpan.FromMinutes(3), "three minutes");
        Assert.NotNull(node.Runtime.RunningContainer("main"));
        node.Kube.Intercept = null;
        node.Pod("b");
        await node.DriveAsync(() => TestNode.IsReady(node.Kube.Find<V1Pod>("default", "b")), "pod b Ready");
        Assert.DoesNotContain(node.Runtime.CallNames, call => call.StartsWith("Stop", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pod_that_vanished_while_the_program_was_away_is_removed_from_the_runtime()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        await node.ReadyAsync("a");
        node.Kube.GracefulPods = false;
        await node.RestartAsync(() => node.Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(0), CancellationToken.None).GetAwaiter().GetResult());
        await node.DriveAsync(() => node.Runtime.CallNames.Any(c => c.StartsWith("RemovePodSandbox", StringComparison.Ordinal)), "the removal of the sandbox");
        Assert.Null(node.Runtime.RunningContainer("main"));
    }

    [Fact]
    public async Task After_a_reboot_each_pod_gets_a_new_sandbox_and_its_container_starts_again()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        await node.ReadyAsync("a");
        await node.RestartAsync(node.Runtime.Reboot);
        await node.WaitAsync("a", p => p?.Status?.ContainerStatuses?[0] is { RestartCount: 1, Ready: true }, "the container running again");
        Assert.Equal(2, node.Runtime.CallNames.Count(c => c == "RunPodSandbox a"));
    }

    [Fact]
    public async Task A_deletion_waits_for_the_grace_period_and_a_shorter_one_overtakes_it()
    {
        await using var node = await TestNode.StartAsync();
        node.Runtime.Scripts["main"] = new ContainerScript(IgnoresStop: true);
        node.Pod("a");
        await node.ReadyAsync("a");
        await node.Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(), CancellationToken.None);
        await TestNode.UntilAsync(() => node.Runtime.CallNames.Contains("StopContainer main 30"), "the stop with 30 s");
        await node.Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(GracePeriodSeconds: 3), CancellationToken.None);
        await TestNode.UntilAsync(() => node.Runtime.CallNames.Contains("StopContainer main 3"), "the shorter stop");
        Assert.NotNull(node.Runtime.RunningContainer("main"));
        node.Time.Advance(TimeSpan.FromSeconds(3));
        await node.WaitAsync("a", p => p is null, "the end of the pod");
        await TestNode.UntilAsync(() => node.Runtime.CallNames.Any(c => c.StartsWith("RemovePodSandbox", StringComparison.Ordinal)), "the removal of the sandbox");
    }

    [Fact]
    public async Task A_pull_that_fails_is_told_as_Kubernetes_tells_it_and_backed_off()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a", p => p.Spec.Containers[0].Image = "missing");
        var failed = await node.WaitAsync("a", p => p?.Status?.ContainerStatuses?[0].State.Waiting?.Reason == "ErrImagePull", "ErrImagePull");
        Assert.Equal("rpc error: code = NotFound desc = failed to resolve reference \"missing:latest\": not found", failed!.Status.ContainerStatuses[0].State.Waiting.Message);
        await node.DriveAsync(() => node.Kube.Find<V1Pod>("default", "a")!.Status.ContainerStatuses[0].State.Waiting.Reason == "ImagePullBackOff", "ImagePullBackOff");
        Assert.StartsWith("Back-off pulling image \"missing\": ErrImagePull: ", node.Kube.Find<V1Pod>("default", "a")!.Status.ContainerStatuses[0].State.Waiting.Message, StringComparison.Ordinal);
        await node.DriveAsync(() => node.TimesOf("PullImage missing:latest").Count >= 3, "a third pull");
        var pulls = node.TimesOf("PullImage missing:latest");
        Assert.True(pulls[1] - pulls[0] >= TimeSpan.FromSeconds(10) && pulls[2] - pulls[1] >= TimeSpan.FromSeconds(20));
        node.Runtime.Pull = name => new Image { Id = "sha256:new", Size = 5 };
        await node.DriveAsync(() => TestNode.IsReady(node.Kube.Find<V1Pod>("default", "a")), "pod a Ready");
        Assert.Contains(node.Kube.All<Corev1Event>("default"), e => e is { Reason: "Failed", Message: "Error: ErrImagePull" });
    }

    [Fact]
    public async Task A_deletion_interrupts_a_pull_and_leaves_nothing()
    {
        await using var node = await TestNode.StartAsync();
        using var entered = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        node.Runtime.Pull = _ =>
        {
            entered.Release();
            release.Wait(TimeSpan.FromSeconds(20));
            throw new RuntimeException(RuntimeError.Unknown, "cancelled");
        };
        node.Pod("a", p => p.Spec.Containers[0].Image = "slow");
        Assert.True(await entered.WaitAsync(TimeSpan.FromSeconds(20)), "the pull did not begin");
        await node.Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(), CancellationToken.None);
        release.Set();
        await node.DriveAsync(() => node.Kube.Find<V1Pod>("default", "a") is null, "the end of the pod");
        await node.DriveAsync(() => node.Runtime.CallNames.Any(c => c.StartsWith("RemovePodSandbox", StringComparison.Ordinal)), "the removal of the sandbox");
        Assert.DoesNotContain(node.Runtime.CallNames, c => c.StartsWith("CreateContainer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_sandbox_that_cannot_be_made_is_told_and_tried_again()
    {
        await using var node = await TestNode.StartAsync();
        var refusals = 2;
        node.Runtime.Fault = call => call == "RunPodSandbox a" && refusals-- > 0 ? new RuntimeException(RuntimeError.Unknown, "no address is left") : null;
        node.Pod("a");
        await node.DriveAsync(() => TestNode.IsReady(node.Kube.Find<V1Pod>("default", "a")), "pod a Ready");
        await node.DriveAsync(() => node.Kube.All<Corev1Event>("default").Any(e => e is { Reason: "FailedCreatePodSandBox", Message: "Failed to create pod sandbox: rpc error: code = Unknown desc = no address is left" }), "the event");
    }

    [Fact]
    public async Task A_pod_that_does_not_fit_the_node_fails_with_the_kubelets_reason()
    {
        await using var node = await TestNode.StartAsync();
        await node.DriveAsync(() => node.Kube.Find<V1Node>(null, "node-a")?.Status?.Allocatable is not null, "the node's status");
        node.Pod("wrong", p => p.Spec.NodeSelector = new Dictionary<string, string> { ["disk"] = "ssd" });
        var wrong = await node.WaitAsync("wrong", p => p?.Status?.Phase == "Failed", "pod wrong Failed");
        Assert.Equal(("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"), (wrong!.Status.Reason, wrong.Status.Message));

        void WithPort(V1Pod pod) => pod.Spec.Containers[0].Ports = [new V1ContainerPort { ContainerPort = 80, HostPort = 8080, Protocol = "TCP" }];
        node.Pod("first", WithPort);
        await node.ReadyAsync("first");
        node.Pod("second", WithPort);
        Assert.Equal("NodePorts", (await node.WaitAsync("second", p => p?.Status?.Phase == "Failed", "pod second Failed"))!.Status.Reason);

        node.Pod("huge", p => p.Spec.Containers[0].Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("5000") } });
        var huge = await node.WaitAsync("huge", p => p?.Status?.Phase == "Failed", "pod huge Failed");
        Assert.Equal("OutOfcpu", huge!.Status.Reason);
        Assert.StartsWith("Pod was rejected: Node didn't have enough resource: cpu, requested: 5000000, used: 0, capacity: ", huge.Status.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resource_that_is_patched_into_the_nodes_capacity_becomes_allocatable_and_a_foreign_condition_stays()
    {
        await using var node = await TestNode.StartAsync();
        await node.DriveAsync(() => node.Kube.Find<V1Node>(null, "node-a")?.Status?.Allocatable is not null, "the node's status");
        var patch = KubePatch.StrategicMerge("""{"status":{"capacity":{"example.com/fakecpu":"1k"},"conditions":[{"type":"NetworkUnavailable","status":"False"}]}}"""u8.ToArray());
        await node.Kube.Client.PatchAsync<V1Node>(null, "node-a", patch, "status", CancellationToken.None);
        await node.DriveAsync(() => node.Kube.Find<V1Node>(null, "node-a")!.Status.Allocatable.TryGetValue("example.com/fakecpu", out var value) && value.ToString() == "1k", "the resource in allocatable");
        Assert.Contains(node.Kube.Find<V1Node>(null, "node-a")!.Status.Conditions, c => c.Type == "NetworkUnavailable");
    }

    [Fact]
    public async Task A_pod_past_its_deadline_fails_and_its_containers_end()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a", p => p.Spec.ActiveDeadlineSeconds = 20);
        await node.ReadyAsync("a");
        await node.DriveAsync(() => node.Kube.Find<V1Pod>("default", "a")?.Status?.Phase == "Failed", "pod a Failed");
        var pod = node.Kube.Find<V1Pod>("default", "a")!;
        Assert.Equal(("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"), (pod.Status.Reason, pod.Status.Message));
        Assert.Null(node.Runtime.RunningContainer("main"));
    }

    [Fact]
    public async Task A_restarted_runtime_is_listed_anew_and_an_end_that_nobody_told_is_found()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a");
        await node.ReadyAsync("a");
        node.Runtime.Disconnect();
        node.Runtime.Exit(node.Runtime.RunningContainer("main")!, 9);
        await node.DriveAsync(() => node.Kube.Find<V1Pod>("default", "a")?.Status.ContainerStatuses[0].RestartCount == 1, "a restart");
    }

    [Fact]
    public async Task What_somebody_else_writes_into_the_status_is_mended_and_foreign_conditions_stay()
    {
        await using var node = await TestNode.StartAsync();
        node.Pod("a", p => p.Spec.ReadinessGates = [new V1PodReadinessGate { ConditionType = "example.com/gate" }]);
        var waiting = await node.WaitAsync("a", p => p?.Status?.Phase == "Running", "pod a Running");
        Assert.Equal("corresponding condition of pod readiness gate \"example.com/gate\" does not exist.", waiting!.Status.Conditions.Single(c => c.Type == "Ready").Message);
        var gate = KubePatch.StrategicMerge("""{"status":{"podIP":"1.2.3.4","conditions":[{"type":"example.com/gate","status":"True"}]}}"""u8.ToArray());
        await node.Kube.Client.PatchAsync<V1Pod>("default", "a", gate, "status", CancellationToken.None);
        var pod = await node.WaitAsync("a", p => TestNode.IsReady(p) && p!.Status.PodIP == "10.1.0.2", "pod a Ready with its own address");
        Assert.Equal("True", pod!.Status.Conditions.Single(c => c.Type == "example.com/gate").Status);
    }
}
