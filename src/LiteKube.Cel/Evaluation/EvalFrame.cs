namespace LiteKube.Cel.Evaluation;

/// <summary>What one evaluation has: the values of names, its cost so far, and when to give up.</summary>
internal sealed class EvalFrame(CelActivation activation, int localCount, ulong costLimit, CancellationToken cancellationToken)
{
    private const int CancellationInterval = 100;
    private int _iterations;

    public CelActivation Activation { get; } = activation;

    public CelValue[] Locals { get; } = localCount == 0 ? [] : new CelValue[localCount];

    public ulong Cost { get; private set; }

    public void Charge(ulong cost)
    {
        Cost = Cost > ulong.MaxValue - cost ? ulong.MaxValue : Cost + cost;
        if (Cost > costLimit)
            throw WorkLimit.CostExceeded();
    }

    /// <summary>Called once an iteration; looks at the token now and then.</summary>
    public void Iterate()
    {
        if (++_iterations % CancellationInterval == 0 && cancellationToken.IsCancellationRequested)
            throw new EvaluationAborted(new("operation interrupted", CelErrorReason.Cancelled));
    }
}

/// <summary>Leaves an evaluation at once, past operators that absorb errors; never leaves <see cref="CelProgram.Evaluate"/>.</summary>
internal sealed class EvaluationAborted(CelError error) : Exception(error.Message)
{
    public CelError Error { get; } = error;
}
