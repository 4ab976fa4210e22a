using System.Globalization;
using k8s.Models;
using LiteKube.Apis.Nodes;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.DaemonSets;

/// <summary>Which nodes a DaemonSet's pods belong on, and how such a pod looks (https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled). Pure.</summary>
internal static class DaemonPods
{
    /// <summary>Holds the hash of the ControllerRevision that the pod was made from.</summary>
    public const string HashLabel = "controller-revision-hash";

    private const string GenerationLabel = "pod-template-generation";
    private const string GenerationAnnotation = "deprecated.daemonset.template.generation";
    private const string NodeNameField = "metadata.name";

    /// <returns>Whether a pod is to be started there, and whether one that is there may stay.</returns>
    public static (bool ShouldRun, bool MayStay) Decide(V1DaemonSet set, V1Node node)
    {
        var spec = set.Spec.Template.Spec;
        if ((spec.NodeName is { Length: > 0 } name && name != node.Metadata.Name) || !NodeSelectors.Matches(spec, node))
            return (false, false);
        var tolerations = WithDefaults(spec);
        var untolerated = (node.Spec?.Taints ?? []).Where(t => t.Effect is "NoSchedule" or "NoExecute" && !Tolerations.AnyTolerates(tolerations, t)).ToList();
        return (untolerated.Count == 0, untolerated.TrueForAll(t => t.Effect != "NoExecute"));
    }

    public static V1Pod Build(V1DaemonSet set, string hash, string node)
    {
        var pod = PodControl.FromTemplate(KubeJson.Clone(set.Spec.Template), set, "apps/v1", "DaemonSet");
        var labels = pod.Metadata.Labels ??= new Dictionary<string, string>();
        labels[HashLabel] = hash;
        if (Generation(set) is { } generation)
            labels[GenerationLabel] = generation;
        pod.Spec.Tolerations = WithDefaults(pod.Spec);
        // The scheduler binds it, to just this node: its other reasons for or against a node hold as for any pod.
        pod.Spec.Affinity ??= new V1Affinity();
        pod.Spec.Affinity.NodeAffinity ??= new V1NodeAffinity();
        pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = new V1NodeSelector
        {
            NodeSelectorTerms = [new V1NodeSelectorTerm { MatchFields = [new V1NodeSelectorRequirement { Key = NodeNameField, OperatorProperty = "In", Values = [node] }] }],
        };
        return pod;
    }

    /// <summary>Where the pod is or is to be; null when it does not say.</summary>
    public static string? TargetNode(V1Pod pod)
    {
        if (pod.Spec.NodeName is { Length: > 0 } bound)
            return bound;
        var terms = pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms ?? [];
        var field = terms.SelectMany(t => t.MatchFields ?? []).FirstOrDefault(f => f.Key == NodeNameField && f.OperatorProperty == "In");
        return field?.Values is [var name] ? name : null;
    }

    public static bool IsUpdated(V1DaemonSet set, V1Pod pod, string hash) =>
        Label(pod, HashLabel) == hash || (Generation(set) is { } generation && Label(pod, GenerationLabel) == generation);

    /// <summary>By preference: bound to a node, the oldest.</summary>
    public static int Compare(V1Pod left, V1Pod right)
    {
        var order = string.IsNullOrEmpty(left.Spec.NodeName).CompareTo(string.IsNullOrEmpty(right.Spec.NodeName));
        if (order == 0)
            order = Nullable.Compare(left.Metadata.CreationTimestamp, right.Metadata.CreationTimestamp);
        return order != 0 ? order : string.CompareOrdinal(left.Metadata.Name, right.Metadata.Name);
    }

    public static string? Label(V1Pod pod, string name) => pod.Metadata.Labels?.TryGetValue(name, out var value) == true ? value : null;

    /// <summary>The template's own, and those by which a daemon stays whatever state its node is in.</summary>
    private static List<V1Toleration> WithDefaults(V1PodSpec spec)
    {
        var tolerations = (spec.Tolerations ?? []).ToList();
        Add(tolerations, "node.kubernetes.io/not-ready", "NoExecute");
        Add(tolerations, "node.kubernetes.io/unreachable", "NoExecute");
        Add(tolerations, "node.kubernetes.io/disk-pressure", "NoSchedule");
        Add(tolerations, "node.kubernetes.io/memory-pressure", "NoSchedule");
        Add(tolerations, "node.kubernetes.io/pid-pressure", "NoSchedule");
        Add(tolerations, "node.kubernetes.io/unschedulable", "NoSchedule");
        if (spec.HostNetwork == true)
            Add(tolerations, "node.kubernetes.io/network-unavailable", "NoSchedule");
        return tolerations;
    }

    private static void Add(List<V1Toleration> tolerations, string key, string effect)
    {
        // One of the template that differs in its seconds gives way.
        var at = tolerations.FindIndex(t => t.Key == key && t.Effect == effect && t.OperatorProperty == "Exists" && string.IsNullOrEmpty(t.Value));
        var toleration = new V1Toleration { Key = key, OperatorProperty = "Exists", Effect = effect };
        if (at >= 0)
            tolerations[at] = toleration;
        else
            tolerations.Add(toleration);
    }

    private static string? Generation(V1DaemonSet set) =>
        set.Metadata.Annotations?.TryGetValue(GenerationAnnotation, out var text) == true && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var generation)
            ? generation.ToString(CultureInfo.InvariantCulture) : null;
}
