namespace LiteKube.Cel;

/// <summary>Why an evaluation gave no value.</summary>
public enum CelErrorReason
{
    /// <summary>The expression itself failed, e.g. <c>no such key: x</c>.</summary>
    Evaluation,

    /// <summary>The cost limit of the call was exceeded.</summary>
    CostLimitExceeded,

    /// <summary>The caller's cancellation token ended the evaluation.</summary>
    Cancelled,
}

/// <summary>An error of evaluation. It is a value while an expression runs, since logical operators may absorb it.</summary>
public sealed record CelError(string Message, CelErrorReason Reason = CelErrorReason.Evaluation)
{
    internal static readonly CelValue NoSuchOverload = CelValue.Error("no such overload");
    internal static readonly CelValue IntOverflow = CelValue.Error("integer overflow");
    internal static readonly CelValue UintOverflow = CelValue.Error("unsigned integer overflow");
    internal static readonly CelValue DurationOverflow = CelValue.Error("duration overflow");
    internal static readonly CelValue TimestampOverflow = CelValue.Error("timestamp overflow");
    internal static readonly CelValue DivisionByZero = CelValue.Error("division by zero");
    internal static readonly CelValue ModulusByZero = CelValue.Error("modulus by zero");
    internal static readonly CelValue NotANumberOrder = CelValue.Error("NaN values cannot be ordered");

    internal static CelValue Conversion(in CelValue value, string target) => CelValue.Error($"type conversion error from '{value.Type.Name}' to '{target}'");

    public override string ToString() => Message;
}
