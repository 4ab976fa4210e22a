using LiteKube.Cel.Cost;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>Sets, two-variable comprehensions, regular expressions, JSON Patch keys and bindings.</summary>
internal static class SmallLibraries
{
    public static CelLibrary Bindings() => new("bindings", [], Macros.Bindings);

    public static CelLibrary TwoVariableComprehensions() => new("comprehensions",
    [
        Function(
            Operators.MapInsert,
            Global("@mapInsert_map_key_value", [MapOfAB, A, B], MapOfAB, args => Insert((CelValueMap)args[0].AsMap, args[1], args[2]) ?? args[0]),
            Global("@mapInsert_map_map", [MapOfAB, MapOfAB], MapOfAB, InsertAll)),
    ], Macros.TwoVariables);

    /// <summary>The map is the accumulator of its macro, which nothing else sees: it changes in place.</summary>
    private static CelValue? Insert(CelValueMap map, in CelValue key, in CelValue value)
    {
        if (!CelValueMap.IsKey(key))
            return CelValue.Error($"unsupported key type: {key.Type.Name}");
        return map.TryAdd(key, value) ? null : CelValue.Error($"insert failed: key {ValueText.Describe(key)} already exists");
    }

    private static CelValue InsertAll(ReadOnlySpan<CelValue> args)
    {
        foreach (var key in args[1].AsMap.Keys)
        {
            if (args[1].AsMap.TryGet(key, out var value) && Insert((CelValueMap)args[0].AsMap, key, value) is { } error)
                return error;
        }
        return args[0];
    }

    public static CelLibrary Sets() => new("sets",
    [
        Function("sets.contains", Set("list_sets_contains_list", 1, args => CelValue.Bool(Contains(args[0].AsList, args[1].AsList)))),
        Function("sets.equivalent", Set("list_sets_equivalent_list", 2, args => CelValue.Bool(Contains(args[0].AsList, args[1].AsList) && Contains(args[1].AsList, args[0].AsList)))),
        Function("sets.intersects", Set("list_sets_intersects_list", 1, args => CelValue.Bool(Intersects(args[0].AsList, args[1].AsList)))),
    ]);

    private static CelOverload Set(string id, double factor, CelFunctionBody body) => new(id, false, [ListOfA, ListOfA], CelType.Bool, body)
    {
        Estimate = (e, _, args) => args.Count != 2 ? null : new(e.SizeOf(args[0]).Multiply(e.SizeOf(args[1])).Times(factor).Add(CelCostEstimate.Fixed(1))),
        Track = (args, in _) => Saturating.Add(1, (ulong)(Saturating.Multiply(RuntimeCost.Size(args[0]), RuntimeCost.Size(args[1])) * factor)),
    };

    private static bool Contains(CelList list, CelList part)
    {
        for (var i = 0; i < part.Count; i++)
        {
            if (!list.Contains(part[i]))
                return false;
        }
        return true;
    }

    private static bool Intersects(CelList a, CelList b)
    {
        for (var i = 0; i < a.Count; i++)
        {
            if (b.Contains(a[i]))
                return true;
        }
        return false;
    }

    public static CelLibrary Regex() => new("kubernetes.regex",
    [
        Function("find", Member("string_find_string", [CelType.String, CelType.String], CelType.String, args => WithRegex(args[1].AsString, out var regex, out var error) ? regex.Find(args[0].AsString) : error)),
        Function(
            "findAll",
            Member("string_find_all_string", [CelType.String, CelType.String], StringList, args => WithRegex(args[1].AsString, out var regex, out var error) ? regex.FindAll(args[0].AsString, -1) : error),
            Member("string_find_all_string_int", [CelType.String, CelType.String, CelType.Int], StringList, args => WithRegex(args[1].AsString, out var regex, out var error) ? regex.FindAll(args[0].AsString, args[2].AsInt) : error)),
    ]);

    private static bool WithRegex(string pattern, out Re2Regex regex, out CelValue error)
    {
        var valid = Re2Regex.TryCompile(pattern, out regex, out var message);
        error = valid ? default : CelValue.Error($"Illegal regex: {message}");
        return valid;
    }

    public static CelLibrary JsonPatch() => new("kubernetes.jsonpatch",
    [
        Function("jsonpatch.escapeKey", Global("string_jsonpatch_escapeKey_string", [CelType.String], CelType.String, args =>
            CelValue.String(args[0].AsString.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)))),
    ]);
}
