namespace LiteKube.Cel.Evaluation;

/// <summary>A comprehension over a list or a map.</summary>
internal sealed class FoldNode : Node
{
    public required Node Range { get; init; }

    public required int Slot { get; init; }

    /// <summary>The slot of the second variable, or -1.</summary>
    public required int Slot2 { get; init; }

    public required int AccumulatorSlot { get; init; }

    public required Node Initial { get; init; }

    public required Node Condition { get; init; }

    public required Node Step { get; init; }

    public required Node Result { get; init; }

    /// <summary>Whether the accumulator begins as an empty list or map of the macro's own, which can grow in place.</summary>
    public required bool Grows { get; init; }

    public override CelValue Eval(EvalFrame frame)
    {
        var range = Range.Eval(frame);
        if (range.IsError)
            return range;
        frame.Locals[AccumulatorSlot] = Begin(frame);
        switch (range.Kind)
        {
            case CelKind.List:
                FoldList(frame, range.AsList);
                break;
            case CelKind.Map:
                FoldMap(frame, range.AsMap);
                break;
            default:
                return CelValue.Error($"got '{range.Type.Name}', expected iterable type");
        }
        if (Grows)
            Finish(ref frame.Locals[AccumulatorSlot]);
        return Result.Eval(frame);
    }

    private CelValue Begin(EvalFrame frame)
    {
        var initial = Initial.Eval(frame);
        if (!Grows)
            return initial;
        return initial.Kind == CelKind.List ? CelValue.List(new ListBuilder()) : CelValue.Map(new CelValueMap());
    }

    private static void Finish(ref CelValue accumulator)
    {
        if (accumulator.Kind == CelKind.List && accumulator.AsList is ListBuilder builder)
            accumulator = builder.Build();
    }

    private void FoldList(EvalFrame frame, CelList list)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (Slot2 < 0)
            {
                frame.Locals[Slot] = list[i];
            }
            else
            {
                frame.Locals[Slot] = CelValue.Int(i);
                frame.Locals[Slot2] = list[i];
            }
            if (!Turn(frame))
                return;
        }
    }

    private void FoldMap(EvalFrame frame, CelMap map)
    {
        foreach (var key in map.Keys)
        {
            frame.Locals[Slot] = key;
            if (Slot2 >= 0)
                frame.Locals[Slot2] = map.TryGet(key, out var value) ? value : Access.Missing(CelValue.Map(map), key);
            if (!Turn(frame))
                return;
        }
    }

    private bool Turn(EvalFrame frame)
    {
        frame.Iterate();
        var condition = Condition.Eval(frame);
        if (condition.Kind == CelKind.Bool && !condition.AsBool)
            return false;
        frame.Locals[AccumulatorSlot] = Step.Eval(frame);
        return true;
    }
}
