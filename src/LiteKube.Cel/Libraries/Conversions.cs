using System.Globalization;
using System.Text;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>Conversions between the types of the language.</summary>
internal static class Conversions
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static IEnumerable<CelFunction> Functions() =>
    [
        Function("type", Global("type", [A], CelType.TypeOf(A), args => CelValue.FromType(args[0].Type))),
        Function("dyn", Global("to_dyn", [A], CelType.Dyn, Identity)),
        Function("bool", Global("bool_to_bool", [CelType.Bool], CelType.Bool, Identity), Global("string_to_bool", [CelType.String], CelType.Bool, StringToBool)),
        Function(
            "bytes",
            Global("bytes_to_bytes", [CelType.Bytes], CelType.Bytes, Identity),
            Global("string_to_bytes", [CelType.String], CelType.Bytes, args => CelValue.Bytes(Encoding.UTF8.GetBytes(args[0].AsString)))),
        Function(
            "double",
            Global("double_to_double", [CelType.Double], CelType.Double, Identity),
            Global("int64_to_double", [CelType.Int], CelType.Double, args => CelValue.Double(args[0].AsInt)),
            Global("string_to_double", [CelType.String], CelType.Double, StringToDouble),
            Global("uint64_to_double", [CelType.Uint], CelType.Double, args => CelValue.Double(args[0].AsUint))),
        Function(
            "duration",
            Global("duration_to_duration", [CelType.Duration], CelType.Duration, Identity),
            Global("string_to_duration", [CelType.String], CelType.Duration, args => TimeText.TryParseDuration(args[0].AsString, out var nanos) ? CelValue.Duration(nanos) : CelError.Conversion(args[0], CelType.Duration.Name))),
        Function(
            "int",
            Global("int64_to_int64", [CelType.Int], CelType.Int, Identity),
            Global("double_to_int64", [CelType.Double], CelType.Int, DoubleToInt),
            Global("duration_to_int64", [CelType.Duration], CelType.Int, args => CelValue.Int(args[0].AsDurationNanos)),
            Global("string_to_int64", [CelType.String], CelType.Int, StringToInt),
            Global("timestamp_to_int64", [CelType.Timestamp], CelType.Int, args => CelValue.Int(args[0].AsTimestamp.Seconds)),
            Global("uint64_to_int64", [CelType.Uint], CelType.Int, args => args[0].AsUint > long.MaxValue ? CelError.IntOverflow : CelValue.Int((long)args[0].AsUint))),
        Function(
            "uint",
            Global("uint64_to_uint64", [CelType.Uint], CelType.Uint, Identity),
            Global("double_to_uint64", [CelType.Double], CelType.Uint, DoubleToUint),
            Global("int64_to_uint64", [CelType.Int], CelType.Uint, args => args[0].AsInt < 0 ? CelError.UintOverflow : CelValue.Uint((ulong)args[0].AsInt)),
            Global("string_to_uint64", [CelType.String], CelType.Uint, StringToUint)),
        StringFunction(),
        Function(
            "timestamp",
            Global("timestamp_to_timestamp", [CelType.Timestamp], CelType.Timestamp, Identity),
            Global("int64_to_timestamp", [CelType.Int], CelType.Timestamp, args => InRange(new(args[0].AsInt, 0))),
            Global("string_to_timestamp", [CelType.String], CelType.Timestamp, args => TimeText.TryParseTimestamp(args[0].AsString, out var time) ? InRange(time) : CelError.Conversion(args[0], CelType.Timestamp.Name))),
    ];

    private static CelFunction StringFunction() => Function(
        "string",
        Global("string_to_string", [CelType.String], CelType.String, Identity),
        Global("bool_to_string", [CelType.Bool], CelType.String, Text),
        Global("bytes_to_string", [CelType.Bytes], CelType.String, BytesToString),
        Global("double_to_string", [CelType.Double], CelType.String, Text),
        Global("duration_to_string", [CelType.Duration], CelType.String, Text),
        Global("int64_to_string", [CelType.Int], CelType.String, Text),
        Global("timestamp_to_string", [CelType.Timestamp], CelType.String, Text),
        Global("uint64_to_string", [CelType.Uint], CelType.String, Text));

    private static CelValue Identity(ReadOnlySpan<CelValue> args) => args[0];

    private static CelValue Text(ReadOnlySpan<CelValue> args) => CelValue.String(ValueText.Describe(args[0]));

    private static CelValue InRange(CelTimestamp time) => time.IsInRange ? CelValue.Timestamp(time) : CelError.TimestampOverflow;

    private static CelValue StringToBool(ReadOnlySpan<CelValue> args) => args[0].AsString switch
    {
        "1" or "t" or "T" or "TRUE" or "true" or "True" => CelValue.True,
        "0" or "f" or "F" or "FALSE" or "false" or "False" => CelValue.False,
        _ => CelError.Conversion(args[0], "bool"),
    };

    private static CelValue BytesToString(ReadOnlySpan<CelValue> args)
    {
        try
        {
            return CelValue.String(StrictUtf8.GetString(args[0].AsBytes.Span));
        }
        catch (DecoderFallbackException)
        {
            return CelValue.Error("invalid UTF-8 in bytes, cannot convert to string");
        }
    }

    private static CelValue StringToInt(ReadOnlySpan<CelValue> args) =>
        long.TryParse(args[0].AsString, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? CelValue.Int(value) : CelError.Conversion(args[0], "int");

    private static CelValue StringToUint(ReadOnlySpan<CelValue> args) =>
        ulong.TryParse(args[0].AsString, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? CelValue.Uint(value) : CelError.Conversion(args[0], "uint");

    public static bool TryParseDouble(string text, out double value)
    {
        // Go names infinity and NaN in any case, .NET in its own way.
        switch (text.TrimStart('+', '-').ToLowerInvariant())
        {
            case "inf" or "infinity" when text.Length - text.TrimStart('+', '-').Length <= 1:
                value = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
                return true;
            case "nan" when text.Length == 3:
                value = double.NaN;
                return true;
        }
        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(text, style, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    private static CelValue StringToDouble(ReadOnlySpan<CelValue> args) => TryParseDouble(args[0].AsString, out var value) ? CelValue.Double(value) : CelError.Conversion(args[0], "double");

    private static CelValue DoubleToInt(ReadOnlySpan<CelValue> args)
    {
        var value = args[0].AsDouble;
        // The two ends are excluded: a double next to them may have been rounded from outside.
        return value > -9223372036854775808.0 && value < 9223372036854775808.0 ? CelValue.Int((long)value) : CelError.IntOverflow;
    }

    private static CelValue DoubleToUint(ReadOnlySpan<CelValue> args)
    {
        var value = args[0].AsDouble;
        return value >= 0 && value < 18446744073709551616.0 ? CelValue.Uint((ulong)value) : CelError.UintOverflow;
    }
}
