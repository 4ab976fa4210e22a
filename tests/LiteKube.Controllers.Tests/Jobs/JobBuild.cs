using System.Globalization;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Jobs;
using LiteKube.Testing;

namespace LiteKube.Controllers.Tests.Jobs;

internal static class JobBuild
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public static V1Job Job(int? completions = 1, int parallelism = 1, Action<V1JobSpec>? change = null)
    {
        var job = new V1Job
        {
            ApiVersion = "batch/v1",
            Kind = "Job",
            Metadata = new V1ObjectMeta { Name = "work", NamespaceProperty = "default", Uid = "uid-work", CreationTimestamp = Now.UtcDateTime, Generation = 1 },
            Spec = new V1JobSpec
            {
                Parallelism = parallelism,
                Completions = completions,
                BackoffLimit = 6,
                CompletionMode = "NonIndexed",
                Suspend = false,
                Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["job-name"] = "work" } },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["job-name"] = "work" } },
                    Spec = new V1PodSpec { RestartPolicy = "Never", Containers = [new V1Container { Name = "c", Image = "i" }] },
                },
            },
            Status = new V1JobStatus(),
        };
        change?.Invoke(job.Spec);
        return job;
    }

    public static V1Job Indexed(int completions, int parallelism, Action<V1JobSpec>? change = null) => Job(completions, parallelism, spec =>
    {
        spec.CompletionMode = "Indexed";
        change?.Invoke(spec);
    });

    /// <param name="state">A phase, "Terminating" or "Ready".</param>
    public static V1Pod Pod(string name, string state = "Running", int? index = null, int? exitCode = null, bool tracked = true, int secondsAgo = 0)
    {
        var pod = new V1Pod
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "default",
                Uid = "uid-" + name,
                Labels = new Dictionary<string, string> { ["job-name"] = "work" },
                Annotations = index is { } i ? new Dictionary<string, string> { [JobPods.CompletionIndexKey] = i.ToString(CultureInfo.InvariantCulture) } : null,
                Finalizers = tracked ? [JobPods.TrackingFinalizer] : null,
                CreationTimestamp = Now.AddMinutes(-5).UtcDateTime,
                DeletionTimestamp = state == "Terminating" ? Now.UtcDateTime : null,
            },
            Spec = new V1PodSpec { NodeName = "n", Containers = [new V1Container { Name = "c", Image = "i" }] },
            Status = new V1PodStatus { Phase = state is "Terminating" or "Ready" ? "Running" : state },
        };
        if (state == "Ready")
            pod.Status.Conditions = [new V1PodCondition { Type = "Ready", Status = "True", LastTransitionTime = Now.UtcDateTime }];
        if (state is "Failed" or "Succeeded")
            pod.Status.ContainerStatuses = [Ended(exitCode ?? (state == "Failed" ? 1 : 0), Now.AddSeconds(-secondsAgo))];
        return pod;
    }

    public static V1ContainerStatus Ended(int exitCode, DateTimeOffset at, string name = "c") =>
        new() { Name = name, Image = "i", ImageID = "", State = new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = exitCode, FinishedAt = at.UtcDateTime } } };

    public static JobPlan Plan(V1Job job, params V1Pod[] pods) => Plan(job, JobBackoff.None, pods);

    public static JobPlan Plan(V1Job job, JobBackoff backoff, params V1Pod[] pods) =>
        JobPlan.Compute(JobState.Observe(job, pods, new HashSet<string>(), backoff), job.Status.StartTime ?? Now.UtcDateTime, isCurrent: true, Now);

    /// <summary>What a kubelet reports of a pod that ended.</summary>
    public static async Task EndAsync(this InMemoryKube kube, V1Pod pod, bool success, DateTimeOffset at)
    {
        var text = at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var patch = $$$"""{"status":{"phase":"{{{(success ? "Succeeded" : "Failed")}}}","containerStatuses":[{"name":"c","image":"i","imageID":"","ready":false,"restartCount":0,"state":{"terminated":{"exitCode":{{{(success ? 0 : 1)}}},"finishedAt":"{{{text}}}"} } }]} }""";
        await kube.Client.PatchAsync<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, KubePatch.Merge(System.Text.Encoding.UTF8.GetBytes(patch)), "status", default);
    }
}
