using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>What Go writes for fields that nobody set, and what it leaves out.</summary>
internal static class ZeroValues
{
    /// <summary>The object of a type: fields with a value, and the zero values that Go's encoder does not omit.</summary>
    /// <param name="values">One a field, null: not set; empty: none is.</param>
    public static JsonObject Finish(FieldSchema[] fields, ReadOnlySpan<JsonNode?> values)
    {
        var result = new JsonObject();
        for (var i = 0; i < fields.Length; i++)
        {
            var field = fields[i];
            if (!values.IsEmpty && values[i] is { } value)
                result.Add(field.Name, value);
            else if (!IsOmitted(field))
                result.Add(field.Name, OfField(field));
        }

        return result;
    }

    /// <summary>What a field has that nobody set. Go's bytes are a list: null.</summary>
    public static JsonNode? OfField(FieldSchema field) => field.Cardinality == Cardinality.One && !field.IsPointer && field.Kind != ValueKind.Bytes ? OfElement(field) : null;

    /// <summary>The zero value of the field's element type.</summary>
    public static JsonNode? OfElement(FieldSchema field) => field.Kind switch
    {
        ValueKind.Object => Finish(field.Type!.Table.Fields, []),
        ValueKind.String or ValueKind.Bytes => JsonValue.Create(""),
        ValueKind.Boolean => JsonValue.Create(false),
        ValueKind.Int32 or ValueKind.IntOrString => JsonValue.Create(0),
        ValueKind.Int64 => JsonValue.Create(0L),
        ValueKind.Double => JsonValue.Create(0d),
        ValueKind.Duration => JsonValue.Create("0s"),
        ValueKind.Quantity => JsonValue.Create("0"),
        _ => null,
    };

    /// <summary>Go's test for omitempty on values that are no list, map, pointer or struct.</summary>
    public static bool IsEmptyScalar(FieldSchema field, JsonNode? value) => field.Kind switch
    {
        ValueKind.String or ValueKind.Bytes => value!.GetValue<string>().Length == 0,
        ValueKind.Boolean => !value!.GetValue<bool>(),
        ValueKind.Int32 => value!.GetValue<int>() == 0,
        ValueKind.Int64 => value!.GetValue<long>() == 0,
        ValueKind.Double => value!.GetValue<double>() == 0,
        _ => value is null,
    };

    /// <summary>Whether Go leaves out the field's zero value.</summary>
    public static bool IsOmitted(FieldSchema field)
    {
        if (field.Cardinality != Cardinality.One || field.IsPointer)
            return field.OmitEmpty;
        var isStruct = field.Kind is ValueKind.Object or ValueKind.Time or ValueKind.MicroTime or ValueKind.Duration
            or ValueKind.Quantity or ValueKind.IntOrString or ValueKind.RawObject or ValueKind.AnyJson;
        return isStruct ? field.OmitZero : field.OmitEmpty || field.OmitZero;
    }
}
