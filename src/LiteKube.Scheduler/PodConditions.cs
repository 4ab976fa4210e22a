using System.Buffers;
using System.Globalization;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using Microsoft.Extensions.Logging;

namespace LiteKube.Scheduler;

/// <summary>Writes what the scheduler has to say in a pod's status, when it is news.</summary>
internal sealed class PodConditions(IKubeClient client, TimeProvider timeProvider, ILogger logger)
{
    public const string PreemptionByScheduler = "PreemptionByScheduler";
    private const string PodScheduled = "PodScheduled";
    private const string DisruptionTarget = "DisruptionTarget";

    /// <param name="reason">Unschedulable or SchedulerError.</param>
    /// <param name="nominatedNode">Where preemption makes room; "" takes an earlier nomination back, null leaves it as it is.</param>
    public async Task SetNotScheduledAsync(PodInfo pod, string reason, string message, string? nominatedNode, CancellationToken cancellationToken)
    {
        var condition = ConditionIfNews(pod, new Condition(PodScheduled, "False", reason, message));
        var node = nominatedNode is not null && nominatedNode != pod.NominatedNode ? nominatedNode : null;
        if (condition is null && node is null)
            return;
        try
        {
            await PatchAsync(pod, condition, node, cancellationToken);
        }
        // Deleted meanwhile, or made again under its name: nobody is left to be told.
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            SchedulerLog.ConditionTooLate(logger, pod.Key, e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            SchedulerLog.ConditionNotWritten(logger, pod.Key, e);
        }
    }

    /// <returns>false when it could not be written.</returns>
    public async Task<bool> SetNominatedNodeAsync(PodInfo pod, string node, CancellationToken cancellationToken)
    {
        if (pod.NominatedNode == node)
            return true;
        try
        {
            await PatchAsync(pod, null, node, cancellationToken);
            return true;
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            SchedulerLog.ConditionNotWritten(logger, pod.Key, e);
            return false;
        }
    }

    /// <summary>Says that the pod goes for a more important one; throws what the server answers.</summary>
    public async Task SetDisruptionTargetAsync(PodInfo pod, string message, CancellationToken cancellationToken)
    {
        if (ConditionIfNews(pod, new Condition(DisruptionTarget, "True", PreemptionByScheduler, message)) is { } condition)
            await PatchAsync(pod, condition, null, cancellationToken);
    }

    private Task PatchAsync(PodInfo pod, Condition? condition, string? node, CancellationToken cancellationToken) =>
        client.PatchAsync<V1Pod>(pod.Namespace, pod.Key.Name, KubePatch.StrategicMerge(Patch(pod, condition, node)), "status", cancellationToken);

    private Condition? ConditionIfNews(PodInfo pod, Condition wanted)
    {
        var current = pod.Pod.Status?.Conditions?.FirstOrDefault(condition => condition.Type == wanted.Type);
        if (current is not null && current.Status == wanted.Status && current.Reason == wanted.Reason && current.Message == wanted.Message)
            return null;
        // The time is that of the last change of status, not of wording.
        var since = current?.Status == wanted.Status && current.LastTransitionTime is { } known ? known : timeProvider.GetUtcNow().UtcDateTime;
        return wanted with { Since = since };
    }

    private static ReadOnlyMemory<byte> Patch(PodInfo pod, Condition? condition, string? node)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteStartObject("metadata");
        // A new pod of the same name must not get the old one's condition.
        writer.WriteString("uid", pod.Uid);
        writer.WriteEndObject();
        writer.WriteStartObject("status");
        if (node is { Length: 0 })
            writer.WriteNull("nominatedNodeName");
        else if (node is not null)
            writer.WriteString("nominatedNodeName", node);
        if (condition is not null)
        {
            writer.WriteStartArray("conditions");
            writer.WriteStartObject();
            writer.WriteString("type", condition.Type);
            writer.WriteString("status", condition.Status);
            writer.WriteString("reason", condition.Reason);
            writer.WriteString("message", condition.Message);
            writer.WriteString("lastTransitionTime", condition.Since.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            if (pod.Pod.Metadata.Generation is { } generation)
                writer.WriteNumber("observedGeneration", generation);
            writer.WriteEndObject();
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    private sealed record Condition(string Type, string Status, string Reason, string Message)
    {
        public DateTime Since { get; init; }
    }
}
