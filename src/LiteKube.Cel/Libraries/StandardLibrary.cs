using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>The operators and functions of the language itself.</summary>
internal static class StandardLibrary
{
    public static readonly CelType[] Types =
    [
        CelType.Bool, CelType.Bytes, CelType.Double, CelType.Duration, CelType.Int, CelType.List(CelType.Dyn), CelType.Map(CelType.Dyn, CelType.Dyn),
        CelType.Null, CelType.String, CelType.Timestamp, CelType.TypeType, CelType.Uint,
    ];

    public static CelLibrary Create() => new("standard", [.. Operations(), .. Relations(), .. Conversions.Functions(), .. Strings(), .. TimeFunctions.Functions()], Macros.Standard, Types);

    private static IEnumerable<CelFunction> Operations() =>
    [
        Function(Operators.Conditional, Global("conditional", [CelType.Bool, A, A], A)),
        Function(Operators.And, Global("logical_and", [CelType.Bool, CelType.Bool], CelType.Bool)),
        Function(Operators.Or, Global("logical_or", [CelType.Bool, CelType.Bool], CelType.Bool)),
        Function(Operators.Not, Global("logical_not", [CelType.Bool], CelType.Bool)),
        Function(Operators.NotStrictlyFalse, Global("not_strictly_false", [CelType.Bool], CelType.Bool)),
        Function(Operators.Equal, Global("equals", [A, A], CelType.Bool)),
        Function(Operators.NotEqual, Global("not_equals", [A, A], CelType.Bool)),
        Function(
            Operators.Add,
            Global("add_bytes", [CelType.Bytes, CelType.Bytes], CelType.Bytes),
            Global("add_double", [CelType.Double, CelType.Double], CelType.Double),
            Global("add_duration_duration", [CelType.Duration, CelType.Duration], CelType.Duration),
            Global("add_duration_timestamp", [CelType.Duration, CelType.Timestamp], CelType.Timestamp),
            Global("add_timestamp_duration", [CelType.Timestamp, CelType.Duration], CelType.Timestamp),
            Global("add_int64", [CelType.Int, CelType.Int], CelType.Int),
            Global("add_list", [ListOfA, ListOfA], ListOfA),
            Global("add_string", [CelType.String, CelType.String], CelType.String),
            Global("add_uint64", [CelType.Uint, CelType.Uint], CelType.Uint)),
        Function(
            Operators.Subtract,
            Global("subtract_double", [CelType.Double, CelType.Double], CelType.Double),
            Global("subtract_duration_duration", [CelType.Duration, CelType.Duration], CelType.Duration),
            Global("subtract_int64", [CelType.Int, CelType.Int], CelType.Int),
            Global("subtract_timestamp_duration", [CelType.Timestamp, CelType.Duration], CelType.Timestamp),
            Global("subtract_timestamp_timestamp", [CelType.Timestamp, CelType.Timestamp], CelType.Duration),
            Global("subtract_uint64", [CelType.Uint, CelType.Uint], CelType.Uint)),
        Numeric(Operators.Multiply, "multiply", withDouble: true),
        Numeric(Operators.Divide, "divide", withDouble: true),
        Numeric(Operators.Modulo, "modulo", withDouble: false),
        Function(Operators.Negate, Global("negate_double", [CelType.Double], CelType.Double), Global("negate_int64", [CelType.Int], CelType.Int)),
        Function(Operators.Index, Global("index_list", [ListOfA, CelType.Int], A), Global("index_map", [MapOfAB, A], B)),
        Function(Operators.In, Global("in_list", [A, ListOfA], CelType.Bool), Global("in_map", [A, MapOfAB], CelType.Bool)),
        Function(
            "size",
            Global("size_bytes", [CelType.Bytes], CelType.Int, Size),
            Member("bytes_size", [CelType.Bytes], CelType.Int, Size),
            Global("size_list", [ListOfA], CelType.Int, Size),
            Member("list_size", [ListOfA], CelType.Int, Size),
            Global("size_map", [MapOfAB], CelType.Int, Size),
            Member("map_size", [MapOfAB], CelType.Int, Size),
            Global("size_string", [CelType.String], CelType.Int, Size),
            Member("string_size", [CelType.String], CelType.Int, Size)),
    ];

    private static CelFunction Numeric(string name, string id, bool withDouble)
    {
        List<CelOverload> overloads = [];
        if (withDouble)
            overloads.Add(Global(id + "_double", [CelType.Double, CelType.Double], CelType.Double));
        overloads.Add(Global(id + "_int64", [CelType.Int, CelType.Int], CelType.Int));
        overloads.Add(Global(id + "_uint64", [CelType.Uint, CelType.Uint], CelType.Uint));
        return new(name, overloads);
    }

    private static CelValue Size(ReadOnlySpan<CelValue> args) => CelValue.Int((long)Cost.RuntimeCost.Size(args[0]));

    private static IEnumerable<CelFunction> Relations() =>
    [
        Relation(Operators.Less, "less"),
        Relation(Operators.LessOrEqual, "less_equals"),
        Relation(Operators.Greater, "greater"),
        Relation(Operators.GreaterOrEqual, "greater_equals"),
    ];

    /// <summary>Order within a type, and between the numeric types.</summary>
    private static CelFunction Relation(string name, string id)
    {
        List<CelOverload> overloads = [];
        foreach (var (typeName, type) in (ReadOnlySpan<(string, CelType)>)[("bool", CelType.Bool), ("string", CelType.String), ("bytes", CelType.Bytes), ("timestamp", CelType.Timestamp), ("duration", CelType.Duration)])
            overloads.Add(Global($"{id}_{typeName}", [type, type], CelType.Bool));
        (string Name, CelType Type)[] numbers = [("int64", CelType.Int), ("uint64", CelType.Uint), ("double", CelType.Double)];
        foreach (var left in numbers)
        {
            foreach (var right in numbers)
                overloads.Add(Global(left == right ? $"{id}_{left.Name}" : $"{id}_{left.Name}_{right.Name}", [left.Type, right.Type], CelType.Bool));
        }
        return new(name, overloads);
    }

    private static IEnumerable<CelFunction> Strings() =>
    [
        Function("contains", Member("contains_string", [CelType.String, CelType.String], CelType.Bool, args => CelValue.Bool(args[0].AsString.Contains(args[1].AsString, StringComparison.Ordinal)))),
        Function("startsWith", Member("starts_with_string", [CelType.String, CelType.String], CelType.Bool, args => CelValue.Bool(args[0].AsString.StartsWith(args[1].AsString, StringComparison.Ordinal)))),
        Function("endsWith", Member("ends_with_string", [CelType.String, CelType.String], CelType.Bool, args => CelValue.Bool(args[0].AsString.EndsWith(args[1].AsString, StringComparison.Ordinal)))),
        Function(
            "matches",
            Global("matches", [CelType.String, CelType.String], CelType.Bool, Matches),
            Member("matches_string", [CelType.String, CelType.String], CelType.Bool, Matches)),
    ];

    private static CelValue Matches(ReadOnlySpan<CelValue> args) => Re2Regex.TryCompile(args[1].AsString, out var regex, out var error) ? regex.IsMatch(args[0].AsString) : CelValue.Error(error);
}
