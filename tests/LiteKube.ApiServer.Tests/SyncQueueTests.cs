using System.Threading.Channels;
using LiteKube.Storage;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests;

public sealed class SyncQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly Channel<string> _looks = Channel.CreateUnbounded<string>();
    private readonly Channel<TimeSpan> _pauses = Channel.CreateUnbounded<TimeSpan>();
    private Exception? _failure = new StoreUnavailableException("the disk is full", null);

    [Fact]
    public async Task What_fails_is_looked_at_again_after_pauses_that_grow_and_holds_up_no_other()
    {
        using var stopping = new CancellationTokenSource();
        var queue = new SyncQueue(_time);
        queue.Add("bad");
        var running = RunAsync(queue, stopping.Token);
        var pauses = new List<double>();
        while (pauses.Count < 9)
        {
            Assert.Equal("bad", await NextAsync(_looks));
            pauses.Add((await NextAsync(_pauses)).TotalSeconds);
            queue.Add("good");
            Assert.Equal("good", await NextAsync(_looks));
            if (pauses.Count == 9) _failure = null;
            _time.Advance(TimeSpan.FromSeconds(pauses[^1]));
        }
        Assert.Equal([0.25, 0.5, 1, 2, 4, 8, 16, 30, 30], pauses);
        // Once it has succeeded, the pauses begin from the first.
        Assert.Equal("bad", await NextAsync(_looks));
        _failure = new ApiException(409, "Conflict", "changed");
        queue.Add("good");
        Assert.Equal("good", await NextAsync(_looks));
        queue.Add("bad");
        Assert.Equal(SyncQueue.FirstPause, await NextAsync(_pauses));
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_name_waits_once_and_a_change_during_the_look_brings_another_one()
    {
        using var stopping = new CancellationTokenSource();
        var queue = new SyncQueue(_time);
        var (began, goOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var looks = 0;
        for (var i = 0; i < 3; i++) queue.Add("a");
        var running = queue.RunAsync(async (name, _) =>
        {
            if (name == "end")
            {
                _looks.Writer.TryWrite(name);
                return;
            }
            looks++;
            began.TrySetResult();
            await goOn.Task;
        }, (_, _, _) => { }, stopping.Token);
        await began.Task.WaitAsync(Patience);
        for (var i = 0; i < 3; i++) queue.Add("a");
        queue.Add("end");
        goOn.SetResult();
        Assert.Equal("end", await NextAsync(_looks));
        Assert.Equal(2, looks);
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
    }

    [Fact]
    public async Task What_is_no_failure_of_the_store_ends_it()
    {
        _failure = new InvalidOperationException("broken");
        var queue = new SyncQueue(_time);
        queue.Add("bad");
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(queue, CancellationToken.None).WaitAsync(Patience));
    }

    private Task RunAsync(SyncQueue queue, CancellationToken stopping) => queue.RunAsync((name, _) =>
    {
        // Before it is told, since the test goes on then.
        var failure = _failure;
        _looks.Writer.TryWrite(name);
        return name == "bad" && failure is not null ? Task.FromException(failure) : Task.CompletedTask;
    }, (_, pause, _) => _pauses.Writer.TryWrite(pause), stopping);

    private static Task<T> NextAsync<T>(Channel<T> channel) => channel.Reader.ReadAsync().AsTask().WaitAsync(Patience);
}
