namespace LiteKube.Cel.Cost;

/// <summary>Arithmetic of costs and sizes, which stops at the largest number instead of overflowing.</summary>
internal static class Saturating
{
    public static ulong Add(ulong a, ulong b) => a > ulong.MaxValue - b ? ulong.MaxValue : a + b;

    public static ulong Multiply(ulong a, ulong b) => b != 0 && a > ulong.MaxValue / b ? ulong.MaxValue : a * b;

    public static ulong DivideUp(ulong a, ulong b) => a / b + (a % b == 0 ? 0u : 1u);

    /// <summary>Rounded up.</summary>
    public static ulong Scale(ulong value, double factor)
    {
        var scaled = Math.Ceiling(value * factor);
        return scaled >= 18446744073709551616.0 ? ulong.MaxValue : (ulong)scaled;
    }
}

/// <summary>A call's own cost, without its arguments', and the size of its result where it is known.</summary>
internal sealed record CallEstimate(CelCostEstimate Cost, CelSizeEstimate? ResultSize = null)
{
    public static CallEstimate Fixed(ulong cost) => new(CelCostEstimate.Fixed(cost));
}

/// <summary>An argument or target as estimates see it.</summary>
internal sealed record CostNode(Expr? Expr, CelType Type, IReadOnlyList<string>? Path, CelSizeEstimate? Size);

internal delegate CallEstimate? EstimateRule(CostEstimator estimator, CostNode? target, IReadOnlyList<CostNode> args);

/// <summary>The cost of a call at run time.</summary>
internal delegate ulong TrackRule(ReadOnlySpan<CelValue> args, in CelValue result);
