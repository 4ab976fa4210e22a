namespace LiteKube.Cel.Cost;

internal sealed partial class CostEstimator
{
    private CelCostEstimate Call(CallExpr call)
    {
        if (call.Function == "dyn" && call.Args.Length == 1)
            return Dyn(call);
        var args = new CostNode[call.Args.Length];
        var argCosts = new CelCostEstimate[call.Args.Length];
        for (var i = 0; i < args.Length; i++)
        {
            argCosts[i] = Estimate(call.Args[i]);
            args[i] = NodeOf(call.Args[i]);
        }
        if (call.Overloads.Count == 0)
            return default;
        var sum = default(CelCostEstimate);
        CostNode? target = null;
        if (call.Target is not null)
        {
            sum = Estimate(call.Target);
            target = NodeOf(call.Target);
        }
        // The range covers every overload that may apply.
        var cost = new CelCostEstimate(ulong.MaxValue, 0);
        CelSizeEstimate? resultSize = null;
        foreach (var overload in call.Overloads)
        {
            var estimate = Overload(call, overload, target, args, argCosts);
            cost = cost.Union(estimate.Cost);
            if (estimate.ResultSize is { } size)
                resultSize = resultSize?.Union(size) ?? size;
            if (overload.Id is "index_list" or "index_map" && args.Length > 0)
            {
                resultSize = EntrySizeOf(call.Args[0])?.Value;
                _paths[call] = [.. PathOf(call.Args[0]), overload.Id == "index_list" ? "@items" : "@values"];
            }
            resultSize ??= SizeOf(call);
        }
        if (resultSize is { } known)
            _sizes[call] = known;
        return sum.Add(cost);
    }

    /// <summary>dyn() only switches checking off: the size of its argument is the result's.</summary>
    private CelCostEstimate Dyn(CallExpr call)
    {
        var cost = Estimate(call.Args[0]);
        if (SizeOf(call.Args[0]) is { } size)
            _sizes[call] = size;
        if (EntrySizeOf(call.Args[0]) is { } entries)
            _entrySizes[call] = entries;
        return cost.Add(CelCostEstimate.Fixed(1));
    }

    private CallEstimate Overload(CallExpr call, CelOverload overload, CostNode? target, CostNode[] args, CelCostEstimate[] argCosts)
    {
        var argCost = default(CelCostEstimate);
        foreach (var cost in argCosts)
            argCost = argCost.Add(cost);
        var special = overload.Estimate?.Invoke(this, target, args) ?? CallCosts.Estimate(this, call.Function, overload.Id, target, args);
        if (special is not null)
            return special with { Cost = special.Cost.Add(argCost) };
        switch (overload.Id)
        {
            case "logical_and" or "logical_or":
                return new(new CelCostEstimate(argCosts[0].Min, argCosts[0].Add(argCosts[1]).Max));
            case "conditional":
                if (EntrySize.Union(EntrySizeOf(call.Args[1]), EntrySizeOf(call.Args[2])) is { } branches)
                    _entrySizes[call] = branches;
                return new(argCosts[0].Add(argCosts[1].Union(argCosts[2])), SizeOf(args[1]).Union(SizeOf(args[2])));
            case "add_string" or "add_bytes" or "add_list":
                return Concatenation(call, overload, args, argCost);
            default:
                var own = Standard(overload.Id, target, args);
                return own with { Cost = own.Cost.Add(argCost) };
        }
    }

    private CallEstimate Concatenation(CallExpr call, CelOverload overload, CostNode[] args, CelCostEstimate argCost)
    {
        var size = SizeOf(args[0]).Add(SizeOf(args[1]));
        if (EntrySize.Union(EntrySizeOf(call.Args[0]), EntrySizeOf(call.Args[1])) is { } entries)
            _entrySizes[call] = entries;
        var cost = overload.Id == "add_list" ? CelCostEstimate.Fixed(1) : size.Times(RuntimeCost.StringFactor);
        return new(cost.Add(argCost), size);
    }

    private CallEstimate Standard(string overloadId, CostNode? target, CostNode[] args)
    {
        switch (overloadId)
        {
            case "string_format" when target is not null:
                return new(SizeOf(target).Times(RuntimeCost.StringFactor));
            case "string_to_bytes":
                var text = SizeOf(args[0]);
                return new(text.Times(RuntimeCost.StringFactor), new(text.Min, Saturating.Multiply(text.Max, 4)));
            case "bytes_to_string":
                var bytes = SizeOf(args[0]);
                return new(bytes.Times(RuntimeCost.StringFactor), new(bytes.Min / 4, bytes.Max));
            case "strings_quote":
                var quoted = SizeOf(args[0]);
                return new(quoted.Times(RuntimeCost.StringFactor), new(Saturating.Add(quoted.Min, 2), Saturating.Add(Saturating.Multiply(quoted.Max, 2), 2)));
            case "starts_with_string" or "ends_with_string":
                return new(SizeOf(args[0]).Times(RuntimeCost.StringFactor));
            case "in_list":
                return new(SizeOf(args[1]).Times(1.0));
            case "matches_string" when target is not null:
                return new(CallCosts.Matches(SizeOf(target), SizeOf(args[0])));
            case "contains_string" when target is not null:
                return new(SizeOf(target).Times(RuntimeCost.StringFactor).Multiply(SizeOf(args[0]).Times(RuntimeCost.StringFactor)));
            case "equals" or "not_equals" or "less_string" or "less_equals_string" or "greater_string" or "greater_equals_string"
                or "less_bytes" or "less_equals_bytes" or "greater_bytes" or "greater_equals_bytes":
                var smaller = Math.Min(SizeOf(args[0]).Max, SizeOf(args[1]).Max);
                return new(new CelCostEstimate(smaller > 0 ? 1u : 0u, smaller).Times(RuntimeCost.StringFactor));
            default:
                return CallEstimate.Fixed(1);
        }
    }

    private CostNode NodeOf(Expr expr)
    {
        var path = PathOf(expr);
        return new(expr, expr.Type!, path.Length == 0 || path[0] == Macros.Accumulator ? null : path, SizeOf(expr));
    }

    /// <summary>The size of an argument, as wide as can be when nothing is known.</summary>
    public CelSizeEstimate SizeOf(CostNode node) => node.Size ?? sizes?.EstimateSize(node.Path ?? [], node.Type) ?? CelSizeEstimate.Unknown;

    /// <summary>What a list holds.</summary>
    public CostNode? ElementOf(CostNode list) => list.Type.Parameters.Length == 0 ? null : new(null, list.Type.Parameters[0], list.Path is null ? null : [.. list.Path, "@items"], null);

    private CelSizeEstimate SizeOrUnknown(Expr expr) => SizeOf(expr) ?? CelSizeEstimate.Unknown;

    private CelSizeEstimate? SizeOf(Expr expr)
    {
        if (_sizes.TryGetValue(expr, out var known))
            return known;
        switch (expr)
        {
            case LiteralExpr literal:
                return CelSizeEstimate.Fixed(RuntimeCost.Size(literal.Value));
            case ListExpr list:
                return CelSizeEstimate.Fixed((ulong)list.Elements.Length);
            case MapExpr map:
                return CelSizeEstimate.Fixed((ulong)map.Entries.Length);
        }
        if (sizes?.EstimateSize(PathOf(expr), expr.Type!) is { } estimated)
            return _sizes[expr] = estimated;
        if (IsScalar(expr.Type!))
            return CelSizeEstimate.Fixed(1);
        return expr is IdentExpr ident ? FindLocal(ident.Name)?.Size : null;
    }

    private static bool IsScalar(CelType type) => type.Kind is CelTypeKind.Bool or CelTypeKind.Double or CelTypeKind.Duration or CelTypeKind.Int or CelTypeKind.Timestamp or CelTypeKind.Uint
        || (type.IsOptional && IsScalar(type.Parameters[0]));

    private EntrySize? EntrySizeOf(Expr expr)
    {
        if (_entrySizes.TryGetValue(expr, out var known))
            return known;
        return expr is IdentExpr ident ? FindLocal(ident.Name)?.EntrySize : null;
    }
}
