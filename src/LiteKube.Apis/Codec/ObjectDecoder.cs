using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.Apis.Codec;

/// <summary>The request's fieldValidation parameter (KEP-2885).</summary>
public enum FieldValidation
{
    Ignore,
    Warn,
    Strict,
}

/// <param name="Warnings">With Warn: one text per unknown or duplicate field, for Warning headers: <c>unknown field "spec.foo"</c>.</param>
public readonly record struct DecodedObject(JsonObject Object, IReadOnlyList<string> Warnings);

/// <summary>
/// Bytes that are not such an object. <see cref="Exception.Message"/> is in Go's words, as clients see them:
/// <c>json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container</c>,
/// <c>strict decoding error: unknown field "spec.foo", duplicate field "spec.bar"</c>.
/// </summary>
public sealed class DecodeException(string message) : Exception(message);

/// <summary>
/// JSON to a canonical object: fields known by the schema only (case-sensitive), values checked against their kind,
/// nulls and empty omitempty values dropped as a decode into Go's types and back would, fields in Go's order, map keys
/// sorted. What Go writes although it is zero is there too: structs that are no pointers (<c>"status":{}</c>) and zero
/// values of fields without omitempty (<c>"containers":null</c>).
/// </summary>
/// <remarks>
/// Int32 fields hold <see cref="int"/>, Int64 fields <see cref="long"/>, untyped integers <see cref="long"/>: ask a
/// <see cref="JsonValue"/> for that type. Nesting is bounded by <see cref="MaxDepth"/>; the size of the input is the
/// caller's to bound. Work grows linearly with the input, but for the sorting of map keys.
/// </remarks>
public static class ObjectDecoder
{
    /// <summary>
    /// The deepest nesting read. A Pod needs 12 levels and a CRD's schema two for each level of the resource that it
    /// describes; Go stops at 10,000, which costs it a stack of megabytes.
    /// </summary>
    public const int MaxDepth = 256;

    public static DecodedObject DecodeJson(ReadOnlySpan<byte> utf8, TypeSchema schema, FieldValidation validation) => Decode(utf8, schema, validation, null);

    private static DecodedObject Decode(ReadOnlySpan<byte> utf8, TypeSchema schema, FieldValidation validation, string? first)
    {
        var strict = validation == FieldValidation.Ignore ? null : new StrictErrors();
        var reader = new TypedJsonReader(utf8, strict);
        var result = schema.Structural is { } structural ? CustomObjects.Canonicalize(reader.ReadUntyped(), structural, strict) : reader.ReadRoot(schema);
        IReadOnlyList<string> errors = strict?.Errors ?? [];
        if (first is not null)
            errors = [first, .. errors];
        return errors.Count > 0 && validation == FieldValidation.Strict
            ? throw new DecodeException("strict decoding error: " + string.Join(", ", errors))
            : new(result, errors);
    }

    /// <summary>One YAML document, by YAML 1.1's core rules as sigs.k8s.io/yaml reads them.</summary>
    public static DecodedObject DecodeYaml(ReadOnlySpan<byte> utf8, TypeSchema schema, FieldValidation validation)
    {
        var tree = YamlReader.Read(utf8, out var duplicates);
        using var buffer = new Utf8Buffer();
        GoJsonWriter.Write(buffer, tree);
        return Decode(buffer.Written, schema, validation, validation == FieldValidation.Ignore ? null : duplicates);
    }

    /// <summary>An object in Kubernetes' protobuf encoding; unknown fields are dropped, as upstream drops them.</summary>
    public static JsonObject DecodeProtobuf(ProtobufEnvelope envelope, TypeSchema schema)
    {
        var value = ProtobufReader.Read(envelope.Message, schema);
        value["kind"] = envelope.Kind;
        value["apiVersion"] = envelope.ApiVersion;
        return Canonicalize(value, schema, FieldValidation.Ignore).Object;
    }

    /// <summary>The same canonical form for an object that is already a tree (after a patch); unknown fields are reported by <paramref name="validation"/> as above.</summary>
    public static DecodedObject Canonicalize(JsonObject value, TypeSchema schema, FieldValidation validation)
    {
        // By way of bytes: one set of rules, at a few microseconds for an object of a kilobyte.
        using var buffer = new Utf8Buffer();
        GoJsonWriter.Write(buffer, value);
        return DecodeJson(buffer.Written, schema, validation);
    }

    /// <summary>Any JSON, without a schema (patches, custom resources): duplicates refused, depth bounded.</summary>
    public static JsonNode? ParseJson(ReadOnlySpan<byte> utf8)
    {
        var strict = new StrictErrors();
        var reader = new TypedJsonReader(utf8, strict);
        var result = reader.ReadUntyped();
        return strict.Errors.Count == 0 ? result : throw new DecodeException("strict decoding error: " + string.Join(", ", strict.Errors));
    }

    /// <summary>As <see cref="ParseJson"/>, but of duplicate fields the last counts: patches, which Go reads so.</summary>
    public static JsonNode? ParseLenient(ReadOnlySpan<byte> utf8) => new TypedJsonReader(utf8, null).ReadUntyped();

    /// <summary>As <see cref="ParseJson"/>, for one YAML document; null for an empty one.</summary>
    public static JsonNode? ParseYaml(ReadOnlySpan<byte> utf8)
    {
        var result = YamlReader.Read(utf8, out var duplicates);
        return duplicates is null ? result : throw new DecodeException("strict decoding error: " + duplicates);
    }

    /// <summary>As above, but of a duplicate key the last value counts and the library's error is only told.</summary>
    /// <param name="duplicates">Null: there are none.</param>
    public static JsonNode? ParseYaml(ReadOnlySpan<byte> utf8, out string? duplicates) => YamlReader.Read(utf8, out duplicates);

    /// <summary>YAML text as JSON bytes. Of a duplicate key the last value counts.</summary>
    public static byte[] YamlToJson(ReadOnlySpan<byte> utf8)
    {
        using var buffer = new Utf8Buffer();
        GoJsonWriter.Write(buffer, YamlReader.Read(utf8, out _));
        return buffer.Written.ToArray();
    }
}
