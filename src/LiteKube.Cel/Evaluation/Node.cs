namespace LiteKube.Cel.Evaluation;

/// <summary>A step of a compiled expression. Nodes hold no state: a program runs on many threads at once.</summary>
internal abstract class Node
{
    public abstract CelValue Eval(EvalFrame frame);
}

internal sealed class ConstNode(CelValue value) : Node
{
    public CelValue Value { get; } = value;

    public override CelValue Eval(EvalFrame frame) => Value;
}

/// <summary>A declared variable. As a branch of ?: a name costs nothing, which is how cel-go counts.</summary>
internal sealed class VariableNode(string name, ulong cost) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        frame.Charge(cost);
        return frame.Activation.TryResolve(name, out var value) ? value : CelValue.Error($"no such attribute(s): {name}");
    }
}

internal sealed class LocalNode(int slot, ulong cost) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        frame.Charge(cost);
        return frame.Locals[slot];
    }
}

/// <summary>A bound name: its value is computed when first used, so that an unused one cannot fail.</summary>
internal sealed class LazyLocalNode(int slot, Node initial, ulong cost) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        frame.Charge(cost);
        ref var local = ref frame.Locals[slot];
        if (local.Kind == CelKind.None)
        {
            var value = initial.Eval(frame);
            frame.Locals[slot] = value;
            return value;
        }
        return local;
    }
}

internal sealed class BindNode(int slot, Node body) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        frame.Locals[slot] = default;
        return body.Eval(frame);
    }
}

internal sealed class AndNode(Node left, Node right) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var a = left.Eval(frame);
        if (a.Kind == CelKind.Bool && !a.AsBool)
            return a;
        var b = right.Eval(frame);
        if (b.Kind == CelKind.Bool && !b.AsBool)
            return b;
        return Logic.Undecided(a, b, CelValue.True);
    }
}

internal sealed class OrNode(Node left, Node right) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var a = left.Eval(frame);
        if (a.IsTrue)
            return a;
        var b = right.Eval(frame);
        return b.IsTrue ? b : Logic.Undecided(a, b, CelValue.False);
    }
}

internal static class Logic
{
    /// <summary>Neither side decided alone: an error of either is the result, the left one first.</summary>
    public static CelValue Undecided(in CelValue a, in CelValue b, in CelValue otherwise)
    {
        if (a.IsError)
            return a;
        if (b.IsError)
            return b;
        return a.Kind == CelKind.Bool && b.Kind == CelKind.Bool ? otherwise : CelError.NoSuchOverload;
    }
}

internal sealed class ConditionalNode(Node condition, Node whenTrue, Node whenFalse) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var value = condition.Eval(frame);
        if (value.Kind != CelKind.Bool)
            return value.IsError ? value : CelError.NoSuchOverload;
        return value.AsBool ? whenTrue.Eval(frame) : whenFalse.Eval(frame);
    }
}

internal sealed class NotStrictlyFalseNode(Node operand) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var value = operand.Eval(frame);
        frame.Charge(1);
        return value.Kind == CelKind.Bool ? value : CelValue.True;
    }
}

internal delegate CelValue BinaryOperation(in CelValue a, in CelValue b);

/// <summary>How much a binary operator costs beyond a constant: the sizes that it may walk over.</summary>
internal enum BinaryCost : byte
{
    One,
    SmallerSize,
    SumOfSizes,
    RightCount,
}

internal sealed class BinaryNode(BinaryOperation operation, BinaryCost cost, Node left, Node right) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var a = left.Eval(frame);
        var b = right.Eval(frame);
        if (a.IsError)
            return a;
        if (b.IsError)
            return b;
        frame.Charge(Cost.RuntimeCost.Of(cost, a, b));
        return operation(a, b);
    }
}

internal sealed class NegateNode(Node operand, bool logical) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var value = operand.Eval(frame);
        if (value.IsError)
            return value;
        frame.Charge(1);
        if (!logical)
            return Arithmetic.Negate(value);
        return value.Kind == CelKind.Bool ? CelValue.Bool(!value.AsBool) : CelError.NoSuchOverload;
    }
}

/// <summary>Membership in a list of constants: found by hash, and free of cost as in cel-go.</summary>
internal sealed class InConstantsNode(Node operand, HashSet<CelValue> values) : Node
{
    public override CelValue Eval(EvalFrame frame)
    {
        var value = operand.Eval(frame);
        return value.IsError ? value : CelValue.Bool(CelValueMap.IsKey(value) && values.Contains(value));
    }
}
