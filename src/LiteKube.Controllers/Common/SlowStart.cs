namespace LiteKube.Controllers.Common;

/// <summary>
/// Runs the same action many times in batches of 1, 2, 4, ...: what a quota or a bad template refuses once, it
/// refuses a thousand times, so the first failure ends it.
/// </summary>
internal static class SlowStart
{
    /// <param name="action">Called with 0, 1, 2, ... up to <paramref name="count"/>.</param>
    /// <param name="onSkippedOrFailed">Called for each run that failed or was not tried.</param>
    /// <returns>The first failure, or null.</returns>
    public static async Task<Exception?> RunAsync(int count, Func<int, Task> action, Action onSkippedOrFailed)
    {
        var remaining = count;
        for (var batch = 1; remaining > 0; batch *= 2)
        {
            var size = Math.Min(batch, remaining);
            var failures = (await Task.WhenAll(Enumerable.Range(count - remaining, size).Select(i => TryAsync(() => action(i))))).OfType<Exception>().ToList();
            remaining -= size;
            if (failures.Count == 0)
                continue;
            for (var i = 0; i < failures.Count + remaining; i++)
                onSkippedOrFailed();
            return failures[0];
        }
        return null;
    }

    /// <summary>Where each run is like the others.</summary>
    public static Task<Exception?> RunAsync(int count, Func<Task> action, Action onSkippedOrFailed) => RunAsync(count, _ => action(), onSkippedOrFailed);

    private static async Task<Exception?> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return null;
        }
        // Whatever it was, the caller reports it and tries the object again.
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e;
        }
    }
}
