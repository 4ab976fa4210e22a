namespace LiteKube.Cel.Evaluation;

/// <summary>
/// Bounds the work inside a single operation. Costs are charged when an operation has ended, and small expressions can build
/// values whose comparison, concatenation or replacement would not end within anyone's patience or memory.
/// </summary>
internal static class WorkLimit
{
    private const long UnitsPerEvaluation = 20_000_000;
    private const int CharactersPerUnit = 4;

    [ThreadStatic]
    private static long _left;

    [ThreadStatic]
    private static bool _active;

    /// <summary>Begins an evaluation on this thread; evaluations nest when a variable is computed on demand.</summary>
    public static (bool Active, long Left) Begin()
    {
        var outer = (_active, _left);
        _active = true;
        _left = UnitsPerEvaluation;
        return outer;
    }

    public static void End((bool Active, long Left) outer) => (_active, _left) = outer;

    /// <summary>Counts elements that are about to be looked at or copied.</summary>
    public static void Spend(long units)
    {
        if (_active && (_left -= units) < 0)
            throw CostExceeded();
    }

    public static void SpendCharacters(long characters) => Spend(characters / CharactersPerUnit);

    public static EvaluationAborted CostExceeded() => new(new("operation cancelled: actual cost limit exceeded", CelErrorReason.CostLimitExceeded));
}
