namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Cancels when the caller does or the time is over.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource? _alarm;
    private readonly CancellationTokenSource _either;

    public Deadline(TimeSpan? limit, TimeProvider time, CancellationToken cancellationToken)
    {
        _alarm = limit is { } length ? new CancellationTokenSource(length, time) : null;
        _either = _alarm is null ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken) : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _alarm.Token);
    }

    public CancellationToken Token => _either.Token;

    public void Dispose()
    {
        _either.Dispose();
        _alarm?.Dispose();
    }
}
