using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel.Cost;

/// <summary>What operations cost when they run: the figures of cel-go and of Kubernetes' libraries.</summary>
internal static class RuntimeCost
{
    public const ulong Access = 1;
    public const ulong ListCreation = 10;
    public const ulong MapCreation = 30;
    public const ulong StructCreation = 40;

    /// <summary>Per character of a string that is walked over.</summary>
    public const double StringFactor = 0.1;

    /// <summary>Per character of a regular expression.</summary>
    public const double RegexFactor = 0.25;

    /// <summary>An authorization check: no more than two fit into an expression's limit of a million.</summary>
    public const ulong AuthorizationCheck = 350_000;

    public static ulong Size(in CelValue value) => value.Kind switch
    {
        CelKind.String => (ulong)ValueText.RuneCount(value.AsString),
        CelKind.Bytes => (ulong)value.AsBytes.Length,
        CelKind.List => (ulong)value.AsList.Count,
        CelKind.Map => (ulong)value.AsMap.Count,
        CelKind.Optional when value.HasValue => Size(value.OptionalValue),
        CelKind.Object => (ulong)value.AsObject.CostSize,
        _ => 1,
    };

    public static ulong Of(BinaryCost cost, in CelValue a, in CelValue b)
    {
        switch (cost)
        {
            case BinaryCost.SmallerSize:
                // Equality of the types that Kubernetes adds counts as one step.
                return a.Kind == CelKind.Object || (a.Kind < CelKind.String && b.Kind < CelKind.String) ? 1 : Walk(Math.Min(Size(a), Size(b)));
            case BinaryCost.SumOfSizes:
                return Walk(Size(a) + Size(b));
            case BinaryCost.RightCount:
                return Size(b);
            default:
                return 1;
        }
    }

    public static ulong Walk(ulong size) => Saturating.Scale(size, StringFactor);

    private static ulong Regex(ulong text, ulong pattern) => Saturating.Multiply(Saturating.Scale(text + 1, StringFactor), Saturating.Scale(pattern, RegexFactor));

    /// <summary>The rule for a call; null costs one.</summary>
    public static TrackRule? RuleFor(string function, IReadOnlyList<CelOverload> overloads)
    {
        var single = overloads.Count == 1 ? overloads[0] : null;
        if (single?.Track is { } own)
            return own;
        return ByOverload(single?.Id) ?? ByFunction(function, single?.Id);
    }

    private static TrackRule? ByOverload(string? id) => id switch
    {
        "starts_with_string" or "ends_with_string" or "string_to_bytes" or "bytes_to_string" or "strings_quote" or "string_format" => static (args, in _) => Walk(Size(args[0])),
        "matches" or "matches_string" => static (args, in _) => Regex(Size(args[0]), Size(args[1])),
        "contains_string" => static (args, in _) => Saturating.Multiply(Walk(Size(args[0])), Walk(Size(args[1]))),
        _ => null,
    };

    private static TrackRule? ByFunction(string function, string? overloadId)
    {
        switch (function)
        {
            case "check":
                return static (_, in _) => AuthorizationCheck;
            case "fieldSelector" or "labelSelector":
                return static (args, in _) => CallCosts.Selector(CelSizeEstimate.Fixed(Size(args[1]))).Max;
            case "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf" or "includes":
                return static (args, in _) => Traverse(args[0]);
            case "url" or "lowerAscii" or "upperAscii" or "substring" or "trim" or "jsonpatch.escapeKey" or "cidr" or "isIP" or "isCIDR" or "quantity" or "isQuantity" or "semver" or "isSemver":
                return static (args, in _) => Walk(Size(args[0]));
            case "ip" when overloadId != "cidr_ip":
                return static (args, in _) => Walk(Size(args[0]));
            case "replace" or "split" or "ip.isCanonical":
                return static (args, in _) => Saturating.Scale(Size(args[0]), 2 * StringFactor);
            case "join":
                return static (_, in result) => Saturating.Scale(Size(result), 2 * StringFactor);
            case "find" or "findAll":
                return static (args, in _) => Regex(Size(args[0]), Size(args[1]));
            case "containsIP":
                return overloadId == "cidr_contains_ip_string" ? static (args, in _) => Walk(2 * Size(args[0])) + Walk(Size(args[1])) : static (args, in _) => Walk(2 * Size(args[0]));
            case "containsCIDR":
                return overloadId == "cidr_contains_cidr_string"
                    ? static (args, in _) => Walk(2 * Size(args[0])) + Walk(Size(args[0])) + 1 + Walk(Size(args[1]))
                    : static (args, in _) => Walk(2 * Size(args[0])) + Walk(Size(args[0])) + 1;
            case "validate":
                return static (args, in _) => args[0].Reference is NamedFormat format ? Regex(Size(args[1]), (ulong)format.MaxRegexSize) : 1;
            default:
                return null;
        }
    }

    /// <summary>The cost of walking over a value and all that it holds.</summary>
    private static ulong Traverse(in CelValue value)
    {
        switch (value.Kind)
        {
            case CelKind.String:
                return (ulong)(System.Text.Encoding.UTF8.GetByteCount(value.AsString) * StringFactor);
            case CelKind.Bytes:
                return (ulong)(value.AsBytes.Length * StringFactor);
            case CelKind.List:
                WorkLimit.Spend(value.AsList.Count);
                ulong cost = 0;
                for (var i = 0; i < value.AsList.Count; i++)
                    cost += Traverse(value.AsList[i]);
                return cost;
            case CelKind.Map:
                WorkLimit.Spend(value.AsMap.Count);
                ulong mapCost = 0;
                foreach (var key in value.AsMap.Keys)
                    mapCost += Traverse(key) + (value.AsMap.TryGet(key, out var item) ? Traverse(item) : 0);
                return mapCost;
            default:
                return 1;
        }
    }
}
