using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>Numbers of untyped JSON as Go's decoder tells them apart: written without fraction and exponent they are integers, otherwise floats.</summary>
public static class JsonNumbers
{
    public static bool TryInteger(JsonValue value, out long number)
    {
        if (value.TryGetValue(out number))
            return value.GetValueKind() == JsonValueKind.Number;
        if (value.TryGetValue(out int narrow))
        {
            number = narrow;
            return true;
        }

        number = 0;
        return false;
    }

    public static bool TryNumber(JsonValue value, out double number)
    {
        number = 0;
        if (value.GetValueKind() != JsonValueKind.Number)
            return false;
        if (TryInteger(value, out var integer))
        {
            number = integer;
            return true;
        }

        return value.TryGetValue(out number);
    }

    /// <summary>As Go's fmt prints a float64 with %v.</summary>
    public static string Print(double number) => GoText.Float(number);
}
