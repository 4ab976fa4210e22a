using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.FlowControl;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.FlowControl;

public sealed class PriorityLevelTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Who_finds_no_seat_waits_and_begins_when_one_is_left()
    {
        var level = new OneLevel(_time, seats: 2, queues: 4);
        var (first, second, third) = (level.Enter("a"), level.Enter("a"), level.Enter("a"));
        Assert.True(first.IsSeated && second.IsSeated && third.IsWaiting);
        Assert.Equal((2, 1), (level.Series.Executing, level.Series.Waiting));

        first.Leave();
        Assert.True(third.IsSeated);
        second.Leave();
        third.Leave();
        Assert.True(level.Series.IsIdle);
        Assert.Equal((3, 0), (level.Series.Dispatched, level.Series.SeatsExecuting));
    }

    [Fact]
    public void Without_queues_who_finds_no_seat_is_refused()
    {
        var level = new OneLevel(_time, seats: 1, queues: 0);
        var seated = level.Enter("a");
        Assert.True(level.Enter("b").IsRefused);
        Assert.Equal(1, level.Series.Rejected(FlowRejection.ConcurrencyLimit));
        seated.Leave();
        Assert.True(level.Enter("b").IsSeated);
    }

    [Fact]
    public void A_full_queue_refuses_and_the_queues_of_others_do_not()
    {
        var level = new OneLevel(_time, seats: 1, queues: 64, handSize: 1, queueLengthLimit: 3);
        level.Enter("elephant");
        Assert.All(Enumerable.Range(0, 3).Select(_ => level.Enter("elephant")), e => Assert.True(e.IsWaiting));
        Assert.True(level.Enter("elephant").IsRefused);
        Assert.Equal(1, level.Series.Rejected(FlowRejection.QueueFull));
        Assert.True(level.Enter(OtherQueueThan(level, "elephant")).IsWaiting);
    }

    [Fact]
    public void A_flow_of_one_request_is_served_next_however_many_another_has_waiting()
    {
        var level = new OneLevel(_time, seats: 1, queues: 64);
        var running = level.Enter("elephant");
        var herd = Enumerable.Range(0, 40).Select(_ => level.Enter("elephant")).ToList();
        _time.Advance(TimeSpan.FromMilliseconds(10));
        var mouse = level.Enter(OtherQueueThan(level, "elephant"));

        // The herd's next request may be ahead of it in virtual time, but no more than one.
        running.Leave();
        if (!mouse.IsSeated) herd.Single(e => e.IsSeated).Leave();
        Assert.True(mouse.IsSeated);
        Assert.True(herd.Count(e => e.IsWaiting) >= 39);
    }

    [Fact]
    public void Flows_with_as_much_to_do_take_turns()
    {
        var level = new OneLevel(_time, seats: 1, queues: 64);
        var other = OtherQueueThan(level, "a");
        var running = level.Enter("a");
        var waiting = Enumerable.Range(0, 20).SelectMany(_ => new[] { ("a", level.Enter("a")), (other, level.Enter(other)) }).ToList();
        var served = new List<string>();
        while (waiting.Count > 0)
        {
            _time.Advance(TimeSpan.FromMilliseconds(5));
            running.Leave();
            var next = waiting.Single(w => w.Item2.IsSeated);
            waiting.Remove(next);
            served.Add(next.Item1);
            running = next.Item2;
        }
        for (var i = 4; i < served.Count; i += 2) Assert.InRange(served.Take(i).Count(s => s == "a"), i / 2 - 1, i / 2 + 1);
    }

    [Fact]
    public void A_wide_request_waits_for_its_seats_and_narrow_ones_do_not_pass_it_for_ever()
    {
        var level = new OneLevel(_time, seats: 4, queues: 64);
        var narrow = OtherQueueThan(level, "wide");
        var running = Enumerable.Range(0, 4).Select(_ => level.Enter(narrow)).ToList();
        var wide = level.Enter("wide", seats: 3);
        _time.Advance(TimeSpan.FromMilliseconds(50));
        var later = Enumerable.Range(0, 20).Select(_ => level.Enter(narrow)).ToList();

        foreach (var entry in running) entry.Leave();
        Assert.True(wide.IsSeated);
        Assert.Equal(1, later.Count(e => e.IsSeated));
    }

    [Fact]
    public void A_request_wider_than_the_level_has_it_for_itself()
    {
        var level = new OneLevel(_time, seats: 2, queues: 4);
        var narrow = level.Enter("a");
        var wide = level.Enter("a", seats: 10);
        Assert.True(wide.IsWaiting);
        narrow.Leave();
        Assert.True(wide.IsSeated);
        Assert.True(level.Enter("b").IsWaiting);
    }

    [Fact]
    public void Who_gives_up_waiting_is_counted_and_forgotten()
    {
        var level = new OneLevel(_time, seats: 1, queues: 4);
        var running = level.Enter("a");
        var waiting = level.Enter("a");
        Assert.True(level.Level.TryAbandon(waiting.Waiter!));
        Assert.Equal((1, 0), (level.Series.Rejected(FlowRejection.TimeOut), level.Series.Waiting));
        running.Leave();
        Assert.False(waiting.IsSeated);

        var seated = level.Enter("a");
        var granted = level.Enter("a");
        seated.Leave();
        Assert.False(level.Level.TryAbandon(granted.Waiter!));
    }

    [Fact]
    public void Seats_of_a_write_that_many_watch_stay_taken_for_the_events()
    {
        var level = new OneLevel(_time, seats: 3, queues: 4);
        level.Enter("writer", seats: 1, finalSeats: 3, linger: TimeSpan.FromMilliseconds(20)).Leave();
        var next = level.Enter("writer");
        Assert.True(next.IsWaiting);
        _time.Advance(TimeSpan.FromMilliseconds(25));
        Assert.True(next.IsSeated);
        next.Leave();
        Assert.Equal(0, level.Series.SeatsExecuting);
    }

    [Fact]
    public void A_level_without_seats_holds_its_requests()
    {
        var level = new OneLevel(_time, seats: 0, queues: 4);
        var waiting = level.Enter("a");
        Assert.True(waiting.IsWaiting);
        level.Level.SetLimit(1);
        Assert.True(waiting.IsSeated);
    }

    [Fact]
    public void Fewer_queues_take_effect_as_the_surplus_falls_idle()
    {
        var level = new OneLevel(_time, seats: 1, queues: 64);
        var running = level.Enter("a");
        var waiting = Enumerable.Range(0, 30).Select(i => level.Enter($"user-{i}")).ToList();
        level.Level.Configure(new PriorityLevelSpec("test", "", false, 1, 0, null, 2, 1, 50), 1, 1, 1);
        for (var current = running; current is not null; current = waiting.Find(e => e.IsSeated))
        {
            waiting.Remove(current);
            current.Leave();
        }
        Assert.Empty(waiting);
        Assert.True(level.Enter("user-7").IsSeated);
    }

    [Fact]
    public void A_free_seat_is_taken_and_left_without_allocating()
    {
        var level = new OneLevel(TimeProvider.System, seats: 8, queues: 128, handSize: 6);
        var who = new UserInfo("a", []);
        var info = new RequestInfo { Verb = "list", Path = "/api/v1/pods", IsResourceRequest = true, Version = "v1", Resource = "pods" };
        void Pass()
        {
            Assert.True(level.Level.TryEnter(level.Target, level.Target.FlowOf(who, info), WorkEstimate.OneSeat, new(who, info), out var seat, out _));
            level.Level.Leave(seat);
        }
        for (var i = 0; i < 1000; i++) Pass();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Pass();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string OtherQueueThan(OneLevel level, string user)
    {
        var queue = Hand(user)[0];
        return Enumerable.Range(0, 1000).Select(i => $"other-{i}").First(other => Hand(other)[0] != queue);

        int[] Hand(string name) => level.Target.FlowOf(new(name, []), new RequestInfo { Verb = "list", Path = "/" }).Hand;
    }
}
