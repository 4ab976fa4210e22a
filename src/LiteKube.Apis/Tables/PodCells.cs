using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>What `kubectl get pods` shows of a pod (the rules of kube-apiserver's printPod).</summary>
internal static class PodCells
{
    public static string Ready(JsonObject pod)
    {
        var ready = IsInitializing(pod, out _) ? 0 : Statuses(pod).Count(c => Text(c, "ready") == "true" && c["state"]?["running"] is not null);
        foreach (var container in Passed(pod))
        {
            if (IsSidecar(pod, container) && Text(container, "started") == "true" && Text(container, "ready") == "true")
                ready++;
        }
        return $"{ready}/{Items(pod["spec"]?["containers"]).Count() + Items(pod["spec"]?["initContainers"]).Count(c => Text(c, "restartPolicy") == "Always")}";
    }

    /// <summary>While a pod starts, those of its init containers; later those of sidecars and containers.</summary>
    public static JsonNode? Restarts(JsonObject pod, DateTimeOffset now)
    {
        var init = InitStatuses(pod).ToList();
        var counted = IsInitializing(pod, out var reached) ? init.Take(reached + 1) : init.Where(c => IsSidecar(pod, c)).Concat(Statuses(pod));
        var statuses = counted.ToList();
        var count = statuses.Sum(c => Number(c, "restartCount"));
        var last = statuses.Select(c => Text(c, "lastState", "terminated", "finishedAt")).Max(StringComparer.Ordinal);
        return count > 0 && !string.IsNullOrEmpty(last) ? $"{count} ({Ages.Since(last, now)} ago)" : count.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    public static string Address(JsonObject pod) => Or(Items(pod["status"]?["podIPs"]).Select(a => Text(a, "ip")).FirstOrDefault() ?? Text(pod, "status", "podIP"));

    public static string ReadinessGates(JsonObject pod)
    {
        var gates = Items(pod["spec"]?["readinessGates"]).Select(g => Text(g, "conditionType")).ToList();
        return gates.Count == 0 ? "<none>" : $"{gates.Count(g => HasCondition(pod, g))}/{gates.Count}";
    }

    /// <summary>What marks the row of a finished pod; null for others.</summary>
    public static JsonObject? Completion(GroupResource resource, JsonObject pod) => resource is { Group: "", Resource: "pods" } && Text(pod, "status", "phase") is ("Succeeded" or "Failed") and var phase
        ? new JsonObject { ["type"] = "Completed", ["status"] = "True", ["reason"] = phase, ["message"] = phase == "Succeeded" ? "The pod has completed successfully." : "The pod failed." }
        : null;

    public static string Status(JsonObject pod)
    {
        var status = Text(pod, "status", "reason") is { Length: > 0 } podReason ? podReason : Text(pod, "status", "phase");
        if (Items(pod["status"]?["conditions"]).Any(c => Text(c, "type") == "PodScheduled" && Text(c, "reason") == "SchedulingGated"))
            status = "SchedulingGated";
        if (Initializing(pod, out _) is { } init)
            status = init;
        if (!IsInitializing(pod, out _))
        {
            var isRunning = false;
            foreach (var container in Statuses(pod).Reverse())
            {
                if (Reason(container) is { } reason)
                    status = reason;
                else if (Text(container, "ready") == "true" && container["state"]?["running"] is not null)
                    isRunning = true;
            }
            // One container ended well while another still serves.
            if (status == "Completed" && isRunning)
                status = HasCondition(pod, "Ready") ? "Running" : "NotReady";
        }
        if (pod["metadata"]?["deletionTimestamp"] is null)
            return status;
        return Text(pod, "status", "reason") == "NodeLost" ? "Unknown" : Text(pod, "status", "phase") is "Succeeded" or "Failed" ? status : "Terminating";
    }

    /// <summary>An init container has not passed, and the pod does not say itself that it is initialized.</summary>
    private static bool IsInitializing(JsonObject pod, out int reached) => Initializing(pod, out reached) is not null && !HasCondition(pod, "Initialized");

    /// <param name="reached">The first init container that has not passed.</param>
    private static string? Initializing(JsonObject pod, out int reached)
    {
        reached = 0;
        foreach (var container in InitStatuses(pod))
        {
            if (HasPassed(pod, container))
            {
                reached++;
                continue;
            }
            return Reason(container) is { } reason && reason != "PodInitializing" ? "Init:" + reason : $"Init:{reached}/{Items(pod["spec"]?["initContainers"]).Count()}";
        }
        return null;
    }

    private static IEnumerable<JsonObject> Passed(JsonObject pod) => InitStatuses(pod).TakeWhile(c => HasPassed(pod, c));

    private static bool HasPassed(JsonObject pod, JsonObject container) =>
        (container["state"]?["terminated"] is { } ended && Number(ended, "exitCode") == 0) || (IsSidecar(pod, container) && Text(container, "started") == "true");

    private static bool IsSidecar(JsonObject pod, JsonObject status) =>
        Items(pod["spec"]?["initContainers"]).Any(s => Text(s, "name") == Text(status, "name") && Text(s, "restartPolicy") == "Always");

    private static bool HasCondition(JsonObject pod, string type) => Items(pod["status"]?["conditions"]).FirstOrDefault(c => Text(c, "type") == type) is { } condition && Text(condition, "status") == "True";

    private static string? Reason(JsonObject container)
    {
        if (Text(container, "state", "waiting", "reason") is { Length: > 0 } waiting)
            return waiting;
        if (container["state"]?["terminated"] is not { } ended)
            return null;
        if (Text(ended, "reason") is { Length: > 0 } reason)
            return reason;
        return Number(ended, "signal") != 0 ? $"Signal:{Number(ended, "signal")}" : $"ExitCode:{Number(ended, "exitCode")}";
    }

    private static IEnumerable<JsonObject> Statuses(JsonObject pod) => Items(pod["status"]?["containerStatuses"]);

    private static IEnumerable<JsonObject> InitStatuses(JsonObject pod) => Items(pod["status"]?["initContainerStatuses"]);
}
