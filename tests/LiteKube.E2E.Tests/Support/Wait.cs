using System.Diagnostics;

namespace LiteKube.E2E.Tests.Support;

/// <summary>For what kubectl cannot wait for: files, processes, answers over the network.</summary>
internal static class Wait
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Reads until <paramref name="isThere"/> likes what it reads; the failure shows what was read last.</summary>
    public static async Task<T> ForAsync<T>(string what, Func<Task<T>> read, Func<T, bool> isThere, TimeSpan? limit = null)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            var value = await read();
            if (isThere(value))
                return value;
            if (since.Elapsed > (limit ?? Limit))
                throw new Xunit.Sdk.XunitException($"{what} did not come within {limit ?? Limit}; last seen: {value}");
            await Task.Delay(Interval);
        }
    }
}
