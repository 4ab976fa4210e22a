using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>Values that may be absent.</summary>
internal static class OptionalLibrary
{
    private static readonly CelType OptionalA = CelType.Optional(A);
    private static readonly CelType OptionalB = CelType.Optional(B);

    public static CelLibrary Create() => new("optional", [.. Functions()], Macros.Optional, [CelType.Optional(CelType.Dyn)], optionalSyntax: true);

    private static IEnumerable<CelFunction> Functions() =>
    [
        Function("optional.of", Global("optional_of", [A], OptionalA, args => CelValue.OptionalOf(args[0]))),
        Function("optional.ofNonZeroValue", Global("optional_ofNonZeroValue", [A], OptionalA, args => IsZero(args[0]) ? CelValue.OptionalNone : CelValue.OptionalOf(args[0]))),
        Function("optional.none", Global("optional_none", [], OptionalA, _ => CelValue.OptionalNone)),
        Function("value", Member("optional_value", [OptionalA], A, args => args[0].HasValue ? args[0].OptionalValue : CelValue.Error("optional.none() dereference"))),
        Function("hasValue", Member("optional_hasValue", [OptionalA], CelType.Bool, args => CelValue.Bool(args[0].HasValue))),
        Function("or", Member("optional_or_optional", [OptionalA, OptionalA], OptionalA)),
        Function("orValue", Member("optional_orValue_value", [OptionalA, A], A)),
        Function(Operators.OptionalSelect, Global("select_optional_field", [CelType.Dyn, CelType.String], OptionalA)),
        Function(
            Operators.OptionalIndex,
            Global("list_optindex_optional_int", [ListOfA, CelType.Int], OptionalA),
            Global("optional_list_optindex_optional_int", [CelType.Optional(ListOfA), CelType.Int], OptionalA),
            Global("map_optindex_optional_value", [MapOfAB, A], OptionalB),
            Global("optional_map_optindex_optional_value", [CelType.Optional(MapOfAB), A], OptionalB)),
        Function(
            Operators.Index,
            Global("optional_list_index_int", [CelType.Optional(ListOfA), CelType.Int], OptionalA),
            Global("optional_map_index_value", [CelType.Optional(MapOfAB), A], OptionalB)),
        Function("first", Member("list_first", [ListOfA], OptionalA, args => At(args[0].AsList, 0))),
        Function("last", Member("list_last", [ListOfA], OptionalA, args => At(args[0].AsList, args[0].AsList.Count - 1))),
        Function("optional.unwrap", Global("optional_unwrap", [CelType.List(OptionalA)], ListOfA, Unwrap)),
        Function("unwrapOpt", Member("optional_unwrapOpt", [CelType.List(OptionalA)], ListOfA, Unwrap)),
    ];

    private static CelValue At(CelList list, int index) => list.Count == 0 ? CelValue.OptionalNone : list[index] is { IsError: true } error ? error : CelValue.OptionalOf(list[index]);

    private static CelValue Unwrap(ReadOnlySpan<CelValue> args)
    {
        List<CelValue> values = [];
        var list = args[0].AsList;
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i].Kind != CelKind.Optional)
                return CelValue.Error($"value {ValueText.Describe(list[i])} is not optional");
            if (list[i].HasValue)
                values.Add(list[i].OptionalValue);
        }
        return CelValue.List([.. values]);
    }

    private static bool IsZero(in CelValue value) => value.Kind switch
    {
        CelKind.Null => true,
        CelKind.Bool => !value.AsBool,
        CelKind.Int => value.AsInt == 0,
        CelKind.Uint => value.AsUint == 0,
        CelKind.Double => value.AsDouble == 0,
        CelKind.String => value.AsString.Length == 0,
        CelKind.Bytes => value.AsBytes.Length == 0,
        CelKind.Duration => value.AsDurationNanos == 0,
        CelKind.Timestamp => value.AsTimestamp is { Seconds: CelTimestamp.MinSeconds, Nanos: 0 },
        CelKind.List => value.AsList.Count == 0,
        CelKind.Map => value.AsMap.Count == 0,
        CelKind.Optional => !value.HasValue,
        CelKind.Object => value.AsObject.IsZero,
        _ => false,
    };
}
