using System.Globalization;

namespace LiteKube.Cel;

/// <summary>Kubernetes' limits of cost, and its messages about them.</summary>
public static class CelCostLimits
{
    /// <summary>The most that one evaluation of one expression may cost.</summary>
    public const ulong PerCall = 1_000_000;

    /// <summary>The most that all rules of a custom resource may cost for one request.</summary>
    public const ulong PerRequest = 10_000_000;

    /// <summary>The most that a rule of a CRD may be estimated at.</summary>
    public const ulong EstimatedRule = 10_000_000;

    /// <summary>The most that all rules of a CRD together may be estimated at.</summary>
    public const ulong EstimatedDefinition = 100_000_000;

    /// <summary>The most that the match conditions of one webhook or policy may cost together for one request.</summary>
    public const ulong MatchConditions = PerRequest / 4;

    /// <summary>E.g. for <paramref name="what"/> "estimated rule cost" exceeds budget by factor of 2.3x.</summary>
    public static string ExceededMessage(string what, ulong cost, ulong limit)
    {
        var factor = cost / (double)limit;
        var text = factor > 100 ? "more than 100x" : factor.ToString(factor < 1.5 ? "F6" : "F1", CultureInfo.InvariantCulture) + "x";
        return $"{what} exceeds budget by factor of {text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    }
}
