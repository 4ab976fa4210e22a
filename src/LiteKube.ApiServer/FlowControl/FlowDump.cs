using System.Globalization;
using System.Text;
using LiteKube.ApiServer.Endpoints;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>A level as it was at one moment.</summary>
internal sealed record LevelDump(string Name, int Waiting, int Executing, int SeatsInUse, IReadOnlyList<QueueDump> Queues, long Dispatched, long Rejected, long TimedOut);

/// <param name="InitialSeats">Of those that wait, as the sums that follow.</param>
/// <param name="TotalWork">Seat-seconds.</param>
internal sealed record QueueDump(int Index, int Executing, int SeatsInUse, double NextDispatch, int InitialSeats, int MaxSeats, double TotalWork, IReadOnlyList<FlowWaiter> Waiting);

/// <summary>
/// /debug/api_priority_and_fairness/ (https://kubernetes.io/docs/reference/debug-cluster/flow-control/): comma-separated
/// tables of the levels, their queues, and the requests that wait.
/// </summary>
internal sealed class FlowDump(FlowController flows, TimeProvider time)
{
    private const string Root = "/debug/api_priority_and_fairness/";

    /// <summary>Null: the path is none of ours.</summary>
    public ApiResult? Handle(ApiRequest request, string path)
    {
        if (!path.StartsWith(Root, StringComparison.Ordinal)) return null;
        var rows = path[Root.Length..] switch
        {
            "dump_priority_levels" => Levels(),
            "dump_queues" => Queues(),
            "dump_requests" => Requests(request.Query.Get("includeRequestDetails") is { Length: > 0 }),
            _ => null,
        };
        if (rows is null) return null;
        var text = new StringBuilder();
        foreach (var row in rows) text.AppendJoin(", ", row).Append('\n');
        return new BytesResult(Encoding.UTF8.GetBytes(text.ToString())) { ContentType = "text/plain; charset=utf-8" };
    }

    private IEnumerable<string[]> Levels()
    {
        yield return ["PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests", "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests"];
        foreach (var level in Dumps())
        {
            yield return [level.Name, Text(level.Queues.Count(q => q.Waiting.Count > 0)), level.Waiting + level.Executing == 0 ? "true" : "false", "false",
                Text(level.Waiting), Text(level.Executing), Text(level.Dispatched), Text(level.Rejected + level.TimedOut), "0", Text(level.TimedOut)];
        }
    }

    private IEnumerable<string[]> Queues()
    {
        yield return ["PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum"];
        foreach (var level in Dumps())
        {
            foreach (var queue in level.Queues)
                yield return [level.Name, Text(queue.Index), Text(queue.Waiting.Count), Text(queue.Executing), Text(queue.SeatsInUse), Work(queue.NextDispatch), Text(queue.InitialSeats), Text(queue.MaxSeats), Work(queue.TotalWork)];
        }
    }

    private IEnumerable<string[]> Requests(bool withDetails)
    {
        string[] head = ["PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime", "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime"];
        yield return withDetails ? [.. head, "UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource"] : head;
        var now = (Utc: time.GetUtcNow(), Timestamp: time.GetTimestamp());
        foreach (var level in Dumps())
        {
            foreach (var queue in level.Queues)
            {
                for (var i = 0; i < queue.Waiting.Count; i++) yield return Row(level, queue, i, now, withDetails);
            }
        }
    }

    private string[] Row(LevelDump level, QueueDump queue, int index, (DateTimeOffset Utc, long Timestamp) now, bool withDetails)
    {
        var waiter = queue.Waiting[index];
        var arrived = now.Utc - time.GetElapsedTime(waiter.Arrived, now.Timestamp);
        string[] row = [level.Name, waiter.Target.Schema.Name, Text(queue.Index), Text(index), waiter.Flow.Distinguisher, arrived.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture),
            Text(waiter.Work.InitialSeats), Text(waiter.Work.FinalSeats), Apis.Values.GoDuration.Format(waiter.Work.Linger), "0001-01-01T00:00:00Z"];
        if (!withDetails) return row;
        var (user, info) = waiter.Origin;
        return [.. row, user.Name, info.Verb, info.Path, info.Namespace, info.Name, info.Group.Length > 0 ? $"{info.Group}/{info.Version}" : info.Version, info.Resource, info.Subresource];
    }

    private IEnumerable<LevelDump> Dumps()
    {
        var series = flows.Series();
        foreach (var level in flows.Levels)
        {
            var own = series.Where(s => s.Level == level.Name).Select(s => s.Series).ToList();
            var timedOut = own.Sum(s => s.Rejected(FlowRejection.TimeOut));
            yield return level.Dump(own.Sum(s => s.Dispatched), own.Sum(s => s.Rejected(FlowRejection.QueueFull) + s.Rejected(FlowRejection.ConcurrencyLimit)), timedOut);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Work(double seatSeconds) => string.Create(CultureInfo.InvariantCulture, $"{seatSeconds:F8}ss");
}
