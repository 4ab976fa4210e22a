using System.Globalization;
using k8s;
using k8s.Models;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Deployments;

/// <summary>Revisions of a Deployment: its ReplicaSets, numbered by annotation.</summary>
internal static class Revisions
{
    public const string Annotation = "deployment.kubernetes.io/revision";
    public const string HistoryAnnotation = "deployment.kubernetes.io/revision-history";
    public const string DesiredAnnotation = "deployment.kubernetes.io/desired-replicas";
    public const string MaxAnnotation = "deployment.kubernetes.io/max-replicas";
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    public static long Of(IKubernetesObject<V1ObjectMeta> value) =>
        value.Metadata.Annotations?.TryGetValue(Annotation, out var text) == true && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) ? revision : 0;

    public static long NextAfter(IEnumerable<V1ReplicaSet> old) => old.Select(Of).DefaultIfEmpty(0).Max() + 1;

    /// <summary>The set whose template is the Deployment's; of several, the oldest.</summary>
    public static V1ReplicaSet? FindNew(V1Deployment deployment, IEnumerable<V1ReplicaSet> sets) => sets
        .OrderBy(r => r.Metadata.CreationTimestamp).ThenBy(r => r.Metadata.Name, StringComparer.Ordinal)
        .FirstOrDefault(r => PodTemplates.AreEqualIgnoringHash(r.Spec.Template, deployment.Spec.Template));

    /// <summary>The annotations that the new set must have: the Deployment's own, the revision, the sizes it was scaled for.</summary>
    /// <returns>Whether anything changed.</returns>
    public static bool Annotate(V1Deployment deployment, V1ReplicaSet set, long revision)
    {
        var annotations = set.Metadata.Annotations ??= new Dictionary<string, string>();
        var changed = false;
        foreach (var (name, value) in deployment.Metadata.Annotations ?? new Dictionary<string, string>())
        {
            if (name is LastApplied or Annotation or HistoryAnnotation or DesiredAnnotation or MaxAnnotation or "deprecated.deployment.rollback.to")
                continue;
            changed |= Set(annotations, name, value);
        }
        var current = Of(set);
        if (current < revision)
        {
            if (current > 0)
            {
                var history = annotations.TryGetValue(HistoryAnnotation, out var earlier) && earlier.Length > 0 ? earlier + "," : "";
                changed |= Set(annotations, HistoryAnnotation, history + current.ToString(CultureInfo.InvariantCulture));
            }
            changed |= Set(annotations, Annotation, revision.ToString(CultureInfo.InvariantCulture));
        }
        return changed | AnnotateSizes(deployment, set);
    }

    public static bool AnnotateSizes(V1Deployment deployment, V1ReplicaSet set)
    {
        var annotations = set.Metadata.Annotations ??= new Dictionary<string, string>();
        var desired = RollingPlan.Desired(deployment);
        var max = desired + RollingPlan.Bounds.Of(deployment).MaxSurge;
        return Set(annotations, DesiredAnnotation, desired.ToString(CultureInfo.InvariantCulture)) | Set(annotations, MaxAnnotation, max.ToString(CultureInfo.InvariantCulture));
    }

    public static int? Size(V1ReplicaSet set, string annotation) =>
        set.Metadata.Annotations?.TryGetValue(annotation, out var text) == true && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static bool Set(IDictionary<string, string> annotations, string name, string value)
    {
        if (annotations.TryGetValue(name, out var old) && old == value)
            return false;
        annotations[name] = value;
        return true;
    }
}
