using LiteKube.Cel.Cost;

namespace LiteKube.Cel;

/// <summary>How large a value can be: characters, bytes, elements or entries.</summary>
public readonly record struct CelSizeEstimate(ulong Min, ulong Max)
{
    internal static readonly CelSizeEstimate Unknown = new(0, ulong.MaxValue);

    internal static CelSizeEstimate Fixed(ulong size) => new(size, size);

    internal CelSizeEstimate Add(CelSizeEstimate other) => new(Saturating.Add(Min, other.Min), Saturating.Add(Max, other.Max));

    internal CelSizeEstimate Multiply(CelSizeEstimate other) => new(Saturating.Multiply(Min, other.Min), Saturating.Multiply(Max, other.Max));

    internal CelSizeEstimate Union(CelSizeEstimate other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));

    internal CelCostEstimate Times(double costPerUnit) => new(Saturating.Scale(Min, costPerUnit), Saturating.Scale(Max, costPerUnit));

    internal CelCostEstimate Times(CelCostEstimate cost) => new(Saturating.Multiply(Min, cost.Min), Saturating.Multiply(Max, cost.Max));
}

/// <summary>The least and the most that an expression can cost.</summary>
public readonly record struct CelCostEstimate(ulong Min, ulong Max)
{
    internal static CelCostEstimate Fixed(ulong cost) => new(cost, cost);

    internal CelCostEstimate Add(CelCostEstimate other) => new(Saturating.Add(Min, other.Min), Saturating.Add(Max, other.Max));

    internal CelCostEstimate Multiply(CelCostEstimate other) => new(Saturating.Multiply(Min, other.Min), Saturating.Multiply(Max, other.Max));

    internal CelCostEstimate Times(double factor) => new(Saturating.Scale(Min, factor), Saturating.Scale(Max, factor));

    internal CelCostEstimate Union(CelCostEstimate other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));
}

/// <summary>
/// Bounds the sizes of data by what a schema says. A path begins with the name of a variable; its steps are field names,
/// <c>@items</c>, <c>@keys</c>, <c>@values</c> and <c>@indices</c>.
/// </summary>
public interface ICelSizeEstimator
{
    CelSizeEstimate? EstimateSize(IReadOnlyList<string> path, CelType type);
}
