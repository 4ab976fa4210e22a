using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Status;

namespace LiteKube.Kubelet.Tests.Status;

public sealed class PodStatusTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("Always", "running running", false, "Running")]
    [InlineData("Always", "running none", false, "Pending")]
    [InlineData("Always", "exit0 exit0", false, "Running")]
    [InlineData("Always", "exit0 exit0", true, "Succeeded")]
    [InlineData("Always", "exit0 exit1", true, "Failed")]
    [InlineData("OnFailure", "exit0 exit1", false, "Running")]
    [InlineData("OnFailure", "exit0 exit0", false, "Succeeded")]
    [InlineData("Never", "exit0 exit1", false, "Failed")]
    [InlineData("Never", "running exit1", false, "Running")]
    [InlineData("Never", "exit0 exit0", false, "Succeeded")]
    [InlineData("Always", "none none", true, "Failed")]
    public void The_phase_follows_from_what_the_containers_do(string policy, string states, bool isTerminated, string phase)
    {
        var pod = Pod(policy, "a", "b");
        var runtime = Sandbox();
        foreach (var (name, state) in new[] { "a", "b" }.Zip(states.Split(' ')))
        {
            if (state != "none")
                runtime = runtime.With(Container(name, state));
        }
        Assert.Equal(phase, Build(pod, runtime, isTerminated: isTerminated).Phase);
    }

    [Fact]
    public void An_end_is_final_whatever_the_runtime_shows_later()
    {
        var pod = Pod("Always", "a");
        Assert.Equal("Failed", Build(pod, Sandbox().With(Container("a", "running")), previous: new V1PodStatus { Phase = "Failed", Reason = "Evicted" }).Phase);
    }

    [Fact]
    public void Before_anything_runs_every_container_waits_and_the_conditions_name_them()
    {
        var pod = Pod("Always", "a", "b");
        pod.Spec.InitContainers = [new V1Container { Name = "i1" }, new V1Container { Name = "i2" }];
        var status = Build(pod, PodSnapshot.Empty);
        Assert.Equal("Pending", status.Phase);
        Assert.All(status.ContainerStatuses.Concat(status.InitContainerStatuses), s => Assert.Equal("PodInitializing", s.State.Waiting.Reason));
        Assert.Equal("containers with incomplete status: [i1 i2]", Condition(status, "Initialized").Message);
        Assert.Equal("containers with unready status: [a b]", Condition(status, "Ready").Message);
        Assert.Equal(("False", "True"), (Condition(status, "PodReadyToStartContainers").Status, Condition(status, "PodScheduled").Status));
        Assert.Null(status.PodIP);
    }

    [Fact]
    public void A_container_that_is_backed_off_waits_and_its_end_is_the_last_state()
    {
        var status = Build(Pod("Always", "a"), Sandbox().With(Container("a", "exit1")), waiting: ("a", "CrashLoopBackOff", "back-off 10s")).ContainerStatuses[0];
        Assert.Equal(("CrashLoopBackOff", "back-off 10s"), (status.State.Waiting.Reason, status.State.Waiting.Message));
        Assert.Equal((1, "Error"), (status.LastState.Terminated.ExitCode, status.LastState.Terminated.Reason));
        Assert.Null(status.State.Terminated);
    }

    [Fact]
    public void A_condition_keeps_its_time_until_its_status_changes_and_foreign_ones_stay()
    {
        var earlier = Now.AddMinutes(-5).UtcDateTime;
        var previous = new V1PodStatus
        {
            Conditions =
            [
                new V1PodCondition { Type = "Ready", Status = "True", LastTransitionTime = earlier },
                new V1PodCondition { Type = "Initialized", Status = "True", LastTransitionTime = earlier },
                new V1PodCondition { Type = "DisruptionTarget", Status = "True", LastTransitionTime = earlier },
            ],
        };
        var status = Build(Pod("Always", "a"), Sandbox().With(Container("a", "running")), previous: previous, isReady: false);
        Assert.Equal(Now.UtcDateTime, Condition(status, "Ready").LastTransitionTime);
        Assert.Equal(earlier, Condition(status, "Initialized").LastTransitionTime);
        Assert.Equal(earlier, Condition(status, "DisruptionTarget").LastTransitionTime);
    }

    [Fact]
    public void A_patch_holds_only_what_differs_and_nothing_when_nothing_does()
    {
        var pod = Pod("Always", "a");
        var before = Build(pod, Sandbox().With(Container("a", "running")), isReady: false);
        Assert.Null(PodStatusPatch.Between("u", before, Build(pod, Sandbox().With(Container("a", "running")), previous: before, isReady: false)));

        var after = Build(pod, Sandbox("10.1.0.9").With(Container("a", "running")), previous: before);
        var patch = JsonNode.Parse(Encoding.UTF8.GetString(PodStatusPatch.Between("u", before, after)!.Body.Span))!;
        Assert.Equal("u", patch["metadata"]!["uid"]!.GetValue<string>());
        Assert.Equal(["conditions", "containerStatuses", "podIP", "podIPs"], patch["status"]!.AsObject().Select(p => p.Key).Order());
        Assert.Equal("""[{"$patch":"delete","ip":"10.1.0.2"},{"ip":"10.1.0.9"}]""", patch["status"]!["podIPs"]!.ToJsonString());
        var conditions = patch["status"]!["conditions"]!.AsArray();
        Assert.Equal(["ContainersReady", "Ready"], conditions.Select(c => c!["type"]!.GetValue<string>()).Order());
        Assert.All(conditions, c => Assert.True(c!.AsObject().ContainsKey("message") && c["message"] is null, "an outdated message must be taken out"));
    }

    private static V1PodCondition Condition(V1PodStatus status, string type) => status.Conditions.Single(c => c.Type == type);

    private static V1PodStatus Build(V1Pod pod, PodSnapshot runtime, V1PodStatus? previous = null, (string Name, string Reason, string Message)? waiting = null, bool isTerminated = false, bool isReady = true) =>
        PodStatusBuilder.Build(new PodStatusInputs
        {
            Pod = pod,
            Previous = previous,
            Runtime = runtime,
            Waiting = waiting is { } w ? ImmutableDictionary<string, WaitingReason>.Empty.Add(w.Name, new WaitingReason(w.Reason, w.Message)) : ImmutableDictionary<string, WaitingReason>.Empty,
            IsTerminated = isTerminated,
            HostIps = ["192.0.2.1"],
            StartedAt = Now,
            Now = Now,
            IsStarted = _ => true,
            IsReady = _ => isReady,
            MessageOf = _ => "",
        });

    private static V1Pod Pod(string policy, params string[] names) => new()
    {
        Metadata = new V1ObjectMeta { Name = "p", NamespaceProperty = "default", Uid = "u", Generation = 1 },
        Spec = new V1PodSpec { RestartPolicy = policy, Containers = [.. names.Select(n => new V1Container { Name = n, Image = "app:1" })] },
    };

    private static PodSnapshot Sandbox(string ip = "10.1.0.2") => PodSnapshot.Empty.With(new SandboxRecord("s", 0, true, Now, false, [ip], new Dictionary<string, string>()));

    private static ContainerRecord Container(string name, string state) => new()
    {
        Id = "c-" + name,
        Name = name,
        SandboxId = "s",
        RestartCount = 0,
        Hash = "",
        Phase = state == "running" ? ContainerPhase.Running : ContainerPhase.Exited,
        CreatedAt = Now,
        StartedAt = Now,
        ExitCode = state == "exit1" ? 1 : 0,
    };
}
