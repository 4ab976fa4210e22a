using System.Text.Json.Nodes;

namespace LiteKube.Apis.Defaulting;

/// <summary>Controllers of pods: apps, batch, autoscaling and ReplicationController (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/).</summary>
internal static class WorkloadDefaults
{
    private const string Apps = "io.k8s.api.apps.v1.";
    private const string Batch = "io.k8s.api.batch.v1.";
    private const string AutoscalingV2 = "io.k8s.api.autoscaling.v2.";

    public static (string Type, DefaultRule Rule)[] Rules { get; } =
    [
        ("io.k8s.api.core.v1.ReplicationController", ReplicationController),
        (Apps + "Deployment", Deployment),
        (Apps + "DaemonSet", DaemonSet),
        (Apps + "StatefulSet", StatefulSet),
        (Apps + "ReplicaSet", t => t.Child("spec").IfMissing("replicas", 1)),
        (Batch + "Job", Job),
        (Batch + "CronJob", CronJob),
        ("io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler", t => t.Child("spec").IfMissing("minReplicas", 1)),
        (AutoscalingV2 + "HorizontalPodAutoscaler", Autoscaler),
    ];

    private static void ReplicationController(DefaultTarget controller)
    {
        var spec = controller.Child("spec");
        if (spec.Value["template"]?["metadata"]?["labels"] is not JsonObject labels)
            return;
        spec.IfEmpty("selector", labels.DeepClone());
        controller.Child("metadata").IfEmpty("labels", labels.DeepClone());
    }

    private static void Deployment(DefaultTarget deployment)
    {
        var spec = deployment.Child("spec");
        spec.IfMissing("replicas", 1);
        var strategy = spec.Child("strategy");
        strategy.IfEmpty("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
        {
            var rollingUpdate = strategy.Child("rollingUpdate");
            rollingUpdate.IfMissing("maxUnavailable", "25%");
            rollingUpdate.IfMissing("maxSurge", "25%");
        }

        spec.IfMissing("revisionHistoryLimit", 10);
        spec.IfMissing("progressDeadlineSeconds", 600);
    }

    private static void DaemonSet(DefaultTarget daemonSet)
    {
        var spec = daemonSet.Child("spec");
        var strategy = spec.Child("updateStrategy");
        strategy.IfEmpty("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
        {
            var rollingUpdate = strategy.Child("rollingUpdate");
            rollingUpdate.IfMissing("maxUnavailable", 1);
            rollingUpdate.IfMissing("maxSurge", 0);
        }

        spec.IfMissing("revisionHistoryLimit", 10);
    }

    private static void StatefulSet(DefaultTarget statefulSet)
    {
        var spec = statefulSet.Child("spec");
        spec.IfEmpty("podManagementPolicy", "OrderedReady");
        var strategy = spec.Child("updateStrategy");
        if (strategy.IsEmpty("type"))
        {
            strategy.Set("type", "RollingUpdate");
            strategy.Child("rollingUpdate");
        }

        if (strategy.Text("type") == "RollingUpdate" && strategy.ChildOrNull("rollingUpdate") is { } rollingUpdate)
        {
            rollingUpdate.IfMissing("partition", 0);
            rollingUpdate.IfMissing("maxUnavailable", 1);
        }

        var retention = spec.Child("persistentVolumeClaimRetentionPolicy");
        retention.IfEmpty("whenDeleted", "Retain");
        retention.IfEmpty("whenScaled", "Retain");
        spec.IfMissing("replicas", 1);
        spec.IfMissing("revisionHistoryLimit", 10);
    }

    private static void Job(DefaultTarget job)
    {
        var spec = job.Child("spec");
        if (spec.IsMissing("parallelism"))
            spec.IfMissing("completions", 1);
        spec.IfMissing("parallelism", 1);
        spec.IfMissing("backoffLimit", spec.IsMissing("backoffLimitPerIndex") ? 6 : int.MaxValue);
        if (spec.Value["template"]?["metadata"]?["labels"] is JsonObject labels)
            job.Child("metadata").IfEmpty("labels", labels.DeepClone());
        spec.IfMissing("completionMode", "NonIndexed");
        spec.IfMissing("suspend", false);
        spec.IfMissing("podReplacementPolicy", spec.IsMissing("podFailurePolicy") ? "TerminatingOrFailed" : "Failed");
        if (spec.ChildOrNull("podFailurePolicy") is not { } policy)
            return;
        foreach (var pattern in policy.Children("rules").SelectMany(r => r.Children("onPodConditions")))
            pattern.IfEmpty("status", "True");
    }

    private static void CronJob(DefaultTarget cronJob)
    {
        var spec = cronJob.Child("spec");
        spec.IfEmpty("concurrencyPolicy", "Allow");
        spec.IfMissing("suspend", false);
        spec.IfMissing("successfulJobsHistoryLimit", 3);
        spec.IfMissing("failedJobsHistoryLimit", 1);
    }

    private static void Autoscaler(DefaultTarget autoscaler)
    {
        var spec = autoscaler.Child("spec");
        spec.IfMissing("minReplicas", 1);
        spec.IfEmpty("metrics", new JsonArray(new JsonObject
        {
            ["type"] = "Resource",
            ["resource"] = new JsonObject
            {
                ["name"] = "cpu",
                ["target"] = new JsonObject { ["type"] = "Utilization", ["averageUtilization"] = 80 },
            },
        }));
        if (spec.ChildOrNull("behavior") is not { } behavior)
            return;
        var up = behavior.Child("scaleUp");
        up.IfMissing("stabilizationWindowSeconds", 0);
        up.IfMissing("selectPolicy", "Max");
        up.IfMissing("policies", new JsonArray(ScalingPolicy("Pods", 4), ScalingPolicy("Percent", 100)));
        var down = behavior.Child("scaleDown");
        down.IfMissing("selectPolicy", "Max");
        down.IfMissing("policies", new JsonArray(ScalingPolicy("Percent", 100)));
    }

    private static JsonObject ScalingPolicy(string type, int value) => new() { ["type"] = type, ["value"] = value, ["periodSeconds"] = 15 };
}
