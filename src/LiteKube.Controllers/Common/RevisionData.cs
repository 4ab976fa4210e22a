using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Common;

/// <summary>
/// What a ControllerRevision holds: a strategic merge patch that puts spec.template back as it was. `kubectl rollout
/// undo` sends it as it is, and clients tell by its bytes whether it is the template of today: fields are sorted by
/// name, as Go writes maps.
/// </summary>
internal static class RevisionData
{
    private const string Directive = "$patch";

    public static JsonObject Of(V1PodTemplateSpec template)
    {
        var tree = (JsonObject)Canonical(JsonNode.Parse(KubeJson.Serialize(template)))!;
        tree.Insert(0, Directive, "replace");
        return new JsonObject { ["spec"] = new JsonObject { ["template"] = tree } };
    }

    /// <summary>Equal whatever the order of fields, as after a restore by other tools.</summary>
    public static bool AreEqual(object? left, object? right) => Text(left) is { } text && text == Text(right);

    /// <exception cref="JsonException">The revision holds no pod template.</exception>
    public static V1PodTemplateSpec TemplateOf(V1ControllerRevision revision)
    {
        if (Tree(revision.Data)?["spec"]?["template"] is not JsonObject template)
            throw new JsonException($"ControllerRevision {revision.Metadata.NamespaceProperty}/{revision.Metadata.Name} holds no spec.template");
        var copy = (JsonObject)template.DeepClone();
        copy.Remove(Directive);
        return KubeJson.Deserialize<V1PodTemplateSpec>(JsonBytes(copy));
    }

    private static string? Text(object? data) => Canonical(Tree(data))?.ToJsonString();

    private static JsonNode? Tree(object? data) => data switch
    {
        JsonElement { ValueKind: JsonValueKind.Object } element => JsonObject.Create(element),
        JsonNode node => node,
        _ => null,
    };

    private static byte[] JsonBytes(JsonObject value)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            value.WriteTo(writer);
        return buffer.ToArray();
    }

    /// <summary>Sorted by name, without nulls: older servers wrote <c>creationTimestamp: null</c>.</summary>
    private static JsonNode? Canonical(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject value:
                var sorted = new JsonObject();
                foreach (var (name, child) in value.Where(p => p.Value is not null).OrderBy(p => p.Key, StringComparer.Ordinal))
                    sorted[name] = Canonical(child);
                return sorted;
            case JsonArray list:
                return new JsonArray([.. list.Select(Canonical)]);
            default:
                return node?.DeepClone();
        }
    }
}
