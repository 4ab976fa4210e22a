using System.Globalization;
using LiteKube.ApiServer.Endpoints;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// Where every request passes between authentication and authorization: it gets its seat at once, waits for it in a
/// queue, or is told to come back. Connections (exec, logs, proxies) pass freely; a watch holds its seat until its
/// initial objects are sent.
/// </summary>
internal sealed class FlowGate(FlowController flows, WorkEstimator estimator, WatchCounts watches, TimeProvider time)
{
    private static readonly ReadOnlyMemory<byte> TryLater = "Too many requests, please try again later.\n"u8.ToArray();

    private int _readOnly;
    private int _mutating;

    public int ReadOnly => Volatile.Read(ref _readOnly);
    public int Mutating => Volatile.Read(ref _mutating);

    /// <summary>As upstream's check: what it names has no time limit.</summary>
    public static bool IsLongRunning(RequestInfo info) =>
        info.Verb is "watch" or "proxy" || (info.IsResourceRequest && info.Subresource is "exec" or "attach" or "portforward" or "log" or "proxy");

    /// <param name="patience">How long the request may wait for its seat.</param>
    /// <returns>False: it is to be refused.</returns>
    public ValueTask<bool> EnterAsync(ApiRequest request, TimeSpan patience, CancellationToken cancellationToken)
    {
        var info = request.Info;
        if (IsLongRunning(info) && info.Verb != "watch") return ValueTask.FromResult(true);
        var target = flows.Classify(request.User, info);
        request.Flow = target;
        var level = target.Level;
        var work = level.IsExempt ? WorkEstimate.OneSeat : estimator.Estimate(request, level);
        if (level.TryEnter(target, target.FlowOf(request.User, info), work, new(request.User, info), out var seat, out var waiter))
        {
            Begin(request, seat);
            return ValueTask.FromResult(true);
        }
        if (waiter is not null) return WaitAsync(request, waiter, patience, cancellationToken);
        level.Pace.RecordRefusal();
        return ValueTask.FromResult(false);
    }

    public static ApiResult Refusal(ApiRequest request) => new BytesResult(TryLater)
    {
        StatusCode = 429,
        ContentType = "text/plain; charset=utf-8",
        Headers = [new("Retry-After", request.Flow!.Level.Pace.Seconds.ToString(CultureInfo.InvariantCulture)), new("X-Content-Type-Options", "nosniff")],
    };

    /// <summary>Gives the seat back, if the request still has one: it is answered, or its watch has begun.</summary>
    public void Leave(ApiRequest request)
    {
        var seat = request.Seat;
        if (!seat.IsTaken) return;
        request.Seat = default;
        Interlocked.Decrement(ref IsMutating(request.Info) ? ref _mutating : ref _readOnly);
        seat.Target!.Level.Leave(seat);
    }

    /// <summary>The request is over, and so is its watch.</summary>
    public void End(ApiRequest request)
    {
        Leave(request);
        if (!request.IsCountedWatch) return;
        request.IsCountedWatch = false;
        watches.Remove(request.Info);
    }

    private void Begin(ApiRequest request, in Seat seat)
    {
        request.Seat = seat;
        Interlocked.Increment(ref IsMutating(request.Info) ? ref _mutating : ref _readOnly);
        if (request.Info.Verb != "watch") return;
        watches.Add(request.Info);
        request.IsCountedWatch = true;
    }

    private async ValueTask<bool> WaitAsync(ApiRequest request, FlowWaiter waiter, TimeSpan patience, CancellationToken cancellationToken)
    {
        var level = waiter.Target.Level;
        try
        {
            Begin(request, await waiter.Granted.WaitAsync(patience, time, cancellationToken));
            return true;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            if (level.TryAbandon(waiter))
            {
                if (exception is OperationCanceledException) throw;
                level.Pace.RecordRefusal();
                return false;
            }
            // The seat came in the same moment: it is the request's, which goes on or gives it back as one that is over.
            Begin(request, await waiter.Granted);
            cancellationToken.ThrowIfCancellationRequested();
            return true;
        }
    }

    private static bool IsMutating(RequestInfo info) => info.Verb is not ("get" or "list" or "watch");
}
