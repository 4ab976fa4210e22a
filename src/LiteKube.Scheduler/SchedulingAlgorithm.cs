using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler;

/// <summary>Finds a pod's node: filters, then scores. Works on the snapshot alone, without waiting for anything.</summary>
internal sealed class SchedulingAlgorithm(PluginSet plugins, SchedulerProfile profile, Nominator nominator, int? seed = null)
{
    private const int MinNodesToFind = 100;
    private const int MinPercentage = 5;
    private readonly Random _random = seed is { } fixedSeed ? new Random(fixedSeed) : Random.Shared;
    private readonly List<NodeInfo> _feasible = [];
    private int _nextStart;

    /// <returns>The node's name, or null with the reasons.</returns>
    public string? Schedule(CycleState state, PodInfo pod, Snapshot snapshot, out Diagnosis diagnosis)
    {
        diagnosis = new Diagnosis(snapshot.Nodes.Count);
        if (snapshot.Nodes.Count == 0)
            return null;
        if (plugins.PreFilter(state, pod, snapshot, out var restriction) is { } refused)
        {
            diagnosis.RejectAll(refused);
            return null;
        }
        FindFeasible(state, pod, snapshot, restriction, diagnosis);
        return _feasible.Count switch
        {
            0 => null,
            1 => _feasible[0].Name,
            _ => Select(plugins.Score(state, pod, _feasible)).Name,
        };
    }

    private void FindFeasible(CycleState state, PodInfo pod, Snapshot snapshot, NodeRestriction? restriction, Diagnosis diagnosis)
    {
        _feasible.Clear();
        var started = plugins.StartFilter();
        // The room that preemption made is most likely all that there is.
        if (pod.NominatedNode.Length > 0 && snapshot.Find(pod.NominatedNode) is { } nominated)
            Filter(state, pod, nominated, diagnosis);
        if (_feasible.Count == 0)
        {
            if (restriction is not null)
                diagnosis.RejectOthers(PluginStatus.Unresolvable($"node(s) didn't satisfy plugin(s) {restriction.PluginsText}"), restriction.Plugins);
            FilterAll(state, pod, restriction is null ? snapshot.Nodes : [.. restriction.Names.Select(snapshot.Find).OfType<NodeInfo>()], diagnosis);
        }
        plugins.Filtered(state, started, _feasible.Count == 0 ? PluginStatus.Unschedulable() : null);
    }

    private void FilterAll(CycleState state, PodInfo pod, IReadOnlyList<NodeInfo> nodes, Diagnosis diagnosis)
    {
        var wanted = NodesToFind(nodes.Count);
        var looked = 0;
        // Goes round, so that every node gets its turn to be among those looked at.
        for (; looked < nodes.Count && _feasible.Count < wanted; looked++)
            Filter(state, pod, nodes[(_nextStart + looked) % nodes.Count], diagnosis);
        _nextStart = (_nextStart + looked) % diagnosis.NodeCount;
    }

    private void Filter(CycleState state, PodInfo pod, NodeInfo node, Diagnosis diagnosis)
    {
        if (plugins.FilterWithNominatedPods(state, pod, node, nominator) is { } status)
            diagnosis.Add(node.Name, status);
        else
            _feasible.Add(node);
    }

    /// <summary>How many fitting nodes are enough to choose from.</summary>
    internal int NodesToFind(int nodes)
    {
        if (nodes < MinNodesToFind)
            return nodes;
        var percentage = profile.PercentageOfNodesToScore > 0 ? profile.PercentageOfNodesToScore : Math.Max(MinPercentage, 50 - nodes / 125);
        return percentage >= 100 ? nodes : Math.Max(MinNodesToFind, nodes * percentage / 100);
    }

    /// <summary>The best; of several equally good ones any, so that pods spread.</summary>
    private NodeInfo Select(long[] scores)
    {
        var best = 0;
        var equals = 1;
        for (var i = 1; i < scores.Length; i++)
        {
            if (scores[i] > scores[best])
            {
                best = i;
                equals = 1;
            }
            else if (scores[i] == scores[best] && _random.Next(++equals) == 0)
            {
                best = i;
            }
        }
        return _feasible[best];
    }
}
