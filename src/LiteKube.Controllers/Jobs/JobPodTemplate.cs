using System.Globalization;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Jobs;

/// <summary>The pods that a Job makes. Pure.</summary>
internal static class JobPodTemplate
{
    private const string IndexVariable = "JOB_COMPLETION_INDEX";

    /// <summary>The server adds a suffix of five letters to a prefix of at most this length.</summary>
    private const int MaxPrefixLength = 58;

    /// <param name="replaced">The failed pod whose index the new one takes, for counting the index's failures.</param>
    public static V1Pod Create(V1Job job, int? index, V1Pod? replaced)
    {
        var template = KubeJson.Clone(job.Spec.Template);
        template.Metadata ??= new V1ObjectMeta();
        var pod = new V1Pod
        {
            ApiVersion = "v1",
            Kind = "Pod",
            Metadata = new V1ObjectMeta
            {
                GenerateName = index is { } i ? Prefix(job.Metadata.Name, i) : PodTemplates.GenerateNamePrefix(job.Metadata.Name),
                NamespaceProperty = job.Metadata.NamespaceProperty,
                Labels = template.Metadata.Labels,
                Annotations = template.Metadata.Annotations,
                Finalizers = [.. (template.Metadata.Finalizers ?? []).Where(f => f != JobPods.TrackingFinalizer), JobPods.TrackingFinalizer],
                OwnerReferences = [Owners.ReferenceTo(job, "batch/v1", "Job")],
            },
            Spec = template.Spec,
        };
        if (index is { } number)
            SetIndex(pod, job, number, replaced);
        return pod;
    }

    private static void SetIndex(V1Pod pod, V1Job job, int index, V1Pod? replaced)
    {
        var text = Text(index);
        var annotations = pod.Metadata.Annotations ??= new Dictionary<string, string>(StringComparer.Ordinal);
        annotations[JobPods.CompletionIndexKey] = text;
        (pod.Metadata.Labels ??= new Dictionary<string, string>(StringComparer.Ordinal))[JobPods.CompletionIndexKey] = text;
        pod.Spec.Hostname = $"{job.Metadata.Name}-{text}";
        foreach (var container in (pod.Spec.InitContainers ?? []).Concat(pod.Spec.Containers))
            AddVariable(container);
        if (!job.CountsFailuresPerIndex())
            return;
        var (failures, ignored) = (replaced?.FailureCount() ?? 0, replaced?.IgnoredFailureCount() ?? 0);
        if (replaced is not null && PodFailureRules.Judge(job.Spec.PodFailurePolicy, replaced).Counts)
            failures++;
        else if (replaced is not null)
            ignored++;
        annotations[JobPods.FailureCountAnnotation] = Text(failures);
        if (ignored > 0)
            annotations[JobPods.IgnoredFailureCountAnnotation] = Text(ignored);
    }

    private static void AddVariable(V1Container container)
    {
        if (container.Env?.Any(e => e.Name == IndexVariable) == true)
            return;
        (container.Env ??= []).Add(new V1EnvVar
        {
            Name = IndexVariable,
            ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = $"metadata.labels['{JobPods.CompletionIndexKey}']" } },
        });
    }

    private static string Prefix(string name, int index)
    {
        var suffix = $"-{Text(index)}-";
        return name.Length + suffix.Length > MaxPrefixLength ? name[..(MaxPrefixLength - suffix.Length)] + suffix : name + suffix;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
