using System.Collections.Concurrent;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>
/// How long requests may take: a minute, less for writes or when the client says so, as upstream's --request-timeout
/// and its handlers have it. Deadlines are used again, since every write has one.
/// </summary>
internal sealed class RequestDeadlines(TimeProvider time)
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Upstream ends what writes four seconds after the longest webhook could have answered.</summary>
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(34);

    private const int MaxKept = 512;

    private readonly ConcurrentQueue<RequestDeadline> _spare = new();

    /// <summary>What this request may take.</summary>
    /// <exception cref="ApiException">400: its timeout parameter is no duration.</exception>
    public static TimeSpan LimitOf(ApiRequest request)
    {
        if (FlowGate.IsLongRunning(request.Info) || request.Query.Get("timeout") is not { Length: > 0 } text) return Limit;
        try
        {
            return GoDuration.Parse(text) is var given && given > TimeSpan.Zero && given < Limit ? given : Limit;
        }
        catch (FormatException exception)
        {
            throw ApiException.BadRequest($"invalid timeout specified in the request URL - {exception.Message}");
        }
    }

    /// <summary>Null for what reads one thing from memory, or lasts as long as it likes.</summary>
    public RequestDeadline? For(ApiRequest request, TimeSpan limit, CancellationToken cancellationToken)
    {
        var info = request.Info;
        if (!info.IsResourceRequest || info.Verb == "get" || FlowGate.IsLongRunning(info)) return null;
        var isWrite = info.Verb is not "list";
        if (!_spare.TryDequeue(out var deadline)) deadline = new RequestDeadline(this, time);
        deadline.Begin(isWrite && limit > WriteLimit ? WriteLimit : limit, isWrite, cancellationToken);
        return deadline;
    }

    internal void Keep(RequestDeadline deadline)
    {
        if (_spare.Count < MaxKept) _spare.Enqueue(deadline);
    }
}

/// <summary>
/// A token that is cancelled with the client's own, and when the time is up. The clock is started by whoever finds that
/// the request does not complete at once.
/// </summary>
internal sealed class RequestDeadline(RequestDeadlines owner, TimeProvider time) : IDisposable
{
    private const int Idle = 0;
    private const int Armed = 1;
    private const int Expired = 2;

    private readonly CancellationTokenSource _source = new();
    private CancellationTokenRegistration _outer;
    private ITimer? _timer;
    private TimeSpan _limit;
    private bool _isWrite;
    private long _began;
    private int _state;

    public CancellationToken Token => _source.Token;
    public bool HasExpired => Volatile.Read(ref _state) == Expired;

    public void Begin(TimeSpan limit, bool isWrite, CancellationToken cancellationToken)
    {
        (_limit, _isWrite, _began) = (limit, isWrite, time.GetTimestamp());
        _outer = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>Starts the clock, which counts from the beginning; nothing when it runs.</summary>
    public void Arm()
    {
        if (Interlocked.CompareExchange(ref _state, Armed, Idle) != Idle) return;
        _timer ??= time.CreateTimer(static deadline => ((RequestDeadline)deadline!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var left = _limit - time.GetElapsedTime(_began);
        _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What the client is told.</summary>
    public ApiException Error() => new(504, "Timeout", _isWrite
        ? "Timeout: request did not complete within requested timeout - context deadline exceeded"
        : "Timeout: request did not complete within the allotted timeout", []);

    /// <summary>The request is over. What has expired, or was cancelled, is not used again.</summary>
    public void Dispose()
    {
        // Waits for a cancellation that is being told at this moment.
        _outer.Dispose();
        if (Interlocked.CompareExchange(ref _state, Idle, Armed) == Expired || !_source.TryReset())
        {
            _timer?.Dispose();
            return;
        }
        _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        owner.Keep(this);
    }

    private void OnTimer()
    {
        // Set for the request before, and late: this one's time is not up.
        if (time.GetElapsedTime(_began) < _limit) return;
        if (Interlocked.CompareExchange(ref _state, Expired, Armed) == Armed) _source.Cancel();
    }
}
