using k8s.Models;
using LiteKube.Controllers.Autoscaling;

namespace LiteKube.Controllers.Tests.Autoscaling;

public sealed class ScaleLimitsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(3, 5, 5, "DesiredWithinRange", false)]
    [InlineData(3, 20, 6, "ScaleUpLimit", true)]
    [InlineData(1, 20, 4, "ScaleUpLimit", true)]
    [InlineData(8, 20, 10, "TooManyReplicas", true)]
    [InlineData(3, 1, 2, "TooFewReplicas", true)]
    public void Without_a_behaviour_a_target_at_most_doubles_within_its_bounds(int current, int recommended, int replicas, string reason, bool limited)
    {
        var decision = ScaleLimits.Apply(Spec(2, 10), new ScaleHistory(), current, recommended, Now);
        Assert.Equal((replicas, reason, limited), (decision.Replicas, decision.Limited.Reason, decision.Limited.IsLimited));
        Assert.Equal("ReadyForNewScale", decision.Able.Reason);
    }

    [Fact]
    public void A_target_shrinks_when_for_five_minutes_nothing_more_was_recommended()
    {
        var history = new ScaleHistory();
        history.Begin(5, Now);
        Assert.Equal((5, "ScaleDownStabilized"), Held(ScaleLimits.Apply(Spec(1, 10), history, 5, 2, Now.AddMinutes(1))));
        Assert.Equal((5, "ScaleDownStabilized"), Held(ScaleLimits.Apply(Spec(1, 10), history, 5, 3, Now.AddMinutes(4.9))));
        Assert.Equal((3, "ScaleDownStabilized"), Held(ScaleLimits.Apply(Spec(1, 10), history, 5, 2, Now.AddMinutes(5.1))));

        static (int, string) Held(ScaleDecision decision) => (decision.Replicas, decision.Able.Reason);
    }

    [Theory]
    [InlineData("Max", 10, 14)]
    [InlineData("Min", 10, 12)]
    [InlineData("Disabled", 10, 10)]
    public void Growth_follows_the_policy_that_is_selected(string select, int current, int replicas)
    {
        var spec = Spec(1, 100, up: new V2HPAScalingRules { SelectPolicy = select, StabilizationWindowSeconds = 0, Policies = [Policy("Pods", 4, 60), Policy("Percent", 20, 60)] });
        Assert.Equal(replicas, ScaleLimits.Apply(spec, new ScaleHistory(), current, 50, Now).Replicas);
    }

    [Theory]
    [InlineData("Max", 20, 14)]
    [InlineData("Min", 20, 18)]
    [InlineData("Disabled", 20, 20)]
    public void So_does_shrinking(string select, int current, int replicas)
    {
        var spec = Spec(1, 100, down: new V2HPAScalingRules { SelectPolicy = select, StabilizationWindowSeconds = 0, Policies = [Policy("Pods", 2, 60), Policy("Percent", 30, 60)] });
        var decision = ScaleLimits.Apply(spec, new ScaleHistory(), current, 5, Now);
        Assert.Equal((replicas, "ScaleDownLimit", true), (decision.Replicas, decision.Limited.Reason, decision.Limited.IsLimited));
    }

    [Fact]
    public void What_was_added_in_the_period_counts_towards_its_policy()
    {
        var spec = Spec(1, 100, up: new V2HPAScalingRules { SelectPolicy = "Max", StabilizationWindowSeconds = 0, Policies = [Policy("Pods", 4, 60)] });
        var history = new ScaleHistory();
        history.Scaled(10, 13, Now.AddSeconds(-30));
        Assert.Equal(14, ScaleLimits.Apply(spec, history, 13, 50, Now).Replicas);
        Assert.Equal(17, ScaleLimits.Apply(spec, history, 13, 50, Now.AddSeconds(31)).Replicas);
        // More than the policy allows was added before: that stands.
        history.Scaled(13, 30, Now.AddSeconds(40));
        Assert.Equal(30, ScaleLimits.Apply(spec, history, 30, 50, Now.AddSeconds(41)).Replicas);
    }

    [Fact]
    public void Growth_waits_until_its_window_asked_for_it_throughout()
    {
        var spec = Spec(1, 100, up: new V2HPAScalingRules { SelectPolicy = "Max", StabilizationWindowSeconds = 60, Policies = [Policy("Percent", 100, 15)] });
        var history = new ScaleHistory();
        history.Begin(3, Now);
        var early = ScaleLimits.Apply(spec, history, 3, 5, Now.AddSeconds(30));
        Assert.Equal((3, "ScaleUpStabilized"), (early.Replicas, early.Able.Reason));
        Assert.Equal(5, ScaleLimits.Apply(spec, history, 3, 6, Now.AddSeconds(61)).Replicas);
    }

    private static V2HPAScalingPolicy Policy(string type, int value, int period) => new() { Type = type, Value = value, PeriodSeconds = period };

    private static V2HorizontalPodAutoscalerSpec Spec(int minimum, int maximum, V2HPAScalingRules? up = null, V2HPAScalingRules? down = null) => new()
    {
        MinReplicas = minimum,
        MaxReplicas = maximum,
        Behavior = up is null && down is null ? null : new V2HorizontalPodAutoscalerBehavior { ScaleUp = up, ScaleDown = down },
    };
}
