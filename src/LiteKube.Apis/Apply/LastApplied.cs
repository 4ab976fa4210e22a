using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>
/// The annotation in which kubectl's client-side apply keeps its last configuration. For the manager "kubectl" the server
/// keeps it up to date, and takes what it proves to be kubectl's as kubectl's, so that objects change over without force.
/// </summary>
internal static class LastApplied
{
    private const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";
    private const int MaxAnnotationBytes = 256 * 1024;

    public static bool IsKept(string manager) => manager == "kubectl";

    /// <summary>The fields of the last configuration that the object still has as they were; null: there is none that can be read.</summary>
    public static FieldSet? OwnedFields(VersionedObject live)
    {
        if (TextOf(live.Value) is not { Length: > 0 } text) return null;
        try
        {
            if (ObjectDecoder.ParseLenient(Encoding.UTF8.GetBytes(text)) is not JsonObject last) return null;
            if (last["apiVersion"] is not JsonValue version || !version.TryGetValue(out string? apiVersion) || apiVersion != live.ApiVersion) return null;
            if (ObjectShape.Complain(last, live.Schema, allowsDuplicates: false) is not null) return null;
            var difference = FieldComparison.Of(last, live.Value, live.Schema);
            return ObjectFieldSet.Of(last, live.Schema).Except(difference.Modified).Except(difference.Added).Except(difference.Removed);
        }
        catch (DecodeException)
        {
            // Somebody else's text: it proves nothing, and the conflict stands.
            return null;
        }
        catch (MergeException)
        {
            return null;
        }
    }

    /// <summary>The object with the applied configuration in its annotation, if it has the annotation.</summary>
    public static JsonObject Refresh(JsonObject value, JsonObject config)
    {
        if (TextOf(value) is not { Length: > 0 } standing) return value;
        var noted = (JsonObject)config.DeepClone();
        if (noted["metadata"] is JsonObject metadata && metadata["annotations"] is JsonObject own) own.Remove(Annotation);
        var text = Encoding.UTF8.GetString(ObjectWriter.Write(noted)) + "\n";
        if (text == standing) return value;
        var result = (JsonObject)value.DeepClone();
        var annotations = result["metadata"]!["annotations"]!.AsObject();
        annotations[Annotation] = text;
        var size = annotations.Sum(a => Encoding.UTF8.GetByteCount(a.Key) + (a.Value is JsonValue v && v.TryGetValue(out string? s) ? Encoding.UTF8.GetByteCount(s) : 0));
        if (size > MaxAnnotationBytes) annotations.Remove(Annotation);
        return result;
    }

    private static string? TextOf(JsonObject value) =>
        value["metadata"] is JsonObject metadata && metadata["annotations"] is JsonObject annotations && annotations[Annotation] is JsonValue text && text.TryGetValue(out string? found) ? found : null;
}
