using System.Buffers;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using Microsoft.Extensions.Logging;

namespace LiteKube.Scheduler;

/// <summary>Writes a pod's PodScheduled condition, when it says something new.</summary>
internal sealed class PodConditions(IKubeClient client, TimeProvider timeProvider, ILogger logger)
{
    private const string PodScheduled = "PodScheduled";

    /// <param name="reason">Unschedulable, SchedulerError, SchedulingGated.</param>
    /// <param name="nominatedNode">Where preemption makes room; null to leave it as it is.</param>
    public async Task SetNotScheduledAsync(PodInfo pod, string reason, string message, string? nominatedNode, CancellationToken cancellationToken)
    {
        var current = pod.Pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == PodScheduled);
        var isNews = current is null || current.Status != "False" || current.Reason != reason || current.Message != message;
        if (!isNews && nominatedNode is null)
            return;
        // The time is that of the last change of status, not of wording.
        var since = current is { Status: "False", LastTransitionTime: { } known } ? known : timeProvider.GetUtcNow().UtcDateTime;
        try
        {
            await client.PatchAsync<V1Pod>(pod.Namespace, pod.Key.Name, KubePatch.StrategicMerge(Patch(pod, reason, message, since, nominatedNode)), "status", cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            // Deleted meanwhile: nobody is left to be told.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            SchedulerLog.ConditionNotWritten(logger, pod.Key, e);
        }
    }

    private static ReadOnlyMemory<byte> Patch(PodInfo pod, string reason, string message, DateTime since, string? nominatedNode)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        // A new pod of the same name must not get the old one's condition.
        writer.WriteString("uid", pod.Uid);
        writer.WriteEndObject();
        writer.WriteStartObject("status");
        if (nominatedNode is not null)
            writer.WriteString("nominatedNodeName", nominatedNode);
        writer.WriteStartArray("conditions");
        writer.WriteStartObject();
        writer.WriteString("type", PodScheduled);
        writer.WriteString("status", "False");
        writer.WriteString("reason", reason);
        writer.WriteString("message", message);
        writer.WriteString("lastTransitionTime", since.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));
        if (pod.Pod.Metadata.Generation is { } generation)
            writer.WriteNumber("observedGeneration", generation);
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }
}
