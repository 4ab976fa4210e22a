using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.OpenApi;

/// <summary>Types that are no objects in JSON and have a definition of their own in Kubernetes' documents.</summary>
internal static class SimpleTypes
{
    private const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";
    private const string Extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

    /// <summary>The definition's name; null: the value is described where it stands.</summary>
    public static string? NameOf(FieldSchema field) => field.Kind switch
    {
        ValueKind.Time => Meta + "Time",
        ValueKind.MicroTime => Meta + "MicroTime",
        ValueKind.Duration => Meta + "Duration",
        ValueKind.Quantity => "io.k8s.apimachinery.pkg.api.resource.Quantity",
        ValueKind.IntOrString => "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        ValueKind.RawObject => field.Name == "fieldsV1" ? Meta + "FieldsV1" : "io.k8s.apimachinery.pkg.runtime.RawExtension",
        ValueKind.AnyJson => Extensions + field.Union switch
        {
            JsonUnion.ObjectOrArray => "JSONSchemaPropsOrArray",
            JsonUnion.ObjectOrBool => "JSONSchemaPropsOrBool",
            JsonUnion.ObjectOrStrings => "JSONSchemaPropsOrStringArray",
            _ => "JSON",
        },
        _ => null,
    };

    public static JsonObject Schema(FieldSchema field, bool isV3) => field.Kind switch
    {
        ValueKind.Time => Text("Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.", "date-time"),
        ValueKind.MicroTime => Text("MicroTime is version of Time with microsecond level precision.", "date-time"),
        ValueKind.Duration => Text("Duration is a wrapper around time.Duration which supports correct marshaling to YAML and JSON.", null),
        ValueKind.Quantity => OneOf(Text("Quantity is a fixed-point representation of a number: a decimal number with a suffix (m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei) or an exponent.", null), isV3, "string", "number"),
        ValueKind.IntOrString => OneOf(Text("IntOrString is a type that can hold an int32 or a string. When used in JSON or YAML marshalling and unmarshalling, it produces or consumes the inner type.", "int-or-string"), isV3, "integer", "string"),
        ValueKind.RawObject when field.Name == "fieldsV1" => Object("FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format."),
        ValueKind.RawObject => Object("RawExtension is used to hold extensions in external versions."),
        _ => new() { ["description"] = field.Union == JsonUnion.None ? "JSON represents any valid JSON value." : "A JSON schema, or one of the other forms that JSON schema allows here." },
    };

    private static JsonObject Text(string description, string? format)
    {
        var schema = new JsonObject { ["description"] = description, ["type"] = "string" };
        if (format is not null)
            schema["format"] = format;
        return schema;
    }

    private static JsonObject Object(string description) => new() { ["description"] = description, ["type"] = "object" };

    /// <summary>OpenAPI v2 cannot say that a value has one of two types.</summary>
    private static JsonObject OneOf(JsonObject schema, bool isV3, string first, string second)
    {
        if (!isV3)
            return schema;
        schema.Remove("type");
        schema["oneOf"] = new JsonArray(new JsonObject { ["type"] = first }, new JsonObject { ["type"] = second });
        return schema;
    }
}
