using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

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
/// nulls and empty omitempty values dropped as a decode into Go's types and back would, fields in Go's order.
/// Depth and size are bounded.
/// </summary>
public static class ObjectDecoder
{
    public static DecodedObject DecodeJson(ReadOnlySpan<byte> utf8, TypeSchema schema, FieldValidation validation) => throw new NotImplementedException();

    /// <summary>One YAML document, by YAML 1.1's core rules as sigs.k8s.io/yaml reads them.</summary>
    public static DecodedObject DecodeYaml(ReadOnlySpan<byte> utf8, TypeSchema schema, FieldValidation validation) => throw new NotImplementedException();

    /// <summary>The same canonical form for an object that is already a tree (after a patch); unknown fields are reported by <paramref name="validation"/> as above.</summary>
    public static DecodedObject Canonicalize(JsonObject value, TypeSchema schema, FieldValidation validation) => throw new NotImplementedException();

    /// <summary>Any JSON, without a schema (patches, custom resources): duplicates refused, depth bounded.</summary>
    public static JsonNode? ParseJson(ReadOnlySpan<byte> utf8) => throw new NotImplementedException();

    public static JsonNode? ParseYaml(ReadOnlySpan<byte> utf8) => throw new NotImplementedException();

    /// <summary>YAML text as JSON bytes.</summary>
    public static byte[] YamlToJson(ReadOnlySpan<byte> utf8) => throw new NotImplementedException();
}
