using System.Runtime.InteropServices;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// One priority level at work: so many seats, and queues for what has none, served by fair queuing for server requests
/// (KEP-1040; upstream's queueset). A request that finds a seat free passes without allocating.
/// </summary>
internal sealed partial class PriorityLevel(string name, TimeProvider time)
{
    /// <summary>Upstream's guess at how long a request takes; corrected when it has ended.</summary>
    private const double EstimatedSeconds = 0.003;

    private readonly Lock _lock = new();
    private readonly List<FlowQueue> _queues = [];
    private readonly SeatDemand _demand = new(time);
    private PriorityLevelSpec _spec = new(name, "", name == PriorityLevelSpec.Exempt, 0, 0, null, 0, 0, 0);
    private int _executing;
    private int _waiting;
    private int _seatsInUse;
    private int _seatsWaiting;
    private int _robin;
    private int _enqueued;

    // Virtual time in seat-seconds for each busy queue. A double keeps microseconds for centuries of it.
    private double _progress;
    private long _synced = time.GetTimestamp();
    private int _activeQueues;
    private int _seatsInQueues;

    public string Name => name;
    /// <summary>Seats by its shares alone.</summary>
    public int Nominal { get; private set; }
    /// <summary>What it keeps when it lends.</summary>
    public int Lower { get; private set; }
    /// <summary>What it may have when it borrows.</summary>
    public int Upper { get; private set; }
    /// <summary>What it may have now.</summary>
    public int Limit { get; private set; }

    /// <summary>What one request may take of it; 0: no bound of its own.</summary>
    public int MaxSeatsOfRequest { get; private set; }

    public bool IsExempt => _spec.IsExempt;
    /// <summary>Of the last period.</summary>
    public SeatDemand Demand => _demand;
    public RetryPace Pace { get; } = new(time);

    public void Configure(PriorityLevelSpec spec, int nominal, int lower, int upper)
    {
        lock (_lock)
        {
            Sync();
            if (Nominal == 0) Limit = nominal - (nominal - lower) / 2;
            (_spec, Nominal, Lower, Upper) = (spec, nominal, lower, upper);
            // 15 % of the level, and never so much that a hand of queues could not be served at once.
            MaxSeatsOfRequest = spec.Queues == 0 ? 0 : (int)Math.Max(1, Math.Min(Math.Ceiling(nominal * 0.15), nominal / spec.HandSize));
            while (_queues.Count < spec.Queues) _queues.Add(new FlowQueue(_queues.Count));
            DropSpareQueues();
        }
    }

    /// <summary>Ends a period of the demand's account.</summary>
    /// <returns>Its highest demand and the smoothed one.</returns>
    public (int HighWatermark, double Smoothed) CloseDemandPeriod()
    {
        lock (_lock)
        {
            _demand.Close(time.GetTimestamp());
            return (_demand.HighWatermark, _demand.Smoothed);
        }
    }

    public void SetLimit(int limit)
    {
        lock (_lock)
        {
            Sync();
            Limit = limit;
            Dispatch();
        }
    }

    /// <summary>Takes a seat, or a place in a queue.</summary>
    /// <param name="waiter">Set when neither a seat nor a refusal is the answer.</param>
    /// <returns>Whether the seat is there.</returns>
    public bool TryEnter(FlowTarget target, Flow flow, in WorkEstimate work, in UserInfoAndRequest origin, out Seat seat, out FlowWaiter? waiter)
    {
        (seat, waiter) = (default, null);
        lock (_lock)
        {
            var now = Sync();
            if (_spec.Queues == 0)
            {
                if (!HasRoomFor(work.Seats))
                {
                    target.Series.Reject(FlowRejection.ConcurrencyLimit);
                    target.Series.WaitOfRejected.Observe(0);
                    return false;
                }
                seat = Begin(target, null, work, now);
                if (!_spec.IsExempt) target.Series.WaitOfExecuted.Observe(0);
                return true;
            }
            var queue = Choose(flow);
            if (_waiting == 0 && _seatsInUse < Limit && HasRoomFor(work.Seats))
            {
                if (!queue.IsActive) queue.NextDispatch = _progress;
                _robin = queue.Index;
                seat = Begin(target, queue, work, now);
                target.Series.WaitOfExecuted.Observe(0);
                return true;
            }
            if (_seatsInUse >= Limit && queue.Waiting.Count >= _spec.QueueLengthLimit)
            {
                target.Series.Reject(FlowRejection.QueueFull);
                target.Series.WaitOfRejected.Observe(0);
                return false;
            }
            waiter = Enqueue(target, flow, queue, work, origin, now);
            Dispatch();
            return false;
        }
    }

    /// <summary>Takes a request out of its queue; false: it has its seat by now.</summary>
    public bool TryAbandon(FlowWaiter waiter)
    {
        lock (_lock)
        {
            var now = Sync();
            if (waiter.Node is null) return false;
            Dequeue(waiter, now);
            waiter.Target.Series.Reject(FlowRejection.TimeOut);
            waiter.Target.Series.WaitOfRejected.Observe(Seconds(now - waiter.Arrived));
            BoundNextDispatch(waiter.Queue);
            Dispatch();
            return true;
        }
    }

    /// <summary>Gives a seat back; who waits for it begins.</summary>
    public void Leave(in Seat seat)
    {
        lock (_lock)
        {
            var now = Sync();
            var series = seat.Target!.Series;
            _executing--;
            series.Executing--;
            var served = Seconds(now - seat.Started);
            series.Execution.Observe(served);
            if (seat.Queue is { } queue)
            {
                queue.Executing--;
                if (!queue.IsActive) _activeQueues--;
                // It began as if it took the estimated time; now the true one is known.
                queue.NextDispatch -= seat.Work.InitialSeats * (EstimatedSeconds - served);
                BoundNextDispatch(queue);
            }
            // An exempt level has room for everybody: nothing waits for the seats that linger.
            if (seat.Work.Linger > TimeSpan.Zero && !_spec.IsExempt) Linger(seat, now);
            else FreeSeats(series, seat.Queue, seat.Work.Seats, now);
            Dispatch();
        }
    }

    public LevelDump Dump(long dispatched, long rejected, long timedOut)
    {
        lock (_lock)
        {
            var queues = _queues.Select(q => new QueueDump(
                q.Index, q.Executing, q.SeatsInUse, q.NextDispatch, q.Waiting.Sum(w => w.Work.InitialSeats), q.SeatsWaiting, q.WorkWaiting, [.. q.Waiting])).ToList();
            return new(name, _waiting, _executing, _seatsInUse, queues, dispatched, rejected, timedOut);
        }
    }

    private bool HasRoomFor(int seats)
    {
        if (_spec.IsExempt) return true;
        // One that is wider than the level has it for itself.
        return seats > Limit ? _executing == 0 : _seatsInUse + seats <= Limit;
    }

    private Seat Begin(FlowTarget target, FlowQueue? queue, in WorkEstimate work, long now)
    {
        var series = target.Series;
        _executing++;
        _seatsInUse += work.Seats;
        series.Executing++;
        series.SeatsExecuting += work.Seats;
        series.Dispatched++;
        if (queue is not null)
        {
            if (!queue.IsActive) _activeQueues++;
            queue.Executing++;
            queue.SeatsInUse += work.Seats;
            _seatsInQueues += work.Seats;
            queue.NextDispatch += WorkOf(work);
        }
        _demand.Set(_seatsInUse + _seatsWaiting, now);
        return new Seat(target, queue, work, now);
    }

    private void FreeSeats(FlowSeries series, FlowQueue? queue, int seats, long now)
    {
        _seatsInUse -= seats;
        series.SeatsExecuting -= seats;
        if (queue is not null)
        {
            queue.SeatsInUse -= seats;
            _seatsInQueues -= seats;
            if (!queue.IsActive) DropSpareQueues();
        }
        _demand.Set(_seatsInUse + _seatsWaiting, now);
    }

    /// <summary>The emptiest queue of the hand; among equals another one each time.</summary>
    private FlowQueue Choose(Flow flow)
    {
        var hand = flow.Hand;
        var offset = (int)((uint)_enqueued++ % (uint)hand.Length);
        FlowQueue? best = null;
        for (var i = 0; i < hand.Length; i++)
        {
            var at = offset + i;
            // A hand that was dealt just before the number of queues fell.
            var queue = _queues[hand[at < hand.Length ? at : at - hand.Length] % _queues.Count];
            if (best is null || queue.WorkWaiting < best.WorkWaiting) best = queue;
        }
        return best!;
    }

    /// <summary>Brings virtual time up to the real one, and ends what has lingered long enough.</summary>
    private long Sync()
    {
        var now = time.GetTimestamp();
        if (_activeQueues > 0) _progress += Seconds(now - _synced) * Math.Min(_seatsInQueues, Limit) / _activeQueues;
        _synced = now;
        EndLingering(now);
        return now;
    }

    /// <summary>A configuration with fewer queues takes effect as the surplus falls idle.</summary>
    private void DropSpareQueues()
    {
        var wanted = Math.Max(1, _spec.Queues);
        while (_queues.Count > wanted && !_queues[^1].IsActive && _queues[^1].SeatsInUse == 0) _queues.RemoveAt(_queues.Count - 1);
        if (_robin >= _queues.Count) _robin = 0;
    }

    private double WorkOf(in WorkEstimate work) => work.InitialSeats * EstimatedSeconds + work.FinalSeats * work.Linger.TotalSeconds;

    private double Seconds(long ticks) => (double)ticks / time.TimestampFrequency;

    private Span<FlowQueue> Queues => CollectionsMarshal.AsSpan(_queues);
}
