using System.Text.Json.Nodes;
using static LiteKube.Apis.Tables.TableColumns;

namespace LiteKube.Apis.Tables;

/// <summary>What `kubectl get pods` shows of a pod (the rules of kube-apiserver's printPod).</summary>
internal static class PodCells
{
    public static string Ready(JsonObject pod) =>
        $"{Statuses(pod).Count(c => Text(c, "ready") == "true")}/{Items(pod["spec"]?["containers"]).Count()}";

    public static JsonNode? Restarts(JsonObject pod, DateTimeOffset now)
    {
        var statuses = Statuses(pod).ToList();
        var count = statuses.Sum(c => Number(c, "restartCount"));
        var last = statuses.Select(c => Text(c, "lastState", "terminated", "finishedAt")).Max(StringComparer.Ordinal);
        return count > 0 && !string.IsNullOrEmpty(last) ? $"{count} ({Ages.Since(last, now)} ago)" : count.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    public static string Status(JsonObject pod)
    {
        var status = Text(pod, "status", "reason") is { Length: > 0 } podReason ? podReason : Text(pod, "status", "phase");
        if (Items(pod["status"]?["conditions"]).Any(c => Text(c, "type") == "PodScheduled" && Text(c, "reason") == "SchedulingGated"))
            status = "SchedulingGated";
        if (Initializing(pod) is { } init)
        {
            status = init;
        }
        else
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
                status = Items(pod["status"]?["conditions"]).Any(c => Text(c, "type") == "Ready" && Text(c, "status") == "True") ? "Running" : "NotReady";
        }
        if (pod["metadata"]?["deletionTimestamp"] is null)
            return status;
        return Text(pod, "status", "reason") == "NodeLost" ? "Unknown" : Text(pod, "status", "phase") is "Succeeded" or "Failed" ? status : "Terminating";
    }

    private static string? Initializing(JsonObject pod)
    {
        var specs = Items(pod["spec"]?["initContainers"]).ToList();
        var index = 0;
        foreach (var container in Items(pod["status"]?["initContainerStatuses"]))
        {
            var isSidecar = specs.Exists(s => Text(s, "name") == Text(container, "name") && Text(s, "restartPolicy") == "Always");
            var isDone = container["state"]?["terminated"] is { } ended && Number(ended, "exitCode") == 0;
            if (isDone || (isSidecar && Text(container, "started") == "true"))
            {
                index++;
                continue;
            }
            return Reason(container) is { } reason && reason != "PodInitializing" ? "Init:" + reason : $"Init:{index}/{specs.Count}";
        }
        return null;
    }

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
}
