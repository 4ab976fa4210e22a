using k8s.Models;

namespace LiteKube.Controllers.Autoscaling;

/// <summary>What was recommended and done for one HorizontalPodAutoscaler. In memory only, as in Kubernetes: after a restart the current size counts as recommended.</summary>
internal sealed class ScaleHistory
{
    /// <summary>No policy and no stabilization looks back further (the API's bound of both).</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly List<(DateTimeOffset At, int Replicas)> _recommendations = [];
    private readonly List<(DateTimeOffset At, int Change)> _changes = [];

    public void Begin(int replicas, DateTimeOffset now)
    {
        if (_recommendations.Count == 0)
            _recommendations.Add((now, replicas));
    }

    public void Recommend(int replicas, DateTimeOffset now)
    {
        _recommendations.RemoveAll(r => r.At < now - Longest);
        _recommendations.Add((now, replicas));
    }

    public void Scaled(int from, int to, DateTimeOffset now)
    {
        _changes.RemoveAll(c => c.At < now - Longest);
        _changes.Add((now, to - from));
    }

    public int Highest(TimeSpan window, int recommended, DateTimeOffset now) => _recommendations.Where(r => r.At > now - window).Select(r => r.Replicas).Append(recommended).Max();

    public int Lowest(TimeSpan window, int recommended, DateTimeOffset now) => _recommendations.Where(r => r.At > now - window).Select(r => r.Replicas).Append(recommended).Min();

    /// <summary>How many replicas there were before the changes of that period.</summary>
    public int AtStart(TimeSpan period, int current, DateTimeOffset now) => current - _changes.Where(c => c.At > now - period).Sum(c => c.Change);
}

/// <param name="Able">Reason and message of the condition AbleToScale.</param>
/// <param name="Limited">Status, reason and message of ScalingLimited.</param>
internal readonly record struct ScaleDecision(int Replicas, (string Reason, string Message) Able, (bool IsLimited, string Reason, string Message) Limited);

/// <summary>Holds a recommendation within the bounds, the rate and the steadiness that the spec asks for (https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/#configurable-scaling-behavior).</summary>
internal static class ScaleLimits
{
    private static readonly TimeSpan DownscaleStabilization = TimeSpan.FromMinutes(5);
    private static readonly (string, string) Ready = ("ReadyForNewScale", "recommended size matches current size");
    private static readonly (string, string) HeldUp = ("ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation");
    private static readonly (string, string) HeldDown = ("ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation");
    private static readonly (string, string) TooMany = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
    private static readonly (string, string) TooFew = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
    private static readonly (string, string) TooFast = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
    private static readonly (string, string) TooFastDown = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
    private static readonly (string, string) Within = ("DesiredWithinRange", "the desired count is within the acceptable range");

    /// <summary>Records the recommendation in the history.</summary>
    public static ScaleDecision Apply(V2HorizontalPodAutoscalerSpec spec, ScaleHistory history, int current, int recommended, DateTimeOffset now)
    {
        var minimum = spec.MinReplicas ?? 1;
        return spec.Behavior is { } behavior
            ? WithBehavior(behavior, history, current, recommended, minimum, spec.MaxReplicas, now)
            : WithRules(history, current, recommended, minimum, spec.MaxReplicas, now);
    }

    private static ScaleDecision WithRules(ScaleHistory history, int current, int recommended, int minimum, int maximum, DateTimeOffset now)
    {
        var stable = history.Highest(DownscaleStabilization, recommended, now);
        history.Recommend(recommended, now);
        // At most doubled at a time, but four at once from the smallest sizes on.
        var limit = Math.Max(2L * current, 4);
        var (allowed, words) = maximum > limit ? ((int)limit, TooFast) : (maximum, TooMany);
        return Decide(stable, stable != recommended ? HeldUp : Ready, minimum, TooFew, allowed, words);
    }

    private static ScaleDecision WithBehavior(V2HorizontalPodAutoscalerBehavior behavior, ScaleHistory history, int current, int recommended, int minimum, int maximum, DateTimeOffset now)
    {
        var lowest = history.Lowest(Window(behavior.ScaleUp, TimeSpan.Zero), recommended, now);
        var highest = history.Highest(Window(behavior.ScaleDown, DownscaleStabilization), recommended, now);
        history.Recommend(recommended, now);
        var stable = Math.Min(Math.Max(current, lowest), highest);
        var able = stable == recommended ? Ready : recommended >= current ? HeldDown : HeldUp;
        if (stable > current)
        {
            var limit = Math.Max(UpLimit(behavior.ScaleUp, history, current, now), current);
            var (allowed, words) = maximum > limit ? (limit, TooFast) : (maximum, TooMany);
            return Decide(stable, able, int.MinValue, TooFew, allowed, words);
        }
        if (stable < current)
        {
            var limit = Math.Min(DownLimit(behavior.ScaleDown, history, current, now), current);
            var (allowed, words) = minimum < limit ? (limit, TooFastDown) : (minimum, TooFew);
            return Decide(stable, able, allowed, words, int.MaxValue, TooMany);
        }
        return Decide(stable, able, int.MinValue, TooFew, int.MaxValue, TooMany);
    }

    private static ScaleDecision Decide(int wanted, (string, string) able, int minimum, (string Reason, string Message) below, int maximum, (string Reason, string Message) above)
    {
        if (wanted < minimum)
            return new ScaleDecision(minimum, able, (true, below.Reason, below.Message));
        if (wanted > maximum)
            return new ScaleDecision(maximum, able, (true, above.Reason, above.Message));
        return new ScaleDecision(wanted, able, (false, Within.Item1, Within.Item2));
    }

    private static int UpLimit(V2HPAScalingRules? rules, ScaleHistory history, int current, DateTimeOffset now)
    {
        if (rules?.SelectPolicy == "Disabled")
            return current;
        var limits = Policies(rules, [("Pods", 4, 15), ("Percent", 100, 15)]).Select(policy =>
        {
            var start = history.AtStart(TimeSpan.FromSeconds(policy.Period), current, now);
            return policy.Type == "Pods" ? start + policy.Value : (int)Math.Ceiling(start * (1 + (policy.Value / 100.0)));
        }).ToList();
        return rules?.SelectPolicy == "Min" ? limits.Min() : limits.Max();
    }

    private static int DownLimit(V2HPAScalingRules? rules, ScaleHistory history, int current, DateTimeOffset now)
    {
        if (rules?.SelectPolicy == "Disabled")
            return current;
        var limits = Policies(rules, [("Percent", 100, 15)]).Select(policy =>
        {
            var start = history.AtStart(TimeSpan.FromSeconds(policy.Period), current, now);
            return policy.Type == "Pods" ? start - policy.Value : (int)(start * (1 - (policy.Value / 100.0)));
        }).ToList();
        return rules?.SelectPolicy == "Min" ? limits.Max() : limits.Min();
    }

    /// <summary>The server fills the defaults in; without them the rules would allow nothing.</summary>
    private static IEnumerable<(string Type, int Value, int Period)> Policies(V2HPAScalingRules? rules, IEnumerable<(string, int, int)> defaults) =>
        rules?.Policies is { Count: > 0 } policies ? policies.Select(p => (p.Type, p.Value, p.PeriodSeconds)) : defaults;

    private static TimeSpan Window(V2HPAScalingRules? rules, TimeSpan otherwise) => rules?.StabilizationWindowSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : otherwise;
}
