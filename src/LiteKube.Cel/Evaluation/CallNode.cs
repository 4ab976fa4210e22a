using System.Runtime.CompilerServices;
using LiteKube.Cel.Cost;

namespace LiteKube.Cel.Evaluation;

/// <summary>A call of a function: the first overload that fits the arguments runs.</summary>
internal sealed class CallNode(string function, CelOverload[] overloads, Node[] args, TrackRule? cost) : Node
{
    private const int InlineArguments = 4;

    public override CelValue Eval(EvalFrame frame)
    {
        var inline = default(Arguments);
        var values = args.Length <= InlineArguments ? ((Span<CelValue>)inline)[..args.Length] : new CelValue[args.Length];
        for (var i = 0; i < args.Length; i++)
        {
            var value = args[i].Eval(frame);
            if (value.IsError)
                return value;
            values[i] = value;
        }
        foreach (var overload in overloads)
        {
            if (!overload.Accepts(values))
                continue;
            var result = overload.Body!(values);
            frame.Charge(cost is null ? 1 : cost(values, result));
            return result;
        }
        return NoSuchOverload(values);
    }

    private CelValue NoSuchOverload(ReadOnlySpan<CelValue> values)
    {
        var types = new string[values.Length];
        for (var i = 0; i < types.Length; i++)
            types[i] = values[i].Type.Name;
        return CelValue.Error($"no such overload: {function}({string.Join(", ", types)})");
    }

    [InlineArray(InlineArguments)]
    private struct Arguments
    {
        private CelValue _first;
    }
}
