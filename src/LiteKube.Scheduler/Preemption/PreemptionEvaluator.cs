using k8s.Models;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Preemption;

/// <summary>
/// Looks, on the snapshot alone, for the node where the fewest and least important pods have to go so that the pod fits.
/// </summary>
internal sealed class PreemptionEvaluator(SchedulerProfile profile, Nominator nominator, Func<PluginSet> plugins, Func<IEnumerable<V1PodDisruptionBudget>> budgets, int? seed = null)
{
    private static readonly PluginStatus NoVictims = PluginStatus.Unresolvable("No preemption victims found for incoming pod");
    private static readonly PluginStatus NotHelpful = PluginStatus.Unresolvable("Preemption is not helpful for scheduling");
    private readonly Random _random = seed is { } fixedSeed ? new Random(fixedSeed) : Random.Shared;

    /// <returns>null when the pod may preempt others, or why it may not.</returns>
    public static string? WhyNotEligible(PodInfo pod, Snapshot snapshot, Diagnosis diagnosis)
    {
        if (pod.Pod.Spec.PreemptionPolicy == "Never")
            return "not eligible due to preemptionPolicy=Never.";
        if (pod.NominatedNode.Length == 0 || diagnosis.Of(pod.NominatedNode) is { Code: StatusCode.UnschedulableAndUnresolvable })
            return null;
        // Its victims are still going. Preempting more for it would be too much.
        return snapshot.Find(pod.NominatedNode)?.Pods.Any(other => other.Priority < pod.Priority && IsGoingByPreemption(other)) == true
            ? "not eligible due to a terminating pod on the nominated node."
            : null;
    }

    /// <returns>The cheapest, or null with the reason.</returns>
    public Candidate? FindCheapest(CycleState state, PodInfo pod, Snapshot snapshot, Diagnosis diagnosis, out string reason)
    {
        reason = "";
        var nodes = diagnosis.NodesThatMayBeHelped(snapshot);
        var refusals = new Diagnosis(snapshot.Nodes.Count);
        refusals.RejectOthers(NotHelpful, []);
        var candidates = nodes.Count == 0 ? [] : DryRun(state, pod, nodes, refusals);
        if (candidates.Count > 0)
            return Importance.Cheapest(candidates);
        reason = refusals.ToString();
        return null;
    }

    /// <summary>How many candidates are enough to choose from.</summary>
    internal int CandidatesToFind(int nodes) =>
        Math.Min(nodes, Math.Max(nodes * profile.MinCandidateNodesPercentage / 100, profile.MinCandidateNodesAbsolute));

    private List<Candidate> DryRun(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Diagnosis refusals)
    {
        var allowed = new DisruptionBudgets(budgets());
        var wanted = CandidatesToFind(nodes.Count);
        var (harmless, violating) = (new List<Candidate>(), new List<Candidate>());
        // From anywhere, so that the same nodes do not always pay.
        var start = _random.Next(nodes.Count);
        for (var i = 0; i < nodes.Count; i++)
        {
            var node = nodes[(start + i) % nodes.Count];
            if (SelectVictims(state.Copy(), pod, node.Copy(), allowed, out var refusal) is { } candidate)
                (candidate.BudgetViolations == 0 ? harmless : violating).Add(candidate);
            else
                refusals.Add(node.Name, refusal!);
            if (harmless.Count > 0 && harmless.Count + violating.Count >= wanted)
                break;
        }
        harmless.AddRange(violating);
        return harmless;
    }

    /// <summary>
    /// Takes all less important pods off the node; if the pod fits then, puts back one after the other, those that a
    /// budget protects first and the more important before the less, for as long as it still fits.
    /// </summary>
    /// <param name="state">A copy, as is <paramref name="node"/>: both are changed.</param>
    internal Candidate? SelectVictims(CycleState state, PodInfo pod, NodeInfo node, DisruptionBudgets allowed, out PluginStatus? refusal)
    {
        var set = plugins();
        var lesser = node.Pods.Where(other => other.Priority < pod.Priority).ToList();
        if (lesser.Count == 0)
        {
            refusal = NoVictims;
            return null;
        }
        foreach (var other in lesser)
            Remove(other);
        refusal = set.FilterWithNominatedPods(state, pod, node, nominator);
        if (refusal is not null)
            return null;

        lesser.Sort(Importance.Descending);
        var (violating, others) = allowed.Partition(lesser);
        var victims = new List<PodInfo>();
        var violations = 0;
        foreach (var other in violating)
        {
            if (!Reprieve(other))
                violations++;
        }
        foreach (var other in others)
            Reprieve(other);
        if (victims.Count == 0)
        {
            // What it was turned away for is over: a nomination was taken back meanwhile.
            refusal = PluginStatus.Unresolvable($"expected at least one victim pod on node \"{node.Name}\"");
            return null;
        }
        victims.Sort(Importance.Descending);
        return new Candidate(node.Name, victims, violations);

        bool Reprieve(PodInfo other)
        {
            node.AddPod(other);
            set.AddPod(state, pod, other, node);
            if (set.FilterWithNominatedPods(state, pod, node, nominator) is null)
                return true;
            Remove(other);
            victims.Add(other);
            return false;
        }

        void Remove(PodInfo other)
        {
            node.RemovePod(other.Uid);
            set.RemovePod(state, pod, other, node);
        }
    }

    private static bool IsGoingByPreemption(PodInfo pod) => pod.IsTerminating
        && pod.Pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == "DisruptionTarget") is { Status: "True", Reason: PodConditions.PreemptionByScheduler };
}
