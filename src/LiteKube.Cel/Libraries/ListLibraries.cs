using LiteKube.Cel.Cost;
using LiteKube.Cel.Evaluation;
using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>Lists: Kubernetes' own functions, and cel-go's extension.</summary>
internal static class ListLibraries
{
    public static CelLibrary Kubernetes() => new("kubernetes.lists",
    [
        new("isSorted", [.. Comparable.Select(t => Member($"list_{t.Name}_is_sorted_bool", [CelType.List(t.Type)], CelType.Bool, IsSorted))]),
        new("sum",
        [
            Member("list_int_sum_int", [CelType.List(CelType.Int)], CelType.Int, args => Sum(args[0].AsList, CelValue.Int(0))),
            Member("list_uint_sum_uint", [CelType.List(CelType.Uint)], CelType.Uint, args => Sum(args[0].AsList, CelValue.Uint(0))),
            Member("list_double_sum_double", [CelType.List(CelType.Double)], CelType.Double, args => Sum(args[0].AsList, CelValue.Double(0))),
            Member("list_duration_sum_duration", [CelType.List(CelType.Duration)], CelType.Duration, args => Sum(args[0].AsList, CelValue.Duration(0))),
        ]),
        new("min", [.. Comparable.Select(t => Member($"list_{t.Name}_min_{t.Name}", [CelType.List(t.Type)], t.Type, args => Extreme(args[0].AsList, "min", 1)))]),
        new("max", [.. Comparable.Select(t => Member($"list_{t.Name}_max_{t.Name}", [CelType.List(t.Type)], t.Type, args => Extreme(args[0].AsList, "max", -1)))]),
        Function("indexOf", Member("list_a_index_of_int", [ListOfA, A], CelType.Int, args => IndexOf(args[0].AsList, args[1]))),
        Function("lastIndexOf", Member("list_a_last_index_of_int", [ListOfA, A], CelType.Int, args => LastIndexOf(args[0].AsList, args[1]))),
        Function("includes", Member("list_includes_dyn_dyn", [CelType.Dyn, CelType.Dyn], CelType.Bool, Includes)),
    ]);

    public static CelLibrary Extension() => new("lists",
    [
        Function("slice", new CelOverload("list_slice", true, [ListOfA, CelType.Int, CelType.Int], ListOfA, Slice) { Estimate = EstimateSlice, Track = TrackOutput }),
        Function(
            "flatten",
            new CelOverload("list_flatten", true, [CelType.List(ListOfA)], ListOfA, args => Flatten(args[0].AsList, 1)) { Estimate = EstimateFlatten, Track = TrackFlatten },
            new CelOverload("list_flatten_int", true, [CelType.DynList, CelType.Int], CelType.DynList, args => Flatten(args[0].AsList, args[1].AsInt)) { Estimate = EstimateFlatten, Track = TrackFlatten }),
        new("sort", [.. Comparable.Select(t => new CelOverload($"list_{t.Name}_sort", true, [CelType.List(t.Type)], CelType.List(t.Type), args => Sort(args[0].AsList, args[0].AsList))
        {
            Estimate = (e, target, args) => target is null ? null : EstimateSort(e, target, t.Type),
            Track = static (args, in _) => SelfCompare(args[0].AsList),
        })]),
        new("@sortByAssociatedKeys", [.. Comparable.Select(t => new CelOverload($"list_{t.Name}_sortByAssociatedKeys", true, [ListOfA, CelType.List(t.Type)], ListOfA, args => Sort(args[0].AsList, args[1].AsList))
        {
            Estimate = (e, target, args) => args.Count != 1 ? null : EstimateSort(e, args[0], t.Type),
            Track = static (args, in _) => SelfCompare(args[1].AsList),
        })]),
        Function("lists.range", new CelOverload("lists_range", false, [CelType.Int], CelType.List(CelType.Int), Range) { Estimate = EstimateRange, Track = TrackOutput }),
        Function("reverse", new CelOverload("list_reverse", true, [ListOfA], ListOfA, Reverse) { Estimate = (e, target, _) => target is null ? null : Allocating(1, e.SizeOf(target)), Track = TrackOutput }),
        Function("distinct", new CelOverload("list_distinct", true, [ListOfA], ListOfA, Distinct)
        {
            Estimate = (e, target, _) => target is null ? null : Allocating(2, e.SizeOf(target).Multiply(e.SizeOf(target))),
            Track = static (args, in _) => SelfCompare(args[0].AsList),
        }),
    ], Macros.Lists);

    private static CelValue IsSorted(ReadOnlySpan<CelValue> args)
    {
        var list = args[0].AsList;
        for (var i = 1; i < list.Count; i++)
        {
            var order = ValueEquality.Compare(list[i - 1], list[i]);
            if (order.Kind == CelKind.Int && order.AsInt > 0)
                return CelValue.False;
        }
        return CelValue.True;
    }

    private static CelValue Sum(CelList list, CelValue sum)
    {
        for (var i = 0; i < list.Count && !sum.IsError; i++)
            sum = list[i].IsError ? list[i] : Arithmetic.Add(sum, list[i]);
        return sum;
    }

    private static CelValue Extreme(CelList list, string name, int replaceOn)
    {
        if (list.Count == 0)
            return CelValue.Error($"{name} called on empty list");
        var best = list[0];
        for (var i = 1; i < list.Count; i++)
        {
            var order = ValueEquality.Compare(best, list[i]);
            if (order.Kind == CelKind.Int && order.AsInt == replaceOn)
                best = list[i];
        }
        return best;
    }

    private static CelValue IndexOf(CelList list, in CelValue item)
    {
        WorkLimit.Spend(list.Count);
        for (var i = 0; i < list.Count; i++)
        {
            if (ValueEquality.AreEqual(list[i], item))
                return CelValue.Int(i);
        }
        return CelValue.Int(-1);
    }

    private static CelValue LastIndexOf(CelList list, in CelValue item)
    {
        WorkLimit.Spend(list.Count);
        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (ValueEquality.AreEqual(list[i], item))
                return CelValue.Int(i);
        }
        return CelValue.Int(-1);
    }

    private static CelValue Includes(ReadOnlySpan<CelValue> args) => CelValue.Bool(args[0].Kind == CelKind.List ? args[0].AsList.Contains(args[1]) : ValueEquality.AreEqual(args[0], args[1]));

    private static CelValue Slice(ReadOnlySpan<CelValue> args)
    {
        var list = args[0].AsList;
        var (start, end) = (args[1].AsInt, args[2].AsInt);
        if (start < 0 || end < 0)
            return CelValue.Error($"cannot slice({start}, {end}), negative indexes not supported");
        if (start > end)
            return CelValue.Error($"cannot slice({start}, {end}), start index must be less than or equal to end index");
        if (list.Count < end)
            return CelValue.Error($"cannot slice({start}, {end}), list is length {list.Count}");
        var items = new CelValue[end - start];
        for (var i = 0; i < items.Length; i++)
            items[i] = list[(int)start + i];
        return CelValue.List(items);
    }

    private static CelValue Flatten(CelList list, long depth)
    {
        if (depth < 0)
            return CelValue.Error("level must be non-negative");
        List<CelValue> items = [];
        Append(items, list, depth);
        return CelValue.List([.. items]);
    }

    private static void Append(List<CelValue> items, CelList list, long depth)
    {
        WorkLimit.Spend(list.Count);
        for (var i = 0; i < list.Count; i++)
        {
            if (depth > 0 && list[i].Kind == CelKind.List)
                Append(items, list[i].AsList, depth - 1);
            else
                items.Add(list[i]);
        }
    }

    private static CelValue Sort(CelList list, CelList keys)
    {
        if (list.Count != keys.Count)
            return CelValue.Error($"@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {list.Count} and {keys.Count} elements respectively");
        if (list.Count == 0)
            return CelValue.List(list);
        var kind = keys[0].Kind;
        if (kind is not (CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Bool or CelKind.Duration or CelKind.Timestamp or CelKind.String or CelKind.Bytes))
            return CelValue.Error("list elements must be comparable");
        var entries = new (CelValue Key, CelValue Item)[list.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = (keys[i], list[i]);
            if (entries[i].Key.Kind != kind)
                return CelValue.Error("list elements must have the same type");
        }
        var sorted = entries.OrderBy(e => e.Key, Comparer<CelValue>.Create((a, b) => ValueEquality.Compare(a, b) is { Kind: CelKind.Int } order ? (int)order.AsInt : 0));
        return CelValue.List([.. sorted.Select(e => e.Item)]);
    }

    private static CelValue Range(ReadOnlySpan<CelValue> args)
    {
        // Above what Kubernetes' limit of a million lets through, which is applied only when the list exists.
        const int maxRange = 5_000_000;
        if (args[0].AsInt > maxRange)
            throw WorkLimit.CostExceeded();
        var items = new CelValue[Math.Max(0, args[0].AsInt)];
        for (var i = 0; i < items.Length; i++)
            items[i] = CelValue.Int(i);
        return CelValue.List(items);
    }

    private static CelValue Reverse(ReadOnlySpan<CelValue> args)
    {
        var list = args[0].AsList;
        var items = new CelValue[list.Count];
        for (var i = 0; i < items.Length; i++)
            items[i] = list[items.Length - 1 - i];
        return CelValue.List(items);
    }

    private static CelValue Distinct(ReadOnlySpan<CelValue> args)
    {
        var list = args[0].AsList;
        List<CelValue> items = [];
        for (var i = 0; i < list.Count; i++)
        {
            var item = list[i];
            WorkLimit.Spend(items.Count + 1);
            if (!items.Exists(other => ValueEquality.AreEqual(item, other)))
                items.Add(item);
        }
        return CelValue.List([.. items]);
    }

    private static CallEstimate Allocating(double factor, CelSizeEstimate size) => new(size.Times(factor).Add(CelCostEstimate.Fixed(1 + RuntimeCost.ListCreation)), size);

    private static ulong? Literal(CostNode node) => node.Expr is LiteralExpr { Value.Kind: CelKind.Int } literal && literal.Value.AsInt >= 0 ? (ulong)literal.Value.AsInt : null;

    private static CallEstimate? EstimateSlice(CostEstimator e, CostNode? target, IReadOnlyList<CostNode> args)
    {
        if (target is null || args.Count != 2)
            return null;
        var start = Literal(args[0]) ?? 0;
        var end = Literal(args[1]) ?? e.SizeOf(target).Max;
        return Allocating(1, CelSizeEstimate.Fixed(unchecked(end - start)));
    }

    private static CallEstimate? EstimateFlatten(CostEstimator e, CostNode? target, IReadOnlyList<CostNode> args) =>
        target is null ? null : Allocating(args.Count == 0 ? 1 : Literal(args[0]) ?? ulong.MaxValue, e.SizeOf(target));

    private static CallEstimate EstimateSort(CostEstimator e, CostNode list, CelType element)
    {
        var size = e.SizeOf(list);
        return Allocating(element.Kind is CelTypeKind.String or CelTypeKind.Bytes ? 2 + RuntimeCost.StringFactor : 2, size.Multiply(size));
    }

    private static CallEstimate? EstimateRange(CostEstimator e, CostNode? target, IReadOnlyList<CostNode> args) => args.Count != 1 ? null : Allocating(1, CelSizeEstimate.Fixed(Literal(args[0]) ?? ulong.MaxValue));

    private static ulong Allocated(double factor, ulong size) => Saturating.Add((ulong)Math.Min(size * factor, long.MaxValue), 1 + RuntimeCost.ListCreation);

    private static ulong TrackOutput(ReadOnlySpan<CelValue> args, in CelValue result) => Allocated(1, RuntimeCost.Size(result));

    private static ulong TrackFlatten(ReadOnlySpan<CelValue> args, in CelValue result) => Allocated(args.Length == 2 ? Math.Max(0, args[1].AsInt) : 1, RuntimeCost.Size(args[0]));

    /// <summary>Each element with each other one.</summary>
    private static ulong SelfCompare(CelList list)
    {
        var size = (ulong)list.Count;
        var strings = list.Count > 0 && list[0].Kind is CelKind.String or CelKind.Bytes;
        return Allocated(strings ? 2 + RuntimeCost.StringFactor : 2, Saturating.Multiply(size, size));
    }
}
