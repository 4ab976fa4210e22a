namespace LiteKube.Cel;

/// <summary>A node of an expression. The checker writes the types onto the nodes.</summary>
internal abstract class Expr(int offset)
{
    /// <summary>Where messages about this node point.</summary>
    public int Offset { get; } = offset;

    public CelType? Type { get; set; }

    /// <summary>A copy with nodes of its own, for macros that use an argument twice.</summary>
    public abstract Expr Copy();
}

internal sealed class LiteralExpr(int offset, CelValue value) : Expr(offset)
{
    public CelValue Value { get; } = value;

    public override Expr Copy() => new LiteralExpr(Offset, Value);
}

internal sealed class IdentExpr(int offset, string name) : Expr(offset)
{
    /// <summary>The name as written; a leading dot asks for the root scope.</summary>
    public string Name { get; } = name;

    public VariableDeclaration? Variable { get; set; }

    public override Expr Copy() => new IdentExpr(Offset, Name);
}

internal sealed class SelectExpr(int offset, Expr operand, string field, bool testOnly) : Expr(offset)
{
    public Expr Operand { get; } = operand;

    public string Field { get; } = field;

    public bool TestOnly { get; } = testOnly;

    /// <summary>Set when the chain of names is a declared name, e.g. <c>google.protobuf.Duration</c>.</summary>
    public VariableDeclaration? Variable { get; set; }

    public override Expr Copy() => new SelectExpr(Offset, Operand.Copy(), Field, TestOnly);
}

internal sealed class CallExpr(int offset, string function, Expr? target, Expr[] args) : Expr(offset)
{
    public string Function { get; set; } = function;

    public Expr? Target { get; set; } = target;

    public Expr[] Args { get; } = args;

    /// <summary>The overloads that may apply, found by the checker.</summary>
    public IReadOnlyList<CelOverload> Overloads { get; set; } = [];

    public override Expr Copy() => new CallExpr(Offset, Function, Target?.Copy(), [.. Args.Select(a => a.Copy())]);
}

internal sealed class ListExpr(int offset, Expr[] elements, bool[] optional) : Expr(offset)
{
    public Expr[] Elements { get; } = elements;

    public bool[] Optional { get; } = optional;

    public override Expr Copy() => new ListExpr(Offset, [.. Elements.Select(e => e.Copy())], Optional);
}

internal sealed record MapEntry(int Offset, Expr Key, Expr Value, bool Optional);

internal sealed class MapExpr(int offset, MapEntry[] entries) : Expr(offset)
{
    public MapEntry[] Entries { get; } = entries;

    public override Expr Copy() => new MapExpr(Offset, [.. Entries.Select(e => e with { Key = e.Key.Copy(), Value = e.Value.Copy() })]);
}

internal sealed record FieldEntry(int Offset, string Name, Expr Value, bool Optional);

internal sealed class StructExpr(int offset, string typeName, FieldEntry[] fields) : Expr(offset)
{
    public string TypeName { get; set; } = typeName;

    public FieldEntry[] Fields { get; } = fields;

    public override Expr Copy() => new StructExpr(Offset, TypeName, [.. Fields.Select(f => f with { Value = f.Value.Copy() })]);
}

/// <summary>A loop: macros such as all() and map() become one, and cel.bind() one that never turns.</summary>
internal sealed class ComprehensionExpr(int offset) : Expr(offset)
{
    public required Expr Range { get; init; }

    public required string Variable { get; init; }

    public string? Variable2 { get; init; }

    public required string Accumulator { get; init; }

    public required Expr Initial { get; init; }

    public required Expr Condition { get; init; }

    public required Expr Step { get; init; }

    public required Expr Result { get; init; }

    /// <summary>A binding of a name: an empty range, and a condition that is never true.</summary>
    public bool IsBinding => Range is ListExpr { Elements.Length: 0 } && Condition is LiteralExpr { Value.Kind: CelKind.Bool } literal && !literal.Value.AsBool && Accumulator != Macros.Accumulator;

    public override Expr Copy() => new ComprehensionExpr(Offset)
    {
        Range = Range.Copy(),
        Variable = Variable,
        Variable2 = Variable2,
        Accumulator = Accumulator,
        Initial = Initial.Copy(),
        Condition = Condition.Copy(),
        Step = Step.Copy(),
        Result = Result.Copy(),
    };
}
