using System.Collections.Concurrent;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// How many seats a request takes: a list and the beginning of a watch by the bytes that they read, a write by the
/// watches that hear of it (KEP-1040, "Width of the request").
/// </summary>
internal sealed class WorkEstimator(IStateStore store, Func<ResourceTable> resources, WatchCounts watches, TimeProvider time)
{
    private const int MaxListSeats = 100;
    private const int MaxWriteSeats = 10;
    private const double BytesPerSeat = 100_000;
    /// <summary>A list of the present state goes to the client piece by piece, whatever its length.</summary>
    private const double StreamedBytes = 1_000_000;
    private const int WatchesPerSeat = 10;
    private const int Sample = 16;

    /// <summary>The work of telling ten watches of one event.</summary>
    private static readonly TimeSpan EventTime = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan SizesKept = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, (long Taken, double Bytes)> _sizes = new(StringComparer.Ordinal);

    public WorkEstimate Estimate(ApiRequest request, PriorityLevel level) => request.Info.Verb switch
    {
        "list" => OfList(request, level),
        "watch" => IsFromNow(request.Query) ? OfList(request, level) : WorkEstimate.OneSeat,
        "create" or "update" or "patch" or "delete" => OfWrite(request.Info, level),
        _ => WorkEstimate.OneSeat,
    };

    private WorkEstimate OfList(ApiRequest request, PriorityLevel level)
    {
        var info = request.Info;
        // One name is read as a get is; what no kind of ours serves costs whoever does.
        if (info.Name.Length > 0 || !resources().TryFind(info.Group, info.Version, info.Resource, out var resource)) return WorkEstimate.OneSeat;
        var query = request.Query;
        var prefix = resource.Prefix(resource.Info.Namespaced ? info.Namespace : "");
        long count = store.Count(prefix);
        if (count == 0) return WorkEstimate.OneSeat;
        if (long.TryParse(query.Get("limit"), out var limit) && limit > 0) count = Math.Min(count, limit);
        var bytes = count * AverageSize(resource);
        if (info.Verb == "watch" || !ReadsThePast(query)) bytes = Math.Min(bytes, StreamedBytes);
        var most = level.MaxSeatsOfRequest is > 0 and < MaxListSeats and var own ? own : MaxListSeats;
        return new WorkEstimate((int)Math.Clamp(Math.Ceiling(bytes / BytesPerSeat), 1, most));
    }

    private WorkEstimate OfWrite(RequestInfo info, PriorityLevel level)
    {
        // A token is no event.
        if (info is { Resource: "serviceaccounts", Subresource: "token" }) return WorkEstimate.OneSeat;
        var count = watches.InterestedIn(info);
        if (count < WatchesPerSeat) return WorkEstimate.OneSeat;
        var seats = (count + WatchesPerSeat - 1) / WatchesPerSeat;
        var most = level.MaxSeatsOfRequest is > 0 and < MaxWriteSeats and var own ? own : MaxWriteSeats;
        // The same work, narrower and longer: a wide request blocks the level until it fits.
        var final = Math.Min(seats, most);
        return new WorkEstimate(1, final, EventTime * ((double)seats / final));
    }

    private static bool IsFromNow(QueryParameters query) => query.Get("resourceVersion") is null or "" or "0" || query.Get("sendInitialEvents") is "true" or "1";

    /// <summary>Whether the list shows a state that is no longer the present one, or an exact one.</summary>
    private static bool ReadsThePast(QueryParameters query)
    {
        if (query.Get("resourceVersionMatch") is { Length: > 0 } match) return match == "Exact";
        if (query.Get("continue") is { Length: > 0 }) return true;
        return query.Get("resourceVersion") is { Length: > 0 } version && version != "0" && query.Get("limit") is { Length: > 0 } limit && limit != "0";
    }

    private double AverageSize(ServedResource resource)
    {
        var now = time.GetTimestamp();
        if (_sizes.TryGetValue(resource.KeyRoot, out var known) && time.GetElapsedTime(known.Taken, now) < SizesKept) return known.Bytes;
        var read = store.RangeAsync(new RangeRequest(resource.Prefix(""), Limit: Sample), CancellationToken.None);
        // The present state is in memory and completes at once.
        var values = read.IsCompletedSuccessfully ? read.Result.Values : [];
        var bytes = values.Count == 0 ? 0 : values.Average(v => (double)v.Bytes.Length);
        _sizes[resource.KeyRoot] = (now, bytes);
        return bytes;
    }
}
