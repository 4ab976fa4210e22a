using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.GarbageCollection;

/// <summary>The collector's reads and writes of objects of any kind.</summary>
internal sealed class LiveObjects(IKubeTransport transport)
{
    private const int MaxAttempts = 5;

    /// <returns>Null when there is none.</returns>
    public async Task<ObjectMetadata?> FindAsync(DiscoveredResource resource, string ns, string name, CancellationToken cancellationToken)
    {
        try
        {
            return MetadataReader.ReadObject((await transport.GetAsync(resource.Path(ns, name), cancellationToken)).Span);
        }
        catch (KubeApiException e) when (e.Code == 404)
        {
            return null;
        }
    }

    /// <summary>Deletes exactly the version that was judged: owners may have been added since.</summary>
    public async Task DeleteAsync(DiscoveredResource resource, ObjectMetadata value, string policy, CancellationToken cancellationToken)
    {
        var body = Json(writer =>
        {
            writer.WriteString("kind", "DeleteOptions");
            writer.WriteString("apiVersion", "v1");
            writer.WriteString("propagationPolicy", policy);
            writer.WriteStartObject("preconditions");
            writer.WriteString("uid", value.Uid);
            writer.WriteString("resourceVersion", value.ResourceVersion);
            writer.WriteEndObject();
        });
        var response = await transport.SendAsync(new KubeRequest("DELETE", resource.Path(value.Namespace, value.Name), body, "application/json"), cancellationToken);
        if (response.StatusCode >= 400 && response.StatusCode != 404)
            throw KubeApiException.From(response);
    }

    public Task RemoveFinalizerAsync(GraphNode node, string finalizer, CancellationToken cancellationToken) => EditAsync(node, "finalizers", list =>
        list.Where(f => f is JsonValue value && value.TryGetValue<string>(out var text) && text != finalizer), cancellationToken);

    public Task RemoveOwnersAsync(GraphNode node, IReadOnlySet<string> uids, CancellationToken cancellationToken) => EditAsync(node, "ownerReferences", list =>
        list.Where(o => o?["uid"]?.GetValue<string>() is not { } uid || !uids.Contains(uid)), cancellationToken);

    public Task UnblockOwnersAsync(GraphNode node, CancellationToken cancellationToken) => EditAsync(node, "ownerReferences", list => list.Select(o =>
    {
        var copy = (JsonObject)o!.DeepClone();
        copy["blockOwnerDeletion"] = false;
        return (JsonNode?)copy;
    }), cancellationToken);

    /// <summary>
    /// Rewrites a list of metadata as a merge patch bound to the version that it was made from: unlike a strategic merge,
    /// custom resources take it too.
    /// </summary>
    private async Task EditAsync(GraphNode node, string field, Func<JsonArray, IEnumerable<JsonNode?>> edit, CancellationToken cancellationToken)
    {
        var path = node.Resource.Path(node.Metadata.Namespace, node.Metadata.Name);
        for (var attempt = 1; ; attempt++)
        {
            var read = await transport.SendAsync(new KubeRequest("GET", path), cancellationToken);
            if (read.StatusCode == 404)
                return;
            if (read.StatusCode >= 400)
                throw KubeApiException.From(read);
            var metadata = JsonNode.Parse(read.Body.Span)!["metadata"]!.AsObject();
            if (metadata["uid"]?.GetValue<string>() != node.Uid || metadata[field] is not JsonArray list)
                return;
            var edited = new JsonArray([.. edit(list).Select(item => item?.DeepClone())]);
            if (JsonNode.DeepEquals(edited, list))
                return;
            var body = Json(writer =>
            {
                writer.WriteStartObject("metadata");
                writer.WriteString("resourceVersion", metadata["resourceVersion"]!.GetValue<string>());
                writer.WritePropertyName(field);
                if (edited.Count == 0)
                    writer.WriteNullValue();
                else
                    edited.WriteTo(writer);
                writer.WriteEndObject();
            });
            var written = await transport.SendAsync(new KubeRequest("PATCH", path, body, "application/merge-patch+json"), cancellationToken);
            if (written.StatusCode < 400 || written.StatusCode == 404)
                return;
            var failure = KubeApiException.From(written);
            if (!failure.IsConflict || attempt == MaxAttempts)
                throw failure;
        }
    }

    private static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }
}
