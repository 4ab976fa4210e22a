using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer;

/// <summary>Keeps one of the server's background loops running until the server stops.</summary>
internal static class BackgroundLoop
{
    internal static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    internal static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>A loop that ran for so long was well: when it breaks then, it begins anew after the first pause.</summary>
    internal static readonly TimeSpan WellAfter = TimeSpan.FromMinutes(2);

    /// <summary>
    /// A loop that breaks is told of and begun anew: nobody else would notice that tokens are no longer looked after, or
    /// definitions no longer established. What breaks it again and again makes the pauses longer, to twice the last.
    /// </summary>
    public static async Task RunAsync(Func<CancellationToken, Task> run, ILogger logger, TimeProvider time, CancellationToken stopping)
    {
        try
        {
            for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
            {
                var started = time.GetTimestamp();
                try
                {
                    await run(stopping);
                    return;
                }
                catch (Exception exception) when (!stopping.IsCancellationRequested)
                {
                    if (time.GetElapsedTime(started) >= WellAfter) pause = FirstPause;
                    ApiServerLog.LoopBroke(logger, run.Target?.GetType().Name ?? "background", pause, exception);
                }
                await Task.Delay(pause, time, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The way in which these loops end.
        }
    }
}
