using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>When to do something again: after it went well, and after it failed, twice as long each time.</summary>
internal sealed record RecheckPace(TimeSpan AfterSuccess, TimeSpan FirstRetry, TimeSpan LastRetry);

/// <summary>Does one thing again and again: when it is woken, and at a pace. Never twice at a time.</summary>
/// <param name="check">False: it failed and says so itself.</param>
internal sealed class RecheckLoop(string name, RecheckPace pace, Func<CancellationToken, Task<bool>> check, TimeProvider time, ILogger logger)
{
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Something changed: checks at once, or once more when it is at it.</summary>
    public void Wake() => _wakes.Writer.TryWrite(true);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        var retry = pace.FirstRetry;
        while (!cancellationToken.IsCancellationRequested)
        {
            var isGood = await CheckAsync(retry, cancellationToken);
            var wait = isGood ? pace.AfterSuccess : retry;
            retry = isGood ? pace.FirstRetry : Shorter(retry * 2, pace.LastRetry);
            // What was woken while it ran is seen here.
            if (await WaitAsync(wait, cancellationToken)) retry = pace.FirstRetry;
        }
    }

    private async Task<bool> CheckAsync(TimeSpan retry, CancellationToken cancellationToken)
    {
        try
        {
            return await check(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception exception)
        {
            // A loop outlives what one of its turns meets: the next one tells whether it is over.
            AggregationLog.CheckFailed(logger, name, retry, exception);
            return false;
        }
    }

    /// <returns>True: it was woken.</returns>
    private async Task<bool> WaitAsync(TimeSpan length, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(length, time, cancellationToken);
        try
        {
            return await _wakes.Reader.ReadAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
