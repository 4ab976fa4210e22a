using System.Text.Json;
using k8s;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>Adoption and release of objects: patches that name the uid, so that a new object of the same name is left alone.</summary>
internal static class MetadataPatches
{
    /// <param name="finalizer">Added with the owner.</param>
    public static KubePatch Adopt(IKubernetesObject<V1ObjectMeta> value, V1OwnerReference owner, string? finalizer = null) => Write(writer =>
    {
        writer.WriteStartArray("ownerReferences");
        writer.WriteStartObject();
        writer.WriteString("apiVersion", owner.ApiVersion);
        writer.WriteString("kind", owner.Kind);
        writer.WriteString("name", owner.Name);
        writer.WriteString("uid", owner.Uid);
        writer.WriteBoolean("controller", true);
        writer.WriteBoolean("blockOwnerDeletion", true);
        writer.WriteEndObject();
        writer.WriteEndArray();
        WriteFinalizer(writer, "finalizers", finalizer);
        writer.WriteString("uid", value.Metadata.Uid);
    });

    /// <param name="finalizer">Removed with the owner.</param>
    public static KubePatch Release(IKubernetesObject<V1ObjectMeta> value, string ownerUid, string? finalizer = null) => Write(writer =>
    {
        writer.WriteStartArray("ownerReferences");
        writer.WriteStartObject();
        writer.WriteString("$patch", "delete");
        writer.WriteString("uid", ownerUid);
        writer.WriteEndObject();
        writer.WriteEndArray();
        WriteFinalizer(writer, "$deleteFromPrimitiveList/finalizers", finalizer);
        writer.WriteString("uid", value.Metadata.Uid);
    });

    private static void WriteFinalizer(Utf8JsonWriter writer, string list, string? finalizer)
    {
        if (finalizer is null)
            return;
        writer.WriteStartArray(list);
        writer.WriteStringValue(finalizer);
        writer.WriteEndArray();
    }

    private static KubePatch Write(Action<Utf8JsonWriter> metadata)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("metadata");
            metadata(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return KubePatch.StrategicMerge(buffer.WrittenMemory);
    }
}
