using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer;

/// <summary>Keeps one of the server's background loops running until the server stops.</summary>
internal static class BackgroundLoop
{
    internal static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A loop that breaks is told of and begun anew: nobody else would notice that tokens are no longer looked after, or
    /// definitions no longer established.
    /// </summary>
    public static async Task RunAsync(Func<CancellationToken, Task> run, ILogger logger, TimeProvider time, CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                try
                {
                    await run(stopping);
                    return;
                }
                catch (Exception exception) when (!stopping.IsCancellationRequested)
                {
                    ApiServerLog.LoopBroke(logger, run.Target?.GetType().Name ?? "background", Pause, exception);
                }
                await Task.Delay(Pause, time, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The way in which these loops end.
        }
    }
}
