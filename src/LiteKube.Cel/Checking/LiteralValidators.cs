namespace LiteKube.Cel.Checking;

/// <summary>Refuses literals that could only fail at run time, and lists and maps whose elements differ in type.</summary>
internal static class LiteralValidators
{
    public static void Validate(Expr root, IssueList issues)
    {
        Walk(root, expr =>
        {
            switch (expr)
            {
                case CallExpr { Args: [LiteralExpr { Value.Kind: CelKind.String } literal, ..] } call:
                    ValidateCall(call.Function, literal, issues);
                    break;
                case ListExpr list:
                    ValidateList(list, issues);
                    break;
                case MapExpr map:
                    ValidateMap(map, issues);
                    break;
            }
        });
    }

    private static void ValidateCall(string function, LiteralExpr literal, IssueList issues)
    {
        var text = literal.Value.AsString;
        var valid = function switch
        {
            "duration" => TimeText.TryParseDuration(text, out _),
            "timestamp" => TimeText.TryParseTimestamp(text, out var time) && time.IsInRange,
            "matches" => Re2Regex.TryCompile(text, out _, out _),
            _ => true,
        };
        if (!valid)
            issues.Report(literal.Offset, $"invalid {function} argument");
    }

    private static void ValidateList(ListExpr list, IssueList issues)
    {
        CelType? first = null;
        for (var i = 0; i < list.Elements.Length; i++)
        {
            var type = Inner(list.Elements[i].Type!, list.Optional[i]);
            first ??= type;
            if (Mismatch(list.Elements[i], first, type, issues))
                return;
        }
    }

    private static void ValidateMap(MapExpr map, IssueList issues)
    {
        CelType? key = null, value = null;
        foreach (var entry in map.Entries)
        {
            var valueType = Inner(entry.Value.Type!, entry.Optional);
            key ??= entry.Key.Type!;
            value ??= valueType;
            Mismatch(entry.Key, key, entry.Key.Type!, issues);
            Mismatch(entry.Value, value, valueType, issues);
        }
    }

    private static CelType Inner(CelType type, bool optional) => optional && type.IsOptional ? type.Parameters[0] : type;

    private static bool Mismatch(Expr at, CelType expected, CelType actual, IssueList issues)
    {
        if (AreEquivalent(expected, actual))
            return false;
        issues.Report(at.Offset, $"expected type '{expected}' but found '{actual}'");
        return true;
    }

    private static bool AreEquivalent(CelType a, CelType b) => a.Equals(b);

    public static void Walk(Expr expr, Action<Expr> visit)
    {
        visit(expr);
        foreach (var child in Children(expr))
            Walk(child, visit);
    }

    private static IEnumerable<Expr> Children(Expr expr) => expr switch
    {
        SelectExpr select => [select.Operand],
        CallExpr call => call.Target is null ? call.Args : call.Args.Prepend(call.Target),
        ListExpr list => list.Elements,
        MapExpr map => map.Entries.SelectMany(e => (Expr[])[e.Key, e.Value]),
        StructExpr message => message.Fields.Select(f => f.Value),
        ComprehensionExpr fold => [fold.Range, fold.Initial, fold.Condition, fold.Step, fold.Result],
        _ => [],
    };
}
