using System.Buffers;
using System.Globalization;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>Patches of a pod's status by others than its kubelet. Each names the uid: a new pod of the same name is left alone.</summary>
internal static class PodStatusPatches
{
    /// <summary>Says why the control plane ends the pod (https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions).</summary>
    /// <param name="phase">Null keeps the phase.</param>
    public static KubePatch Disruption(V1Pod pod, string reason, string message, string? phase, DateTimeOffset now) => Write(pod, phase, "DisruptionTarget", "True", reason, message, now);

    public static KubePatch NotReady(V1Pod pod, DateTimeOffset now) => Write(pod, null, "Ready", "False", null, null, now);

    /// <summary>The pod does not go after all. Of just this version of it: a later one may say otherwise.</summary>
    public static KubePatch NotDisrupted(V1Pod pod, DateTimeOffset now) => Write(pod, null, "DisruptionTarget", "False", null, null, now, isOfThisVersion: true);

    public static bool HasDisruption(this V1Pod pod, string reason) =>
        pod.Status?.Conditions?.Any(c => c.Type == "DisruptionTarget" && c.Status == "True" && c.Reason == reason) == true;

    private static KubePatch Write(V1Pod pod, string? phase, string type, string status, string? reason, string? message, DateTimeOffset now, bool isOfThisVersion = false)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteString("uid", pod.Metadata.Uid);
            if (isOfThisVersion)
                writer.WriteString("resourceVersion", pod.Metadata.ResourceVersion);
            writer.WriteEndObject();
            writer.WriteStartObject("status");
            if (phase is not null)
                writer.WriteString("phase", phase);
            writer.WriteStartArray("conditions");
            writer.WriteStartObject();
            writer.WriteString("type", type);
            writer.WriteString("status", status);
            if (reason is not null)
                writer.WriteString("reason", reason);
            if (message is not null)
                writer.WriteString("message", message);
            writer.WriteString("lastTransitionTime", now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return KubePatch.StrategicMerge(buffer.WrittenMemory);
    }
}
