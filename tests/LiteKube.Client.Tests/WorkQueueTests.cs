using LiteKube.Client.Queues;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Client.Tests;

public sealed class WorkQueueTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly WorkQueue<string> _queue;

    public WorkQueueTests() => _queue = new WorkQueue<string>("test", _time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public void What_waits_and_what_is_worked_on_is_shown_by_Kubernetes_names()
    {
        using var queue = new WorkQueue<string>("shown", _time);
        queue.Add("a");
        queue.Add("b");
        queue.AddAfter("c", TimeSpan.FromMinutes(1));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(queue.TryTake(out var key));
        _time.Advance(TimeSpan.FromSeconds(3));
        var working = Shown();
        foreach (var line in (string[])["workqueue_adds_total{name=\"shown\"} 2", "workqueue_retries_total{name=\"shown\"} 1", "workqueue_depth{name=\"shown\"} 1",
            "workqueue_queue_duration_seconds_sum{name=\"shown\"} 2", "workqueue_unfinished_work_seconds{name=\"shown\"} 3", "workqueue_longest_running_processor_seconds{name=\"shown\"} 3"])
            Assert.Contains(line + "\n", working, StringComparison.Ordinal);
        queue.Done(key);
        Assert.Contains("workqueue_work_duration_seconds_sum{name=\"shown\"} 3\n", Shown(), StringComparison.Ordinal);
        queue.ShutDown();
        Assert.DoesNotContain("workqueue_depth{name=\"shown\"}", Shown(), StringComparison.Ordinal);
    }

    private static string Shown()
    {
        var text = new System.Text.StringBuilder();
        WorkQueueMetrics.Write(text);
        return text.ToString();
    }

    [Fact]
    public void A_key_added_twice_comes_once()
    {
        _queue.Add("a");
        _queue.Add("b");
        _queue.Add("a");
        Assert.Equal(["a", "b"], TakeAll());
    }

    [Fact]
    public void A_key_added_while_it_is_worked_on_comes_again_only_after_it_is_done()
    {
        _queue.Add("a");
        Assert.True(_queue.TryTake(out _));
        _queue.Add("a");
        _queue.Add("a");
        Assert.False(_queue.TryTake(out _));
        _queue.Done("a");
        Assert.Equal(["a"], TakeAll());
        _queue.Done("a");
        Assert.Empty(TakeAll());
    }

    [Fact]
    public void A_delayed_key_comes_when_its_time_has_come_and_the_earlier_of_two_times_holds()
    {
        _queue.AddAfter("a", TimeSpan.FromSeconds(10));
        _queue.AddAfter("a", TimeSpan.FromSeconds(3));
        _queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(2.999));
        Assert.Empty(TakeAll());
        _time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal(["a"], TakeAll());
        _queue.Done("a");
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Empty(TakeAll());
    }

    [Fact]
    public void Failures_of_a_key_double_its_wait_until_it_is_forgotten()
    {
        foreach (var ms in (int[])[5, 10, 20, 40, 80])
        {
            _queue.AddRateLimited("a");
            _time.Advance(TimeSpan.FromMilliseconds(ms - 1));
            Assert.Empty(TakeAll());
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(["a"], TakeAll());
            _queue.Done("a");
        }
        Assert.Equal(5, _queue.Requeues("a"));
        _queue.Forget("a");
        Assert.Equal(0, _queue.Requeues("a"));
        _queue.AddRateLimited("a");
        _time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(["a"], TakeAll());
    }

    [Fact]
    public void All_keys_together_are_held_to_ten_a_second_after_a_burst_of_a_hundred()
    {
        var limiter = RateLimiters.Default<int>(_time);
        Assert.All(Enumerable.Range(0, 100), key => Assert.Equal(TimeSpan.FromMilliseconds(5), limiter.When(key)));
        Assert.Equal(100, limiter.When(100).TotalMilliseconds, 3);
        Assert.Equal(200, limiter.When(101).TotalMilliseconds, 3);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromMilliseconds(5), limiter.When(102));
    }

    [Fact]
    public void A_keys_wait_never_exceeds_a_thousand_seconds()
    {
        var limiter = RateLimiters.Exponential<string>(TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(1000));
        var last = TimeSpan.Zero;
        for (var i = 0; i < 100; i++)
            last = limiter.When("a");
        Assert.Equal(TimeSpan.FromSeconds(1000), last);
    }

    [Fact]
    public async Task Shutting_down_lets_every_waiting_worker_return()
    {
        var workers = Enumerable.Range(0, 3).Select(_ => _queue.TakeAsync(default).AsTask()).ToList();
        _queue.ShutDown();
        foreach (var worker in workers)
            Assert.False((await worker.WaitAsync(TimeSpan.FromSeconds(10))).IsOpen);
        _queue.Add("late");
        Assert.False((await _queue.TakeAsync(default)).IsOpen);
    }

    [Fact]
    public async Task Under_many_threads_no_key_is_worked_on_twice_at_once_and_none_is_lost()
    {
        const int Keys = 20;
        const int AddsPerKey = 500;
        var counters = new int[Keys];
        var handled = new int[Keys];
        var working = new int[Keys];
        var overlaps = 0;
        using var queue = new WorkQueue<int>("stress", TimeProvider.System);
        var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                var (isOpen, key) = await queue.TakeAsync(default);
                if (!isOpen)
                    return;
                if (Interlocked.Increment(ref working[key]) > 1)
                    Interlocked.Increment(ref overlaps);
                handled[key] = Volatile.Read(ref counters[key]);
                Interlocked.Decrement(ref working[key]);
                queue.Done(key);
            }
        })).ToList();
        await Task.WhenAll(Enumerable.Range(0, Keys).Select(key => Task.Run(() =>
        {
            for (var i = 0; i < AddsPerKey; i++)
            {
                Interlocked.Increment(ref counters[key]);
                queue.Add(key);
            }
        })));
        var limit = DateTimeOffset.UtcNow.AddSeconds(20);
        while (!handled.All(count => count == AddsPerKey) && DateTimeOffset.UtcNow < limit)
            await Task.Yield();
        queue.ShutDown();
        await Task.WhenAll(workers);
        Assert.Equal(0, overlaps);
        Assert.All(handled, count => Assert.Equal(AddsPerKey, count));
    }

    private List<string> TakeAll()
    {
        var keys = new List<string>();
        while (_queue.TryTake(out var key))
            keys.Add(key);
        return keys;
    }
}
