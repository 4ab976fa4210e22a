using k8s.Models;
using LiteKube.Kubelet.PodWorkers;

namespace LiteKube.Kubelet.Tests.PodWorkers;

public sealed class PodPlanTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Dictionary<string, string> NoFailures = [];

    [Theory]
    [InlineData("Always", 0, true)]
    [InlineData("Always", 1, true)]
    [InlineData("OnFailure", 0, false)]
    [InlineData("OnFailure", 1, true)]
    [InlineData("Never", 0, false)]
    [InlineData("Never", 1, false)]
    public void The_restart_policy_decides_whether_an_ended_container_starts_again(string policy, int exitCode, bool restarts)
    {
        var plan = Plan(Pod(policy), Sandbox().With(Container("app", ContainerPhase.Exited, exitCode)));
        Assert.Equal(restarts, plan.Start.Count == 1);
        Assert.Equal(!restarts, plan.KillPod);
    }

    [Fact]
    public void A_new_pod_gets_a_sandbox_and_begins_with_its_first_init_container()
    {
        var plan = Plan(Pod("Always", Init("one"), Init("two")), PodSnapshot.Empty);
        Assert.True(plan.CreateSandbox);
        Assert.False(plan.KillPod);
        Assert.Equal(["one"], Names(plan));
    }

    [Fact]
    public void Init_containers_run_one_by_one_and_the_app_only_after_the_last()
    {
        var pod = Pod("Always", Init("one"), Init("two"));
        var state = Sandbox().With(Container("one", ContainerPhase.Running));
        Assert.True(Plan(pod, state).IsNothing);
        state = state.With(Container("one", ContainerPhase.Exited));
        Assert.Equal(["two"], Names(Plan(pod, state)));
        state = state.With(Container("two", ContainerPhase.Exited));
        Assert.Equal(["app"], Names(Plan(pod, state)));
    }

    [Fact]
    public void A_failed_init_container_is_tried_again_unless_the_policy_is_Never()
    {
        var state = Sandbox().With(Container("one", ContainerPhase.Exited, exitCode: 1));
        Assert.Equal(["one"], Names(Plan(Pod("OnFailure", Init("one")), state)));
        var never = Plan(Pod("Never", Init("one")), state);
        Assert.True(never is { HasFailed: true, KillPod: true });
        Assert.Empty(never.Start);
    }

    [Fact]
    public void A_sidecar_lets_the_next_one_run_once_it_has_started_and_is_restarted_whatever_the_policy()
    {
        var pod = Pod("Never", Init("side", "Always"), Init("two"));
        var state = Sandbox().With(Container("side", ContainerPhase.Running));
        Assert.True(PodPlan.Compute(pod, state, NoFailures, _ => false).IsNothing);
        Assert.Equal(["two"], Names(Plan(pod, state)));
        state = state.With(Container("two", ContainerPhase.Exited)).With(Container("app", ContainerPhase.Running)).With(Container("side", ContainerPhase.Exited, exitCode: 1));
        Assert.Equal(["side"], Names(Plan(pod, state)));
        state = state.With(Container("app", ContainerPhase.Exited));
        Assert.True(Plan(pod, state) is { KillPod: true, Start.Count: 0 }, "sidecars do not keep a finished pod alive");
    }

    [Fact]
    public void Init_containers_that_were_collected_do_not_run_again_beside_the_app()
    {
        var plan = Plan(Pod("Always", Init("one")), Sandbox().With(Container("app", ContainerPhase.Running)));
        Assert.True(plan.IsNothing);
    }

    [Fact]
    public void A_lost_sandbox_is_replaced_with_the_next_number_and_init_begins_anew()
    {
        var state = Sandbox(isReady: false).With(Container("one", ContainerPhase.Exited)).With(Container("app", ContainerPhase.Exited, exitCode: 255));
        var plan = Plan(Pod("Always", Init("one")), state);
        Assert.True(plan is { CreateSandbox: true, KillPod: true, Attempt: 1 });
        Assert.Equal(["one"], Names(plan));
        Assert.False(Plan(Pod("Never"), state).CreateSandbox);
    }

    [Fact]
    public void A_pod_whose_containers_succeeded_gets_no_new_sandbox()
    {
        var plan = Plan(Pod("OnFailure"), Sandbox(isReady: false).With(Container("app", ContainerPhase.Exited)));
        Assert.True(plan is { CreateSandbox: false, KillPod: true, Start.Count: 0 });
    }

    [Theory]
    [InlineData("Always", "Container app failed liveness probe, will be restarted", 1)]
    [InlineData("Never", "Container app failed liveness probe", 0)]
    public void A_failed_probe_kills_and_the_policy_says_whether_it_comes_back(string policy, string message, int starts)
    {
        var container = Container("app", ContainerPhase.Running);
        var plan = PodPlan.Compute(Pod(policy), Sandbox().With(container), new Dictionary<string, string> { [container.Id] = "Container app failed liveness probe" }, _ => true);
        Assert.Equal([message], plan.Kill.Select(k => k.Message));
        Assert.Equal(starts, plan.Start.Count);
        Assert.False(plan.KillPod);
    }

    [Fact]
    public void A_changed_image_replaces_the_container_even_where_nothing_restarts()
    {
        var pod = Pod("Never");
        var state = Sandbox().With(Container("app", ContainerPhase.Running));
        pod.Spec.Containers[0].Image = "app:2";
        var plan = Plan(pod, state);
        Assert.Equal(["Container app definition changed, will be restarted"], plan.Kill.Select(k => k.Message));
        Assert.Equal(["app"], Names(plan));
    }

    private static PodPlan Plan(V1Pod pod, PodSnapshot state) => PodPlan.Compute(pod, state, NoFailures, _ => true);

    private static IEnumerable<string> Names(PodPlan plan) => plan.Start.Select(c => c.Name);

    private static V1Container Init(string name, string? restartPolicy = null) => new() { Name = name, Image = "app:1", RestartPolicy = restartPolicy };

    private static V1Pod Pod(string policy, params V1Container[] init) => new()
    {
        Metadata = new V1ObjectMeta { Name = "p", NamespaceProperty = "default", Uid = "u" },
        Spec = new V1PodSpec { RestartPolicy = policy, InitContainers = init, Containers = [new V1Container { Name = "app", Image = "app:1" }] },
    };

    private static PodSnapshot Sandbox(bool isReady = true) =>
        PodSnapshot.Empty.With(new SandboxRecord("s", 0, isReady, Now, false, ["10.1.0.2"], new Dictionary<string, string>()));

    private static ContainerRecord Container(string name, ContainerPhase phase, int exitCode = 0) => new()
    {
        Id = "c-" + name,
        Name = name,
        SandboxId = "s",
        RestartCount = 0,
        Hash = PodSpecs.HashOf(new V1Container { Name = name, Image = "app:1" }),
        Phase = phase,
        CreatedAt = Now,
        ExitCode = exitCode,
    };
}
