using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>
/// What the objects of one resource in one namespace use: counted once for each choice of scopes, kept by the changes
/// since, and with it what was let through and is not stored yet. Not for concurrent use.
/// </summary>
internal sealed class QuotaSums(GroupResource resource, IObjectChanges changes) : IDisposable
{
    private readonly Dictionary<string, Sum> _byScopes = new(StringComparer.Ordinal);
    private readonly List<Pending> _pending = [];

    public DateTimeOffset LastUsed { get; private set; }

    /// <summary>Takes in each write that is committed by now.</summary>
    public void CatchUp(IReadOnlyList<JsonObject> quotas, DateTimeOffset now)
    {
        LastUsed = now;
        _pending.RemoveAll(p => p.Until < now);
        // Scopes that were not counted before are counted from the beginning, and all others with them.
        if (quotas.Any(q => !_byScopes.ContainsKey(ScopesOf(q)))) changes.Restart();
        changes.Read(Reset, Apply);

        void Reset()
        {
            _byScopes.Clear();
            foreach (var quota in quotas) _byScopes.TryAdd(ScopesOf(quota), new(quota, []));
        }
    }

    /// <summary>What counts for the quota, of these resource names.</summary>
    public Dictionary<string, Quantity> Used(JsonObject quota, IReadOnlyList<string> names)
    {
        var total = _byScopes[ScopesOf(quota)].Total;
        var used = names.ToDictionary(n => n, n => total.GetValueOrDefault(n, Quantity.Zero), StringComparer.Ordinal);
        foreach (var pending in _pending.Where(p => QuotaUsage.MatchesScopes(quota, resource, p.Value)))
        {
            foreach (var (name, quantity) in pending.Delta)
            {
                if (used.TryGetValue(name, out var sum)) used[name] = sum + quantity;
            }
        }
        return used;
    }

    /// <summary>Counts what was let through until it is stored, or for so long.</summary>
    /// <param name="old">What it replaces; null: it is new.</param>
    /// <param name="delta">What it adds to what counts already.</param>
    public void Expect(JsonObject value, JsonObject? old, Dictionary<string, Quantity> delta, DateTimeOffset until) =>
        _pending.Add(new((JsonObject)value.DeepClone(), old?.ResourceVersion(), delta, until));

    public void Dispose() => changes.Dispose();

    private void Apply(JsonObject? now, JsonObject? before)
    {
        if (_pending.Count > 0) _pending.RemoveAll(p => p.IsAnsweredBy(now, before));
        foreach (var sum in _byScopes.Values)
        {
            if (before is not null && QuotaUsage.MatchesScopes(sum.Quota, resource, before))
                ResourceLists.Add(sum.Total, QuotaUsage.Of(resource, before).Select(p => KeyValuePair.Create(p.Key, -p.Value)));
            if (now is not null && QuotaUsage.MatchesScopes(sum.Quota, resource, now))
                ResourceLists.Add(sum.Total, QuotaUsage.Of(resource, now));
        }
    }

    private static string ScopesOf(JsonObject quota)
    {
        var spec = quota.Obj("spec");
        return spec.Has("scopes") || spec.Has("scopeSelector") ? $"{spec!["scopes"]?.ToJsonString()} {spec["scopeSelector"]?.ToJsonString()}" : "";
    }

    /// <param name="Quota">One of those with these scopes.</param>
    private sealed record Sum(JsonObject Quota, Dictionary<string, Quantity> Total);

    /// <param name="Replaces">The version that it replaces; null: it is new.</param>
    private sealed record Pending(JsonObject Value, string? Replaces, Dictionary<string, Quantity> Delta, DateTimeOffset Until)
    {
        /// <summary>The write that came in its place: this one, or another that came first, which this one fails by.</summary>
        public bool IsAnsweredBy(JsonObject? now, JsonObject? before)
        {
            if ((now ?? before).MetaName() != Value.MetaName()) return false;
            if (Replaces is null) return now is not null && before is null;
            return before is not null ? before.ResourceVersion() == Replaces : now?.ResourceVersion() != Replaces;
        }
    }
}
