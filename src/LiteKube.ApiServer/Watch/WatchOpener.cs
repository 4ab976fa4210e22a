using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Watch;

/// <summary>Turns the parameters of a watch into a running one (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).</summary>
internal sealed class WatchOpener(IStateStore store, ObjectResponder responder, TimeProvider time)
{
    /// <summary>Upstream's --min-request-timeout: a watch without timeoutSeconds lasts between it and twice it.</summary>
    private const int MinTimeoutSeconds = 1800;

    /// <param name="refusal">What the stream says instead of events; null: nothing is wrong so far.</param>
    public async ValueTask<WatchResult> OpenAsync(ApiRequest request, ServedResource resource, ListOptions options, ApiException? refusal, CancellationToken cancellationToken)
    {
        var accepted = MediaTypes.NegotiateWatch(request, resource.Custom is null ? Offers.Resource : Offers.CustomResource);
        // A wrong parameter is told before the stream begins.
        if (accepted.Shape == BodyShape.Table) ObjectResponder.IncludeOf(request);
        var selection = options.Selection;
        var prefix = options.Prefix;
        var isFromNow = options.SendInitialEvents is null ? options.ResourceVersion == 0 : options.SendInitialEvents.Value;

        IReadOnlyList<StoredValue> initial = [];
        var start = options.ResourceVersion;
        if (isFromNow && refusal is null)
        {
            var range = await store.RangeAsync(new RangeRequest(prefix), cancellationToken);
            await resource.PrepareAsync(range.Values, cancellationToken);
            (initial, start) = (Filter(range.Values, options), range.Revision);
        }
        else if (start == 0)
        {
            start = store.CurrentRevision;
        }
        StoreWatch? changes = null;
        if (refusal is null)
        {
            try
            {
                // A version yet to come is waited for: what is written up to it is none of this watch's.
                changes = store.Watch(prefix, Math.Min(start, store.CurrentRevision));
            }
            catch (CompactedException exception)
            {
                refusal = TooOld(exception.Requested, exception.Compacted);
            }
        }

        var seconds = options.TimeoutSeconds is > 0 and { } given ? given : MinTimeoutSeconds * (1 + Random.Shared.NextDouble());
        var plan = new WatchPlan(
            selection, options.ExactKey, initial, start, isFromNow && options is { SendInitialEvents: true, AllowWatchBookmarks: true }, options.AllowWatchBookmarks, TimeSpan.FromSeconds(seconds), refusal);
        return new WatchResult(new WatchStream(plan, changes, resource, new WatchFramer(request, resource, accepted, responder), time)) { ContentType = WatchFramer.ContentType(accepted) };
    }

    public static ApiException TooOld(long requested, long compacted) => ApiException.Expired($"too old resource version: {requested} ({compacted + 1})");

    private static IReadOnlyList<StoredValue> Filter(IReadOnlyList<StoredValue> values, ListOptions options)
    {
        if (options.Selection.IsEverything && options.ExactKey is null) return values;
        var matching = new List<StoredValue>();
        foreach (var value in values)
        {
            if ((options.ExactKey is null || value.Key == options.ExactKey) && options.Selection.Matches(value)) matching.Add(value);
        }
        return matching;
    }
}
