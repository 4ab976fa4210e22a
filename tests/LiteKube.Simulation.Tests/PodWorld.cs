using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Testing;

namespace LiteKube.Simulation.Tests;

/// <summary>The scheduler and kubelets of a simulation: pods get a node, run, become ready, and end when they are told to.</summary>
internal sealed class PodWorld(Simulation simulation)
{
    private int _addresses;

    private InMemoryKube Kube => simulation.Kube;
    private DateTime Now => simulation.Time.GetUtcNow().UtcDateTime;

    public IReadOnlyList<V1Pod> Pods => Kube.All<V1Pod>("default");

    /// <summary>One step in the life of a pod; false when it has come to where it stays.</summary>
    public bool Advance(V1Pod pod)
    {
        if (pod.Metadata.DeletionTimestamp is not null)
        {
            // What runs is ended first, then the pod may go; a finalizer may keep it.
            if (pod.Spec.NodeName is not null && pod.IsUnfinished())
                Finish(pod, "Failed");
            else if (pod.Metadata.DeletionGracePeriodSeconds > 0)
                End(pod);
            else
                return false;
            return true;
        }
        if (pod.Status?.Phase is "Failed" or "Succeeded")
            return false;
        if (pod.Spec.NodeName is null)
        {
            Change(pod, p => (p.Spec.NodeName, p.Status) = (NodeFor(pod), new V1PodStatus { Phase = "Pending" }));
            return true;
        }
        if (pod.IsReady())
            return false;
        SetReady(pod, true);
        return true;
    }

    /// <summary>All pods go one step on; false when none had one to go.</summary>
    public bool AdvanceAll()
    {
        var any = false;
        foreach (var pod in Pods)
            any |= Advance(pod);
        return any;
    }

    /// <summary>It runs, with an address of its own.</summary>
    public void SetReady(V1Pod pod, bool isReady) => Change(pod, p => p.Status = new V1PodStatus
    {
        Phase = "Running",
        StartTime = p.Status?.StartTime ?? Now,
        PodIP = p.Status?.PodIP ?? $"10.0.{++_addresses / 250}.{(_addresses % 250) + 1}",
        Conditions = [new V1PodCondition { Type = "Ready", Status = isReady ? "True" : "False", LastTransitionTime = Now }],
    });

    public void Finish(V1Pod pod, string phase) => Change(pod, p => p.Status = new V1PodStatus
    {
        Phase = phase,
        StartTime = p.Status?.StartTime,
        PodIP = p.Status?.PodIP,
        Conditions = [new V1PodCondition { Type = "Ready", Status = "False", LastTransitionTime = Now }],
    });

    /// <summary>As a user deletes it: with grace where it runs on a node.</summary>
    public void Delete(V1Pod pod) => Send(pod, null);

    public void Change(V1Pod pod, Action<V1Pod> change)
    {
        var changed = KubeJson.Clone(pod);
        change(changed);
        simulation.Trace($"pod {pod.Metadata.Name} is {changed.Status?.Phase ?? "new"}{(changed.Metadata.DeletionTimestamp is null ? "" : ", terminating")}");
        Kube.Seed(changed);
    }

    /// <summary>The node that a DaemonSet's pod names; else the only one.</summary>
    private static string NodeFor(V1Pod pod) =>
        pod.Spec.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms.SelectMany(t => t.MatchFields ?? []).FirstOrDefault()?.Values.Single() ?? "node-1";

    private void End(V1Pod pod) => Send(pod, 0);

    private void Send(V1Pod pod, long? grace)
    {
        simulation.Trace($"pod {pod.Metadata.Name} is {(grace is 0 ? "ended" : "deleted by a user")}");
        Kube.Remove<V1Pod>(pod.Metadata.NamespaceProperty, pod.Metadata.Name, grace);
    }
}

internal static class PodStates
{
    public static bool IsReady(this V1Pod pod) => pod.Metadata.DeletionTimestamp is null && pod.Status?.Conditions?.Any(c => c is { Type: "Ready", Status: "True" }) == true;

    public static bool IsUnfinished(this V1Pod pod) => pod.Status?.Phase is not ("Failed" or "Succeeded");

    public static bool IsLive(this V1Pod pod) => pod.Metadata.DeletionTimestamp is null && pod.IsUnfinished();

    public static string? OwnerUid(this V1Pod pod) => pod.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller == true)?.Uid;
}
