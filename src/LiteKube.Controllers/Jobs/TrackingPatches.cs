using System.Text.Json;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Jobs;

/// <summary>Takes the tracking finalizer from a pod. Names the uid: a new pod of the same name keeps its own.</summary>
internal static class TrackingPatches
{
    /// <param name="onlyAsSeen">Refused with a conflict when the pod has changed since it was read.</param>
    public static KubePatch Release(V1Pod pod, bool onlyAsSeen = false)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            writer.WriteString("uid", pod.Metadata.Uid);
            if (onlyAsSeen)
                writer.WriteString("resourceVersion", pod.Metadata.ResourceVersion);
            writer.WriteStartArray("$deleteFromPrimitiveList/finalizers");
            writer.WriteStringValue(JobPods.TrackingFinalizer);
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return KubePatch.StrategicMerge(buffer.WrittenMemory);
    }
}
