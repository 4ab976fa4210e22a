using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.DaemonSets;

/// <summary>
/// The next step of a rolling update: old pods to delete, nodes that get a new pod beside the old one
/// (https://kubernetes.io/docs/tasks/manage-daemon/update-daemon-set/). Pure.
/// </summary>
internal sealed record DaemonUpdatePlan(IReadOnlyList<string> CreateOn, IReadOnlyList<V1Pod> Delete)
{
    private static readonly DaemonUpdatePlan Nothing = new([], []);

    public static bool Surges(V1DaemonSet set) =>
        set.Spec.UpdateStrategy?.Type == "RollingUpdate" && IntOrPercent.Scale(set.Spec.UpdateStrategy.RollingUpdate?.MaxSurge, 100, roundUp: true) > 0;

    /// <param name="state">One for which <see cref="DaemonPlan"/> has nothing to do.</param>
    public static DaemonUpdatePlan Compute(DaemonState state)
    {
        if (state.Set.Spec.UpdateStrategy?.Type != "RollingUpdate")
            return Nothing;
        var wanted = state.Nodes.Where(n => DaemonPods.Decide(state.Set, n).ShouldRun).Select(n => n.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        var rolling = state.Set.Spec.UpdateStrategy.RollingUpdate;
        var maxUnavailable = IntOrPercent.Scale(rolling?.MaxUnavailable ?? "1", wanted.Count, roundUp: true);
        var maxSurge = IntOrPercent.Scale(rolling?.MaxSurge, wanted.Count, roundUp: true);
        // Impossible by validation; without it nothing would ever move.
        if (wanted.Count > 0 && maxUnavailable == 0 && maxSurge == 0)
            maxUnavailable = 1;
        var nodes = state.ByNode.Keys.Union(wanted).Order(StringComparer.Ordinal).Select(n => new NodePods(n, state)).ToList();
        return maxSurge == 0 ? Replace(state, nodes, maxUnavailable) : Surge(state, nodes, wanted, maxSurge);
    }

    /// <summary>Deletes as many old pods as may be unavailable; the nodes then get new ones.</summary>
    private static DaemonUpdatePlan Replace(DaemonState state, List<NodePods> nodes, int maxUnavailable)
    {
        var unavailable = 0;
        var (delete, candidates) = (new List<V1Pod>(), new List<V1Pod>());
        foreach (var node in nodes)
        {
            if (!node.IsClear || (node.Old is null) == (node.New is null))
            {
                // About to be tidied up, or without a pod.
                unavailable++;
            }
            else if (node.New is not null)
            {
                if (!state.IsAvailable(node.New))
                    unavailable++;
            }
            else if (!state.IsAvailable(node.Old!))
            {
                // It serves nobody: replacing it costs nothing.
                delete.Add(node.Old!);
                unavailable++;
            }
            else
            {
                candidates.Add(node.Old!);
            }
        }
        delete.AddRange(candidates.Take(Math.Max(0, maxUnavailable - unavailable)));
        return new DaemonUpdatePlan([], delete);
    }

    /// <summary>Starts new pods beside old ones and deletes an old one once the new one is available.</summary>
    private static DaemonUpdatePlan Surge(DaemonState state, List<NodePods> nodes, HashSet<string> wanted, int maxSurge)
    {
        var (surging, available) = (0, 0);
        var (delete, leaving) = (new List<V1Pod>(), new List<V1Pod>());
        var (createOn, candidates) = (new List<string>(), new List<string>());
        foreach (var node in nodes)
        {
            if (!node.IsClear)
            {
                surging++;
                continue;
            }
            if ((node.Old ?? node.New) is { } serving && state.IsAvailable(serving))
                available++;
            if (node.Old is null)
                continue;
            var isAvailable = state.IsAvailable(node.Old);
            if (node.New is not null)
            {
                if (state.IsAvailable(node.New))
                    delete.Add(node.Old);
                else
                    surging++;
            }
            else if (!wanted.Contains(node.Name))
            {
                (isAvailable ? leaving : delete).Add(node.Old);
            }
            else
            {
                (isAvailable ? candidates : createOn).Add(node.Name);
            }
        }
        // A node that is given up keeps its pod until another node has one in its place.
        delete.AddRange(leaving.Take(Math.Max(0, available - wanted.Count)));
        createOn.AddRange(candidates.Take(Math.Max(0, maxSurge - surging)));
        return new DaemonUpdatePlan(createOn, delete);
    }

    /// <summary>The standing pods of a node.</summary>
    private sealed class NodePods
    {
        public NodePods(string name, DaemonState state)
        {
            Name = name;
            var standing = state.On(name).Where(p => !p.IsTerminating()).ToLookup(state.IsUpdated);
            (New, Old) = (standing[true].FirstOrDefault(), standing[false].FirstOrDefault());
            IsClear = standing[true].Count() <= 1 && standing[false].Count() <= 1;
        }

        public string Name { get; }
        public V1Pod? New { get; }
        public V1Pod? Old { get; }

        /// <summary>At most one pod of each kind.</summary>
        public bool IsClear { get; }
    }
}
