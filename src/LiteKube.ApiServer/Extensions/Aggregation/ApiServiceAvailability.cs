using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Writes into APIServices whether they are available, as soon as it is known.</summary>
internal sealed class ApiServiceAvailability(IObjectReader objects, AvailabilityCheck check, ApiServiceWriter writer, TimeProvider time, ILogger<ApiServiceAvailability> logger)
{
    /// <summary>Between looks at a server that answers: a network that breaks tells nobody. Retries come quicker at first.</summary>
    public static readonly RecheckPace Pace = new(TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(30));

    private readonly ConcurrentDictionary<string, AvailableCondition> _found = new(StringComparer.Ordinal);

    /// <summary>Whether the object says what was found last: nobody else wrote over it.</summary>
    public bool IsAsFound(JsonObject standing) => _found.TryGetValue(standing.MetaName(), out var found) && found.IsSaidBy(standing);

    public void Forget(string name) => _found.TryRemove(name, out _);

    /// <returns>False: it is not available, or could not be written; to be looked at again.</returns>
    public async Task<bool> CheckAsync(string name, CancellationToken cancellationToken)
    {
        if (objects.Get(ApiService.Resource, "", name) is not { } standing) return true;
        var service = ApiService.Read(standing);
        var found = service.Target is null ? AvailableCondition.Local : await check.JudgeAsync(service.GroupVersion, service.Target, cancellationToken);
        _found[name] = found;
        if (found.IsSaidBy(standing)) return found.IsAvailable;
        if (standing.IsBeingDeleted()) return true;
        var changed = (JsonObject)standing.DeepClone();
        found.WriteTo(changed, time.GetUtcNow());
        if (!await writer.UpdateStatusAsync(changed, cancellationToken)) return false;
        AggregationLog.AvailabilityChanged(logger, name, found.Status, found.Reason, found.Message);
        return found.IsAvailable;
    }
}
