using System.Globalization;
using LiteKube.Scheduler.Cache;

namespace LiteKube.Scheduler.Framework;

/// <summary>Why no node took a pod, node by node; its text is the message of the pod's condition and event.</summary>
public sealed class Diagnosis(int nodeCount)
{
    private readonly Dictionary<string, PluginStatus> _byNode = new(StringComparer.Ordinal);

    public int NodeCount { get; } = nodeCount;
    public IReadOnlyDictionary<string, PluginStatus> ByNode => _byNode;

    /// <summary>Plugins whose events may make the pod schedulable.</summary>
    public HashSet<string> RejectedBy { get; } = new(StringComparer.Ordinal);

    /// <summary>Of these the ones that have begun something which will help.</summary>
    public HashSet<string> PendingBy { get; } = new(StringComparer.Ordinal);

    /// <summary>A PreFilter rejected the pod for the whole cluster.</summary>
    public PluginStatus? PreFilterStatus { get; private set; }

    /// <summary>What every node not in <see cref="ByNode"/> was left out for; null when they were not looked at.</summary>
    public PluginStatus? OtherNodes { get; private set; }

    public string? PostFilterMessage { get; set; }

    public void Add(string node, PluginStatus status)
    {
        _byNode[node] = status;
        AddPlugin(status);
    }

    public void RejectAll(PluginStatus status)
    {
        PreFilterStatus = OtherNodes = status;
        AddPlugin(status);
    }

    /// <param name="plugins">That left the nodes out.</param>
    public void RejectOthers(PluginStatus status, IEnumerable<string> plugins)
    {
        OtherNodes = status;
        RejectedBy.UnionWith(plugins);
    }

    /// <summary>Why the node did not take the pod; null when it was not looked at.</summary>
    public PluginStatus? Of(string node) => _byNode.GetValueOrDefault(node) ?? OtherNodes;

    /// <summary>The nodes that the pod may yet fit on when other pods go away.</summary>
    public IReadOnlyList<NodeInfo> NodesThatMayBeHelped(Snapshot snapshot)
    {
        if (OtherNodes is not { Code: StatusCode.Unschedulable })
            return [.. _byNode.Where(entry => entry.Value.Code == StatusCode.Unschedulable).Select(entry => snapshot.Find(entry.Key)).OfType<NodeInfo>()];
        return [.. snapshot.Nodes.Where(node => !_byNode.TryGetValue(node.Name, out var status) || status.Code == StatusCode.Unschedulable)];
    }

    /// <summary>"0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: ..."</summary>
    public override string ToString()
    {
        if (NodeCount == 0)
            return "no nodes available to schedule pods";
        var reasons = PreFilterStatus is { } status ? status.Message : Histogram();
        var message = reasons.Length == 0
            ? string.Create(CultureInfo.InvariantCulture, $"0/{NodeCount} nodes are available:")
            : string.Create(CultureInfo.InvariantCulture, $"0/{NodeCount} nodes are available: {reasons}.");
        return string.IsNullOrEmpty(PostFilterMessage) ? message : $"{message} {PostFilterMessage}";
    }

    private void AddPlugin(PluginStatus status)
    {
        if (status.Plugin.Length == 0)
            return;
        RejectedBy.Add(status.Plugin);
        if (status.Code == StatusCode.Pending)
            PendingBy.Add(status.Plugin);
    }

    private string Histogram()
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var status in _byNode.Values)
            Count(counts, status, 1);
        if (OtherNodes is { } others)
            Count(counts, others, NodeCount - _byNode.Count);
        return Histogram(counts);
    }

    private static void Count(Dictionary<string, int> counts, PluginStatus status, int nodes)
    {
        if (nodes <= 0)
            return;
        foreach (var reason in status.Reasons)
            counts[reason] = counts.GetValueOrDefault(reason) + nodes;
    }

    /// <summary>"1 Insufficient cpu, 2 node(s) ...", sorted as text like Kubernetes does.</summary>
    internal static string Histogram(IReadOnlyDictionary<string, int> counts)
    {
        var lines = counts.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Value} {entry.Key}")).ToArray();
        Array.Sort(lines, StringComparer.Ordinal);
        return string.Join(", ", lines);
    }
}
