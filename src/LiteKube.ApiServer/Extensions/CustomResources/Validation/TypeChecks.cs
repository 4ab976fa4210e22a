using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Whether a value is of the schema's type.</summary>
internal static class TypeChecks
{
    public static SchemaResult Check(StructuralSchema schema, string[] types, string format, JsonNode? value, string path)
    {
        var result = new SchemaResult();
        if (value is null)
        {
            if (types.Length > 0 && !schema.Nullable) result.Add(Mismatch(path, string.Join(',', types), "null"));
            else result.Count++;
            return result;
        }
        var (type, numberFormat) = TypeOf(value);
        var isIntegral = type == "number" && types.Contains("integer") && value is JsonValue v && JsonNumbers.TryNumber(v, out var number) && IsJsonInteger(number);
        var fits = types.Contains(type) || isIntegral || (type == "integer" && types.Contains("number"));
        var hasLength = type is "string" or "array";
        if (!hasLength && format.Length > 0 && !fits && numberFormat != format)
        {
            result.Add(Mismatch(path, format, numberFormat));
            return result;
        }
        // A text with a format is the format's to judge.
        var isJudgedElsewhere = !types.Contains("number") && !types.Contains("integer") && format.Length > 0 && hasLength;
        if (!isJudgedElsewhere && !fits) result.Add(Mismatch(path, string.Join(',', types), type));
        else result.Count++;
        return result;
    }

    /// <summary>Whether a float stands for an integer that JSON's clients can tell.</summary>
    public static bool IsJsonInteger(double number) => double.IsFinite(number) && Math.Abs(number) <= 9007199254740991d && number == Math.Truncate(number);

    private static Finding Mismatch(string path, string expected, string actual) => new(FindingKind.Type, path, actual, $"{path} in body must be of type {expected}: \"{actual}\"");

    private static (string Type, string Format) TypeOf(JsonNode value) => value switch
    {
        JsonObject => ("object", ""),
        JsonArray => ("array", ""),
        JsonValue scalar => scalar.GetValueKind() switch
        {
            JsonValueKind.String => ("string", ""),
            JsonValueKind.Number => JsonNumbers.TryInteger(scalar, out _) ? ("integer", "int64") : ("number", "float64"),
            _ => ("boolean", ""),
        },
        _ => ("", ""),
    };
}
