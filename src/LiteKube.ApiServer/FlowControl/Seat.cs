namespace LiteKube.ApiServer.FlowControl;

/// <summary>A request's place among those that are being answered; the default value holds none.</summary>
/// <param name="Queue">Null where the level has no queues.</param>
/// <param name="Started">Timestamp of the level's clock.</param>
internal readonly record struct Seat(FlowTarget? Target, FlowQueue? Queue, WorkEstimate Work, long Started)
{
    public bool IsTaken => Target is not null;
}

/// <summary>One queue of a level. Guarded by the level's lock.</summary>
internal sealed class FlowQueue(int index)
{
    public int Index => index;
    public LinkedList<FlowWaiter> Waiting { get; } = [];
    public int Executing { get; set; }
    public int SeatsInUse { get; set; }
    public int SeatsWaiting { get; set; }
    /// <summary>Seat-seconds that wait here.</summary>
    public double WorkWaiting { get; set; }
    /// <summary>The virtual time at which its next request may begin.</summary>
    public double NextDispatch { get; set; }

    public bool IsActive => Waiting.Count > 0 || Executing > 0;
}

/// <summary>A request that waits for its seats.</summary>
internal sealed class FlowWaiter(FlowTarget target, Flow flow, FlowQueue queue, WorkEstimate work, double arrival, long arrived, UserInfoAndRequest origin)
{
    // The level completes it under its lock: whoever waits must go on elsewhere.
    private readonly TaskCompletionSource<Seat> _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FlowTarget Target => target;
    public Flow Flow => flow;
    public FlowQueue Queue => queue;
    public WorkEstimate Work => work;
    /// <summary>Virtual time.</summary>
    public double Arrival => arrival;
    /// <summary>Timestamp.</summary>
    public long Arrived => arrived;
    public UserInfoAndRequest Origin => origin;
    public LinkedListNode<FlowWaiter>? Node { get; set; }
    public Task<Seat> Granted => _granted.Task;

    public void Grant(in Seat seat) => _granted.SetResult(seat);
}

/// <summary>Whose request waits, for those who look at the queues.</summary>
internal readonly record struct UserInfoAndRequest(Authentication.UserInfo User, RequestInfo Info);
