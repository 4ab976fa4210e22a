namespace LiteKube.ApiServer.FlowControl;

/// <summary>Waiting, the choice of who is next, and seats that are kept a little after their request. All under the lock.</summary>
internal sealed partial class PriorityLevel
{
    private readonly PriorityQueue<Lingering, long> _lingering = new();
    private ITimer? _lingerTimer;
    private long _lingerTimerDue = long.MaxValue;

    private readonly record struct Lingering(FlowSeries Series, FlowQueue? Queue, int Seats);

    private FlowWaiter Enqueue(FlowTarget target, Flow flow, FlowQueue queue, in WorkEstimate work, in UserInfoAndRequest origin, long now)
    {
        if (!queue.IsActive)
        {
            queue.NextDispatch = _progress;
            _activeQueues++;
        }
        var waiter = new FlowWaiter(target, flow, queue, work, _progress, now, origin);
        waiter.Node = queue.Waiting.AddLast(waiter);
        queue.WorkWaiting += WorkOf(work);
        queue.SeatsWaiting += work.Seats;
        _seatsInQueues += work.Seats;
        _waiting++;
        _seatsWaiting += work.Seats;
        target.Series.Waiting++;
        target.Series.SeatsWaiting += work.Seats;
        _demand.Set(_seatsInUse + _seatsWaiting, now);
        BoundNextDispatch(queue);
        return waiter;
    }

    private void Dequeue(FlowWaiter waiter, long now)
    {
        var (queue, work, series) = (waiter.Queue, waiter.Work, waiter.Target.Series);
        queue.Waiting.Remove(waiter.Node!);
        waiter.Node = null;
        queue.WorkWaiting = queue.Waiting.Count == 0 ? 0 : queue.WorkWaiting - WorkOf(work);
        queue.SeatsWaiting -= work.Seats;
        _seatsInQueues -= work.Seats;
        if (!queue.IsActive) _activeQueues--;
        _waiting--;
        _seatsWaiting -= work.Seats;
        series.Waiting--;
        series.SeatsWaiting -= work.Seats;
        _demand.Set(_seatsInUse + _seatsWaiting, now);
    }

    /// <summary>Lets begin whom there are seats for, in fair order.</summary>
    private void Dispatch()
    {
        while (_waiting > 0 && _seatsInUse < Limit && Next() is { } queue)
        {
            var waiter = queue.Waiting.First!.Value;
            // The queue whose turn it is waits until its request fits: else wide requests would starve.
            if (!HasRoomFor(waiter.Work.Seats)) return;
            _robin = queue.Index;
            Dequeue(waiter, _synced);
            var seat = Begin(waiter.Target, queue, Fitted(waiter.Work), _synced);
            waiter.Target.Series.WaitOfExecuted.Observe(Seconds(_synced - waiter.Arrived));
            BoundNextDispatch(queue);
            waiter.Grant(seat);
        }
    }

    /// <summary>The queue whose oldest request would end first in virtual time; among equals the one after the last served.</summary>
    private FlowQueue? Next()
    {
        FlowQueue? best = null;
        var earliest = double.MaxValue;
        var queues = Queues;
        for (var i = 1; i <= queues.Length; i++)
        {
            var queue = queues[(_robin + i) % queues.Length];
            if (queue.Waiting.First is not { } oldest) continue;
            var finish = queue.NextDispatch + WorkOf(oldest.Value.Work);
            if (finish >= earliest) continue;
            (earliest, best) = (finish, queue);
        }
        return best;
    }

    /// <summary>Final work that is wider than the level becomes narrower and longer.</summary>
    private WorkEstimate Fitted(in WorkEstimate work) =>
        work.FinalSeats <= Limit || Limit == 0 ? work : work with { FinalSeats = Limit, Linger = work.Linger * ((double)work.FinalSeats / Limit) };

    /// <summary>A queue that used less than its share must not save it up: no request begins in virtual time before it came.</summary>
    private static void BoundNextDispatch(FlowQueue queue)
    {
        if (queue.Waiting.First is { } oldest && queue.NextDispatch < oldest.Value.Arrival) queue.NextDispatch = oldest.Value.Arrival;
    }

    private void Linger(in Seat seat, long now)
    {
        var due = now + (long)(seat.Work.Linger.TotalSeconds * time.TimestampFrequency);
        _lingering.Enqueue(new Lingering(seat.Target!.Series, seat.Queue, seat.Work.Seats), due);
        if (due >= _lingerTimerDue) return;
        _lingerTimerDue = due;
        _lingerTimer ??= time.CreateTimer(static level => ((PriorityLevel)level!).OnLingerTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _lingerTimer.Change(seat.Work.Linger, Timeout.InfiniteTimeSpan);
    }

    private void EndLingering(long now)
    {
        while (_lingering.TryPeek(out var lingering, out var due) && due <= now)
        {
            _lingering.Dequeue();
            FreeSeats(lingering.Series, lingering.Queue, lingering.Seats, now);
        }
    }

    private void OnLingerTimer()
    {
        lock (_lock)
        {
            _lingerTimerDue = long.MaxValue;
            var now = Sync();
            Dispatch();
            if (!_lingering.TryPeek(out _, out var due)) return;
            _lingerTimerDue = due;
            _lingerTimer!.Change(TimeSpan.FromSeconds(Math.Max(0.001, Seconds(due - now))), Timeout.InfiniteTimeSpan);
        }
    }
}
