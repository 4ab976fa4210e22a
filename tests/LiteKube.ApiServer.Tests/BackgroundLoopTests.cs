using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests;

public sealed class BackgroundLoopTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_loop_that_breaks_begins_anew_after_pauses_that_grow_until_it_was_well_and_ends_with_the_server()
    {
        var time = new RecordingTime();
        using var stopping = new CancellationTokenSource();
        var stays = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runs = 0;
        var loop = BackgroundLoop.RunAsync(async token =>
        {
            runs++;
            if (runs == 8) time.Advance(BackgroundLoop.WellAfter);
            if (runs < 10) throw new InvalidOperationException("broken");
            stays.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
        }, NullLogger.Instance, time, stopping.Token);

        var pauses = new List<double>();
        while (pauses.Count < 9)
        {
            var pause = await time.Timers.Reader.ReadAsync().AsTask().WaitAsync(Patience);
            Assert.Equal(pauses.Count + 1, runs);
            pauses.Add(pause.TotalSeconds);
            time.Advance(pause);
        }
        await stays.Task.WaitAsync(Patience);
        Assert.Equal([1, 2, 4, 8, 16, 30, 30, 1, 2], pauses);
        await stopping.CancelAsync();
        await loop.WaitAsync(Patience);
        Assert.Equal(10, runs);
    }

    /// <summary>Tells of each timer once it runs.</summary>
    private sealed class RecordingTime : FakeTimeProvider
    {
        public Channel<TimeSpan> Timers { get; } = Channel.CreateUnbounded<TimeSpan>();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Timers.Writer.TryWrite(dueTime);
            return timer;
        }
    }
}
