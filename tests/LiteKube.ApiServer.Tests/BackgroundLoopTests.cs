using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests;

public sealed class BackgroundLoopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_loop_that_breaks_begins_anew_after_a_pause_and_ends_with_the_server()
    {
        var time = new FakeTimeProvider();
        using var stopping = new CancellationTokenSource();
        var (broke, began) = (new TaskCompletionSource(), new TaskCompletionSource());
        var runs = 0;
        var loop = BackgroundLoop.RunAsync(async token =>
        {
            if (++runs == 1)
            {
                broke.SetResult();
                throw new InvalidOperationException("broken");
            }
            began.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, time, token);
        }, NullLogger.Instance, time, stopping.Token);
        await broke.Task.WaitAsync(Patience);
        Assert.False(began.Task.IsCompleted, "it began anew without a pause");
        time.Advance(BackgroundLoop.Pause);
        await began.Task.WaitAsync(Patience);
        await stopping.CancelAsync();
        await loop.WaitAsync(Patience);
        Assert.Equal(2, runs);
    }
}
