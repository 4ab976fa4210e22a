using k8s.Models;
using LiteKube.Client.Queues;

namespace LiteKube.Client.Events;

/// <summary>What to do with a new event: nothing, create it, or raise the count of one that is stored.</summary>
internal sealed record CorrelatedEvent(Corev1Event Event, EventKey Key, bool IsUpdate);

/// <summary>All that makes two events the same; the message is empty for an aggregate.</summary>
internal readonly record struct EventKey(EventSubject Subject, string Type, string Reason, string Component, string Message);

internal readonly record struct EventSubject(string Source, string Host, string ApiVersion, string Kind, string Namespace, string Name, string Uid, string FieldPath);

/// <summary>
/// Keeps a flapping object from flooding the store, by client-go's rules: equal events become one with a count, more
/// than ten similar ones (same reason, other messages) within ten minutes become one "combined" event, and an object
/// gets 25 events at once and then one per five minutes from one source.
/// </summary>
/// <param name="capacity">Objects and events that are remembered.</param>
internal sealed class EventCorrelator(TimeProvider timeProvider, int capacity = EventCorrelator.CacheSize)
{
    public const int MaxSimilar = 10;
    public const int SpamBurst = 25;
    public const int CacheSize = 4096;
    private static readonly TimeSpan SimilarWindow = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan SpamRefill = TimeSpan.FromMinutes(5);

    private readonly RecentCache<EventKey, Similar> _similar = new(capacity);
    private readonly RecentCache<EventKey, Stored> _stored = new(capacity);
    private readonly RecentCache<EventSubject, TokenBucket> _spam = new(capacity);

    /// <returns>null when the event is spam.</returns>
    public CorrelatedEvent? Correlate(Corev1Event value)
    {
        var subject = SubjectOf(value);
        var (key, correlated) = Aggregate(value, subject);
        var isUpdate = _stored.TryGet(key, out var stored);
        if (isUpdate)
        {
            correlated.Metadata.Name = stored!.Name;
            correlated.Metadata.ResourceVersion = null;
            correlated.FirstTimestamp = stored.FirstTimestamp;
            correlated.Count = stored.Count + 1;
        }
        // Remembered even when filtered, so that the count is right once the filter lets the event through again.
        _stored.Set(key, new Stored(correlated.Metadata.Name, correlated.FirstTimestamp, correlated.Count ?? 1));
        // The path within the object is no part of the budget: all containers of a pod share one.
        var bucket = _spam.GetOrAdd(subject with { FieldPath = "" }, () => new TokenBucket(timeProvider, 1 / SpamRefill.TotalSeconds, SpamBurst));
        return bucket.TryTake() ? new CorrelatedEvent(correlated, key, isUpdate) : null;
    }

    /// <summary>The stored event expired on the server; the next equal one is created anew.</summary>
    public void Forget(EventKey key) => _stored.Remove(key);

    private (EventKey Key, Corev1Event Event) Aggregate(Corev1Event value, EventSubject subject)
    {
        var now = timeProvider.GetTimestamp();
        var aggregateKey = new EventKey(subject, value.Type, value.Reason, value.ReportingComponent ?? "", "");
        var own = aggregateKey with { Message = value.Message };
        var similar = _similar.GetOrAdd(aggregateKey, () => new Similar());
        if (timeProvider.GetElapsedTime(similar.Last, now) > SimilarWindow)
            similar.Messages.Clear();
        similar.Last = now;
        similar.Messages.Add(value.Message);
        if (similar.Messages.Count < MaxSimilar)
            return (own, value);
        // Stays at the threshold, so that the next new message is combined too.
        similar.Messages.Remove(similar.Messages.First());
        value.Message = $"(combined from similar events): {value.Message}";
        return (aggregateKey, value);
    }

    private static EventSubject SubjectOf(Corev1Event value) => new(
        value.Source?.Component ?? "", value.Source?.Host ?? "",
        value.InvolvedObject.ApiVersion ?? "", value.InvolvedObject.Kind ?? "",
        value.InvolvedObject.NamespaceProperty ?? "", value.InvolvedObject.Name ?? "", value.InvolvedObject.Uid ?? "",
        value.InvolvedObject.FieldPath ?? "");

    private sealed record Stored(string Name, DateTime? FirstTimestamp, int Count);

    private sealed class Similar
    {
        public HashSet<string> Messages { get; } = new(StringComparer.Ordinal);
        public long Last { get; set; }
    }
}

/// <summary>A bounded map that drops what was not used for the longest time.</summary>
internal sealed class RecentCache<TKey, TValue>(int capacity) where TKey : notnull where TValue : class
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _entries = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _recent = new();

    public bool TryGet(TKey key, out TValue? value)
    {
        value = null;
        if (!_entries.TryGetValue(key, out var node))
            return false;
        _recent.Remove(node);
        _recent.AddFirst(node);
        value = node.Value.Value;
        return true;
    }

    public TValue GetOrAdd(TKey key, Func<TValue> create)
    {
        if (TryGet(key, out var known))
            return known!;
        var value = create();
        Set(key, value);
        return value;
    }

    public void Set(TKey key, TValue value)
    {
        Remove(key);
        _entries[key] = _recent.AddFirst((key, value));
        if (_entries.Count > capacity && _recent.Last is { } oldest)
            Remove(oldest.Value.Key);
    }

    public void Remove(TKey key)
    {
        if (_entries.Remove(key, out var node))
            _recent.Remove(node);
    }
}
