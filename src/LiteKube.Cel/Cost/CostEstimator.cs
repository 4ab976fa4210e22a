namespace LiteKube.Cel.Cost;

/// <summary>
/// Bounds the cost of a checked expression before it runs, from the sizes that a schema allows. The figures are an interface:
/// the API server refuses rules by them, so they follow cel-go's step by step.
/// </summary>
internal sealed partial class CostEstimator(ICelSizeEstimator? sizes)
{
    private readonly Dictionary<Expr, CelSizeEstimate> _sizes = [];
    private readonly Dictionary<Expr, EntrySize> _entrySizes = [];
    private readonly Dictionary<Expr, string[]> _paths = [];
    private readonly List<Local> _locals = [];

    /// <summary>Sizes of what a list or map holds.</summary>
    private sealed record EntrySize(bool IsList, CelSizeEstimate Key, CelSizeEstimate Value)
    {
        public static EntrySize? Union(EntrySize? a, EntrySize? b) => a is null || b is null ? null : new(a.IsList, a.Key.Union(b.Key), a.Value.Union(b.Value));
    }

    private sealed record Local(string Name, string[] Path, CelSizeEstimate? Size, EntrySize? EntrySize);

    public CelCostEstimate Estimate(Expr expr) => expr switch
    {
        IdentExpr ident => Ident(ident),
        SelectExpr select => Select(select),
        CallExpr call => Call(call),
        ListExpr list => List(list),
        MapExpr map => Map(map),
        StructExpr message => Sum(message.Fields.Select(f => f.Value)).Add(CelCostEstimate.Fixed(RuntimeCost.StructCreation)),
        ComprehensionExpr fold => fold.IsBinding ? Bind(fold) : Fold(fold),
        _ => default,
    };

    private CelCostEstimate Sum(IEnumerable<Expr> exprs)
    {
        var sum = default(CelCostEstimate);
        foreach (var expr in exprs)
            sum = sum.Add(Estimate(expr));
        return sum;
    }

    private Local? FindLocal(string name) => _locals.FindLast(l => l.Name == name);

    private CelCostEstimate Ident(IdentExpr ident)
    {
        _paths[ident] = FindLocal(ident.Name)?.Path ?? [ident.Name];
        return CelCostEstimate.Fixed(RuntimeCost.Access);
    }

    private CelCostEstimate Select(SelectExpr select)
    {
        if (select.Variable is not null)
        {
            _paths[select] = [select.Variable.Name];
            return CelCostEstimate.Fixed(RuntimeCost.Access);
        }
        var cost = Estimate(select.Operand);
        if (select.TestOnly)
            return cost;
        if (select.Operand.Type!.Kind is CelTypeKind.Map or CelTypeKind.Struct or CelTypeKind.TypeParam)
            cost = cost.Add(CelCostEstimate.Fixed(RuntimeCost.Access));
        _paths[select] = [.. PathOf(select.Operand), select.Field];
        return cost;
    }

    private CelCostEstimate List(ListExpr list)
    {
        var cost = CelCostEstimate.Fixed(RuntimeCost.ListCreation);
        var size = new CelSizeEstimate(list.Elements.Length == 0 ? 0 : ulong.MaxValue, 0);
        foreach (var element in list.Elements)
        {
            cost = cost.Add(Estimate(element));
            size = size.Union(SizeOrUnknown(element));
        }
        _entrySizes[list] = new(true, CelSizeEstimate.Fixed(1), size);
        return cost;
    }

    private CelCostEstimate Map(MapExpr map)
    {
        var cost = CelCostEstimate.Fixed(RuntimeCost.MapCreation);
        var least = map.Entries.Length == 0 ? 0 : ulong.MaxValue;
        var keySize = new CelSizeEstimate(least, 0);
        var valueSize = new CelSizeEstimate(least, 0);
        foreach (var entry in map.Entries)
        {
            cost = cost.Add(Estimate(entry.Key)).Add(Estimate(entry.Value));
            keySize = keySize.Union(SizeOrUnknown(entry.Key));
            valueSize = valueSize.Union(SizeOrUnknown(entry.Value));
        }
        _entrySizes[map] = new(false, keySize, valueSize);
        return cost;
    }

    private CelCostEstimate Bind(ComprehensionExpr fold)
    {
        var cost = Estimate(fold.Range).Add(Estimate(fold.Initial));
        PushValue(fold.Accumulator, fold.Initial);
        cost = cost.Add(Estimate(fold.Result));
        Pop(1);
        if (SizeOf(fold.Result) is { } size)
            _sizes[fold] = size;
        if (EntrySizeOf(fold.Result) is { } entrySize)
            _entrySizes[fold] = entrySize;
        return cost;
    }

    private CelCostEstimate Fold(ComprehensionExpr fold)
    {
        var cost = Estimate(fold.Range).Add(Estimate(fold.Initial));
        PushValue(fold.Accumulator, fold.Initial);
        if (fold.Variable2 is { } variable2)
        {
            PushIteration(fold.Variable, fold.Range, key: true);
            PushIteration(variable2, fold.Range, key: false);
        }
        else
        {
            PushIteration(fold.Variable, fold.Range, key: !IsList(fold.Range));
        }
        var turn = Estimate(fold.Condition);
        turn = Estimate(fold.Step).Add(turn);
        Pop(fold.Variable2 is null ? 1 : 2);
        cost = cost.Add(Estimate(fold.Result));
        Pop(1);
        var count = SizeOrUnknown(fold.Range);
        if (fold.Initial is LiteralExpr && SizeOf(fold.Initial) is { } initialSize)
            _sizes[fold] = initialSize;
        else if (fold.Initial is ListExpr or MapExpr)
            _sizes[fold] = count;
        if (fold.Initial is ListExpr or MapExpr && EntrySizeOf(fold.Step) is { } stepEntries)
            _entrySizes[fold] = stepEntries;
        return cost.Add(count.Times(turn));
    }

    private bool IsList(Expr range) => EntrySizeOf(range)?.IsList ?? range.Type!.Kind == CelTypeKind.List;

    private void PushValue(string name, Expr value) => _locals.Add(new(name, PathOf(value), SizeOf(value), EntrySizeOf(value)));

    private void PushIteration(string name, Expr range, bool key)
    {
        var entries = EntrySizeOf(range);
        var step = (IsList(range), key) switch
        {
            (true, true) => "@indices",
            (true, false) => "@items",
            (false, true) => "@keys",
            _ => "@values",
        };
        _locals.Add(new(name, [.. PathOf(range), step], key ? entries?.Key : entries?.Value, null));
    }

    private void Pop(int count) => _locals.RemoveRange(_locals.Count - count, count);

    private string[] PathOf(Expr expr)
    {
        if (expr is IdentExpr ident && FindLocal(ident.Name) is { } local)
            return local.Path;
        return _paths.GetValueOrDefault(expr) ?? [];
    }
}
