using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry;

/// <summary>Reading and writing the metadata of an object in its tree form.</summary>
public static class ObjectFields
{
    /// <summary>The metadata object, made when it is missing.</summary>
    public static JsonObject Metadata(this JsonObject value)
    {
        if (value["metadata"] is JsonObject metadata) return metadata;
        metadata = [];
        value["metadata"] = metadata;
        return metadata;
    }

    public static string Name(this JsonObject value) => value.MetadataText("name");
    public static string Namespace(this JsonObject value) => value.MetadataText("namespace");
    public static string Uid(this JsonObject value) => value.MetadataText("uid");
    public static string ResourceVersion(this JsonObject value) => value.MetadataText("resourceVersion");

    /// <summary>A text field of metadata; empty when it is not there.</summary>
    public static string MetadataText(this JsonObject value, string field) => (value["metadata"] as JsonObject)?.Text(field) ?? "";

    /// <summary>A text field; empty when it is not there or no text.</summary>
    public static string Text(this JsonObject value, string field) => value[field] is JsonValue v && v.TryGetValue<string>(out var text) ? text : "";

    /// <summary>A whole number, whatever CLR type holds it; null when it is not there.</summary>
    public static long? Number(this JsonObject value, string field)
    {
        if (value[field] is not JsonValue v) return null;
        if (v.TryGetValue<long>(out var wide)) return wide;
        if (v.TryGetValue<int>(out var narrow)) return narrow;
        if (v.TryGetValue<double>(out var real)) return (long)real;
        return long.TryParse(v.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
    }

    public static bool Flag(this JsonObject value, string field) => value[field] is JsonValue v && v.TryGetValue<bool>(out var flag) && flag;

    public static bool IsBeingDeleted(this JsonObject value) => value.MetadataText("deletionTimestamp").Length > 0;

    public static bool HasFinalizers(this JsonObject value) => value["metadata"] is JsonObject metadata && metadata["finalizers"] is JsonArray { Count: > 0 };

    /// <summary>The texts of a list field of metadata.</summary>
    public static List<string> MetadataList(this JsonObject value, string field)
    {
        var list = new List<string>();
        if ((value["metadata"] as JsonObject)?[field] is JsonArray array)
        {
            foreach (var item in array)
            {
                if (item is JsonValue v && v.TryGetValue<string>(out var text)) list.Add(text);
            }
        }
        return list;
    }

    /// <summary>RFC 3339 in UTC with whole seconds, as metav1.Time is written.</summary>
    public static string FormatTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static bool TryParseTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
}
