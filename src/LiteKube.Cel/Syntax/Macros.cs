namespace LiteKube.Cel;

/// <summary>Turns a call of a macro into the expression it stands for.</summary>
internal delegate Expr? MacroExpander(MacroContext context, Expr? target, Expr[] args);

/// <summary>A call that is rewritten when it is parsed.</summary>
internal sealed record Macro(string Name, int ArgCount, bool Receiver, MacroExpander Expand);

/// <summary>Builds the nodes of an expansion at the place of the call. An expansion that reports an error gives null.</summary>
internal sealed class MacroContext(int offset, IssueList issues, ExpansionBudget budget)
{
    public bool Failed { get; private set; }

    public Expr? Fail(Expr at, string message)
    {
        issues.Report(at.Offset, message);
        Failed = true;
        return null;
    }

    /// <summary>A copy of an argument that the expansion uses twice; null when an expression is copied beyond measure.</summary>
    public Expr? TryCopy(Expr expr)
    {
        if (budget.TrySpend(expr))
            return expr.Copy();
        return Fail(expr, $"expression size after macro expansion exceeds limit: {ExpansionBudget.MaxCopiedNodes}");
    }

    public Expr Literal(CelValue value) => new LiteralExpr(offset, value);

    public Expr Ident(string name) => new IdentExpr(offset, name);

    public Expr Accumulator() => Ident(Macros.Accumulator);

    public Expr Call(string function, params Expr[] args) => new CallExpr(offset, function, null, args);

    public Expr MemberCall(string function, Expr target, params Expr[] args) => new CallExpr(offset, function, target, args);

    public Expr List(params Expr[] elements) => new ListExpr(offset, elements, new bool[elements.Length]);

    public Expr EmptyMap() => new MapExpr(offset, []);

    public Expr PresenceTest(SelectExpr select) => new SelectExpr(offset, select.Operand, select.Field, testOnly: true);

    public Expr Fold(Expr range, string variable, string? variable2, Expr initial, Expr condition, Expr step, Expr result) => new ComprehensionExpr(offset)
    {
        Range = range,
        Variable = variable,
        Variable2 = variable2,
        Accumulator = Macros.Accumulator,
        Initial = initial,
        Condition = condition,
        Step = step,
        Result = result,
    };

    /// <summary>Gives a value a name within an expression.</summary>
    public Expr Bind(string name, Expr value, Expr body) => new ComprehensionExpr(offset)
    {
        Range = List(),
        Variable = "#unused",
        Accumulator = name,
        Initial = value,
        Condition = Literal(CelValue.False),
        Step = Ident(name),
        Result = body,
    };
}

/// <summary>How many nodes the macros of one expression may copy: chained optMap() doubles the expression each time.</summary>
internal sealed class ExpansionBudget
{
    public const int MaxCopiedNodes = 20_000;
    private int _left = MaxCopiedNodes;

    public bool TrySpend(Expr expr)
    {
        Checking.LiteralValidators.Walk(expr, _ => _left--);
        return _left >= 0;
    }
}

/// <summary>The macros of the language, of two-variable comprehensions, of optional values, of lists and of bindings.</summary>
internal static class Macros
{
    /// <summary>Not writable as a name, so that nothing but a macro can refer to it.</summary>
    public const string Accumulator = "@result";

    private const string OldAccumulator = "__result__";

    public static readonly Macro[] Standard =
    [
        new("has", 1, false, (c, _, args) => args[0] is SelectExpr { TestOnly: false } s ? c.PresenceTest(s) : c.Fail(args[0], "invalid argument to has() macro")),
        new("all", 2, true, (c, t, args) => Quantifier(c, t!, args, All)),
        new("exists", 2, true, (c, t, args) => Quantifier(c, t!, args, Exists)),
        new("exists_one", 2, true, (c, t, args) => Quantifier(c, t!, args, ExistsOne)),
        new("existsOne", 2, true, (c, t, args) => Quantifier(c, t!, args, ExistsOne)),
        new("map", 2, true, (c, t, args) => Map(c, t!, args)),
        new("map", 3, true, (c, t, args) => Map(c, t!, args)),
        new("filter", 2, true, (c, t, args) => Filter(c, t!, args)),
    ];

    public static readonly Macro[] TwoVariables =
    [
        new("all", 3, true, (c, t, args) => Quantifier(c, t!, args, All)),
        new("exists", 3, true, (c, t, args) => Quantifier(c, t!, args, Exists)),
        new("exists_one", 3, true, (c, t, args) => Quantifier(c, t!, args, ExistsOne)),
        new("existsOne", 3, true, (c, t, args) => Quantifier(c, t!, args, ExistsOne)),
        new("transformList", 3, true, (c, t, args) => Transform(c, t!, args, c.List(), (_, transform) => c.Call(Operators.Add, c.Accumulator(), c.List(transform)))),
        new("transformList", 4, true, (c, t, args) => Transform(c, t!, args, c.List(), (_, transform) => c.Call(Operators.Add, c.Accumulator(), c.List(transform)))),
        new("transformMap", 3, true, (c, t, args) => Transform(c, t!, args, c.EmptyMap(), (key, transform) => c.Call(Operators.MapInsert, c.Accumulator(), c.Ident(key), transform))),
        new("transformMap", 4, true, (c, t, args) => Transform(c, t!, args, c.EmptyMap(), (key, transform) => c.Call(Operators.MapInsert, c.Accumulator(), c.Ident(key), transform))),
        new("transformMapEntry", 3, true, (c, t, args) => Transform(c, t!, args, c.EmptyMap(), (_, transform) => c.Call(Operators.MapInsert, c.Accumulator(), transform))),
        new("transformMapEntry", 4, true, (c, t, args) => Transform(c, t!, args, c.EmptyMap(), (_, transform) => c.Call(Operators.MapInsert, c.Accumulator(), transform))),
    ];

    public static readonly Macro[] Optional =
    [
        new("optMap", 2, true, (c, t, args) => OptMap(c, t!, args, "optMap", wrap: true)),
        new("optFlatMap", 2, true, (c, t, args) => OptMap(c, t!, args, "optFlatMap", wrap: false)),
    ];

    public static readonly Macro[] Lists = [new("sortBy", 2, true, (c, t, args) => SortBy(c, t!, args))];

    public static readonly Macro[] Bindings = [new("bind", 3, true, Bind)];

    private delegate Expr QuantifierBody(MacroContext c, Expr target, string variable, string? variable2, Expr predicate);

    private static Expr? Quantifier(MacroContext c, Expr target, Expr[] args, QuantifierBody body)
    {
        if (!TryVariables(c, args, args.Length - 1, "argument must be a simple name", out var names))
            return null;
        return body(c, target, names[0], names.Length > 1 ? names[1] : null, args[^1]);
    }

    private static Expr All(MacroContext c, Expr target, string variable, string? variable2, Expr predicate) =>
        c.Fold(target, variable, variable2, c.Literal(CelValue.True), c.Call(Operators.NotStrictlyFalse, c.Accumulator()), c.Call(Operators.And, c.Accumulator(), predicate), c.Accumulator());

    private static Expr Exists(MacroContext c, Expr target, string variable, string? variable2, Expr predicate) =>
        c.Fold(target, variable, variable2, c.Literal(CelValue.False), c.Call(Operators.NotStrictlyFalse, c.Call(Operators.Not, c.Accumulator())), c.Call(Operators.Or, c.Accumulator(), predicate), c.Accumulator());

    private static Expr ExistsOne(MacroContext c, Expr target, string variable, string? variable2, Expr predicate)
    {
        var step = c.Call(Operators.Conditional, predicate, c.Call(Operators.Add, c.Accumulator(), c.Literal(CelValue.Int(1))), c.Accumulator());
        return c.Fold(target, variable, variable2, c.Literal(CelValue.Int(0)), c.Literal(CelValue.True), step, c.Call(Operators.Equal, c.Accumulator(), c.Literal(CelValue.Int(1))));
    }

    private static Expr? Map(MacroContext c, Expr target, Expr[] args)
    {
        if (!TryVariables(c, args, 1, "argument is not an identifier", out var names))
            return null;
        var step = c.Call(Operators.Add, c.Accumulator(), c.List(args[^1]));
        if (args.Length == 3)
            step = c.Call(Operators.Conditional, args[1], step, c.Accumulator());
        return c.Fold(target, names[0], null, c.List(), c.Literal(CelValue.True), step, c.Accumulator());
    }

    private static Expr? Filter(MacroContext c, Expr target, Expr[] args)
    {
        if (!TryVariables(c, args, 1, "argument is not an identifier", out var names))
            return null;
        var step = c.Call(Operators.Conditional, args[1], c.Call(Operators.Add, c.Accumulator(), c.List(args[0])), c.Accumulator());
        return c.Fold(target, names[0], null, c.List(), c.Literal(CelValue.True), step, c.Accumulator());
    }

    private static Expr? Transform(MacroContext c, Expr target, Expr[] args, Expr initial, Func<string, Expr, Expr> makeStep)
    {
        if (!TryVariables(c, args, 2, "argument must be a simple name", out var names))
            return null;
        var step = makeStep(names[0], args[^1]);
        if (args.Length == 4)
            step = c.Call(Operators.Conditional, args[2], step, c.Accumulator());
        return c.Fold(target, names[0], names[1], initial, c.Literal(CelValue.True), step, c.Accumulator());
    }

    private static Expr? OptMap(MacroContext c, Expr target, Expr[] args, string macro, bool wrap)
    {
        if (args[0] is not IdentExpr variable)
            return c.Fail(args[0], $"{macro}() variable name must be a simple identifier");
        if (c.TryCopy(target) is not { } copy)
            return null;
        var mapped = c.Bind(variable.Name, c.MemberCall("value", copy), args[1]);
        return c.Call(Operators.Conditional, c.MemberCall("hasValue", target), wrap ? c.Call("optional.of", mapped) : mapped, c.Call("optional.none"));
    }

    private static Expr? SortBy(MacroContext c, Expr target, Expr[] args)
    {
        if (target is not (ListExpr or SelectExpr or IdentExpr or ComprehensionExpr or CallExpr))
            return c.Fail(target, "sortBy can only be applied to a list, identifier, comprehension, call or select expression");
        const string input = "@__sortBy_input__";
        if (Map(c, c.Ident(input), args) is not { } keys)
            return null;
        return c.Bind(input, target, c.MemberCall("@sortByAssociatedKeys", c.Ident(input), keys));
    }

    private static Expr? Bind(MacroContext c, Expr? target, Expr[] args)
    {
        if (target is not IdentExpr { Name: "cel" })
            return null;
        return args[0] is IdentExpr variable ? c.Bind(variable.Name, args[1], args[2]) : c.Fail(args[0], "cel.bind() variable names must be simple identifiers");
    }

    private static bool TryVariables(MacroContext c, Expr[] args, int count, string notAName, out string[] names)
    {
        names = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (args[i] is not IdentExpr { Name: var name } || name.StartsWith('.'))
                return c.Fail(args[i], notAName) is not null;
            names[i] = name;
        }
        if (count == 2 && names[0] == names[1])
            return c.Fail(args[1], $"duplicate variable name: {names[0]}") is not null;
        for (var i = 0; i < count; i++)
        {
            if (names[i] is Accumulator or OldAccumulator)
                return c.Fail(args[i], "iteration variable overwrites accumulator variable") is not null;
        }
        return true;
    }
}
