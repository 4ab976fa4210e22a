using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>multipleOf, bounds, and the ranges of int32, int64 and float. Whole numbers are compared as such.</summary>
internal static class NumberChecks
{
    public static SchemaResult Check(StructuralSchema schema, string[] types, string format, JsonValue value, string path)
    {
        var result = new SchemaResult { Count = 1 };
        long? integer = JsonNumbers.TryInteger(value, out var whole) ? whole : null;
        JsonNumbers.TryNumber(value, out var number);
        var type = types is [var only] && only is "integer" or "number" ? types[0] : "";
        var numberFormat = (type, format) is ("integer", "int32" or "int64") or ("number", "float" or "double") ? format : "";
        CheckRange(result, "Checked", number, integer, type, numberFormat, path);
        if (schema.MultipleOf is { } factor) CheckMultiple(result, number, CheckRange(result, "MultipleOf", factor, null, type, numberFormat, path) ? integer : null, factor, path);
        if (schema.Minimum is { } minimum)
        {
            var native = CheckRange(result, "Minimum boundary", minimum, null, type, numberFormat, path) ? integer : null;
            var fails = native is { } n ? n < (long)minimum || (schema.ExclusiveMinimum && n == (long)minimum) : number < minimum || (schema.ExclusiveMinimum && number == minimum);
            if (fails) result.Add(Bound(path, native, number, $"should be greater than {(schema.ExclusiveMinimum ? "" : "or equal to ")}{Print(native, minimum)}"));
        }
        if (schema.Maximum is { } maximum)
        {
            var native = CheckRange(result, "Maximum boundary", maximum, null, type, numberFormat, path) ? integer : null;
            var fails = native is { } n ? n > (long)maximum || (schema.ExclusiveMaximum && n == (long)maximum) : number > maximum || (schema.ExclusiveMaximum && number == maximum);
            if (fails) result.Add(Bound(path, native, number, $"should be less than {(schema.ExclusiveMaximum ? "" : "or equal to ")}{Print(native, maximum)}"));
        }
        return result;
    }

    private static void CheckMultiple(SchemaResult result, double number, long? integer, double factor, string path)
    {
        var isPositive = integer is null ? factor > 0 : (long)factor > 0;
        if (!isPositive)
        {
            result.Add(new(FindingKind.Invalid, path, factor, $"factor MultipleOf declared for {path} must be positive: {JsonNumbers.Print(factor)}"));
            return;
        }
        var isMultiple = integer is { } n ? n % (long)factor == 0 : TypeChecks.IsJsonInteger(factor < 1 ? 1 / factor * number : number / factor);
        if (!isMultiple) result.Add(Bound(path, integer, number, $"should be a multiple of {Print(integer, factor)}"));
    }

    private static Finding Bound(string path, long? integer, double number, string rest) => new(FindingKind.Invalid, path, integer is { } n ? (JsonNode)n : number, $"{path} in body {rest}");

    private static string Print(long? integer, double bound) => integer is null ? JsonNumbers.Print(bound) : ((long)bound).ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether the number can be told in the type; if not, that is a finding.</summary>
    private static bool CheckRange(SchemaResult result, string what, double number, long? integer, string type, string format, string path)
    {
        var fits = type switch
        {
            "integer" when format == "int32" => integer is { } n ? n is >= int.MinValue and <= int.MaxValue : number == Math.Truncate(number) && number is >= int.MinValue and <= int.MaxValue,
            "integer" => integer is not null || (number == Math.Truncate(number) && number is >= long.MinValue and < 9223372036854775808d),
            _ => format != "float" || Math.Abs(number) <= float.MaxValue,
        };
        if (!fits) result.Add(SchemaValidator.Plain($"{what} value must be of type {type} {(format.Length > 0 ? "with format " + format : "(default format)")} in {path}"));
        return fits;
    }
}
