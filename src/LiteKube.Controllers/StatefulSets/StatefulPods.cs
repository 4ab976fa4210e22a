using System.Globalization;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.StatefulSets;

/// <summary>
/// What a StatefulSet's pods are called, how they are found in the network and which claims they hold
/// (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity). Pure.
/// </summary>
internal static class StatefulPods
{
    public const string NameLabel = "statefulset.kubernetes.io/pod-name";
    public const string IndexLabel = "apps.kubernetes.io/pod-index";

    /// <summary>Holds the name of the ControllerRevision that the pod was made from.</summary>
    public const string RevisionLabel = "controller-revision-hash";

    /// <summary>"web-3" is 3 of "web"; of no set, ordinal -1.</summary>
    public static (string Set, int Ordinal) Parse(string podName)
    {
        var cut = podName.LastIndexOf('-');
        if (cut < 0 || cut == podName.Length - 1 || podName.AsSpan(cut + 1).ContainsAnyExceptInRange('0', '9'))
            return ("", -1);
        return (podName[..cut], int.TryParse(podName.AsSpan(cut + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal : -1);
    }

    public static int Ordinal(V1Pod pod) => Parse(pod.Metadata.Name).Ordinal;

    public static bool IsMember(V1StatefulSet set, V1Pod pod) => Parse(pod.Metadata.Name).Set == set.Metadata.Name;

    public static int Replicas(V1StatefulSet set) => set.Spec.Replicas ?? 1;

    /// <summary>The first ordinal; the last one is <see cref="Replicas"/> - 1 further.</summary>
    public static int Start(V1StatefulSet set) => set.Spec.Ordinals?.Start ?? 0;

    public static bool IsInRange(V1StatefulSet set, V1Pod pod) => Ordinal(pod) is var ordinal && ordinal >= Start(set) && ordinal < Start(set) + Replicas(set);

    /// <summary>The server has it; else it is one that the plan would make.</summary>
    public static bool IsCreated(V1Pod pod) => pod.Metadata.Uid is not null;

    public static string? Revision(V1Pod pod) => pod.Metadata.Labels?.TryGetValue(RevisionLabel, out var revision) == true ? revision : null;

    public static bool IsRunningAndReady(V1Pod pod) => pod.Status?.Phase == "Running" && pod.IsReady();

    /// <param name="template">That of <paramref name="revision"/>.</param>
    public static V1Pod Build(V1StatefulSet set, V1PodTemplateSpec template, string revision, int ordinal)
    {
        var pod = PodControl.FromTemplate(KubeJson.Clone(template), set, "apps/v1", "StatefulSet");
        pod.Metadata.Name = string.Create(CultureInfo.InvariantCulture, $"{set.Metadata.Name}-{ordinal}");
        pod.Spec.Hostname = pod.Metadata.Name;
        pod.Spec.Subdomain = set.Spec.ServiceName;
        Identify(pod);
        pod.Metadata.Labels[RevisionLabel] = revision;
        pod.Spec.Volumes = WithClaims(set, pod, ordinal);
        return pod;
    }

    /// <summary>A copy with the labels and volumes that a member must have.</summary>
    public static V1Pod Conformed(V1StatefulSet set, V1Pod pod)
    {
        var copy = KubeJson.Clone(pod);
        Identify(copy);
        if (!HasStorage(set, copy))
            copy.Spec.Volumes = WithClaims(set, copy, Ordinal(copy));
        return copy;
    }

    public static bool HasIdentity(V1Pod pod) => pod.Metadata.Labels?.TryGetValue(NameLabel, out var name) == true && name == pod.Metadata.Name;

    public static bool HasStorage(V1StatefulSet set, V1Pod pod)
    {
        var ordinal = Ordinal(pod);
        return (set.Spec.VolumeClaimTemplates ?? []).All(claim =>
            pod.Spec.Volumes?.FirstOrDefault(v => v.Name == claim.Metadata.Name)?.PersistentVolumeClaim?.ClaimName == ClaimName(set, claim, ordinal));
    }

    public static string ClaimName(V1StatefulSet set, V1PersistentVolumeClaim template, int ordinal) =>
        string.Create(CultureInfo.InvariantCulture, $"{template.Metadata.Name}-{set.Metadata.Name}-{ordinal}");

    /// <summary>The names of the claims of the pod with that ordinal.</summary>
    public static IEnumerable<string> ClaimNames(V1StatefulSet set, int ordinal) => (set.Spec.VolumeClaimTemplates ?? []).Select(t => ClaimName(set, t, ordinal));

    public static IEnumerable<V1PersistentVolumeClaim> Claims(V1StatefulSet set, int ordinal)
    {
        foreach (var template in set.Spec.VolumeClaimTemplates ?? [])
        {
            var claim = KubeJson.Clone(template);
            claim.Metadata.Name = ClaimName(set, template, ordinal);
            claim.Metadata.NamespaceProperty = set.Metadata.NamespaceProperty;
            claim.Status = null;
            foreach (var (key, value) in set.Spec.Selector.MatchLabels ?? new Dictionary<string, string>())
                (claim.Metadata.Labels ??= new Dictionary<string, string>())[key] = value;
            yield return claim;
        }
    }

    private static void Identify(V1Pod pod)
    {
        var labels = pod.Metadata.Labels ??= new Dictionary<string, string>();
        labels[NameLabel] = pod.Metadata.Name;
        labels[IndexLabel] = Ordinal(pod).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>A volume for each claim, in place of the template's own volume of that name.</summary>
    private static List<V1Volume>? WithClaims(V1StatefulSet set, V1Pod pod, int ordinal)
    {
        var templates = set.Spec.VolumeClaimTemplates ?? [];
        var volumes = templates.Select(t => new V1Volume
        {
            Name = t.Metadata.Name,
            PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = ClaimName(set, t, ordinal) },
        }).ToList();
        volumes.AddRange((pod.Spec.Volumes ?? []).Where(v => templates.All(t => t.Metadata.Name != v.Name)));
        return volumes.Count == 0 ? null : volumes;
    }
}
