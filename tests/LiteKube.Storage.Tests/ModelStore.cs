using System.Globalization;

namespace LiteKube.Storage.Tests;

/// <summary>The store's promises in the simplest form: a list of all writes, from which everything else is worked out.</summary>
internal sealed class ModelStore
{
    private readonly List<ModelEvent> _events = [];

    public long Revision => 1 + _events.Count;

    public long Compacted { get; set; }

    public bool Put(string key, string value, long? expected)
    {
        var current = Get(key, Revision);
        if (expected is { } revision && revision != (current?.Modified ?? 0))
            return false;
        var next = Revision + 1;
        _events.Add(new ModelEvent(StoreEventType.Put, new ModelValue(key, Stamp(value, next), current?.Created ?? next, next), current));
        return true;
    }

    public bool Delete(string key, string? tombstone, long? expected)
    {
        var current = Get(key, Revision);
        if (current is null || (expected is { } revision && revision != current.Modified))
            return false;
        var next = Revision + 1;
        var last = tombstone is null ? current.Value : Stamp(tombstone, next);
        _events.Add(new ModelEvent(StoreEventType.Delete, new ModelValue(key, last, current.Created, next), current));
        return true;
    }

    public ModelValue? Get(string key, long revision) =>
        _events.LastOrDefault(e => e.Value.Key == key && e.Value.Modified <= revision) is { Type: StoreEventType.Put } put ? put.Value : null;

    public List<ModelValue> Range(string prefix, string? startAfter, long revision) =>
    [
        .. _events.Select(e => e.Value.Key).Distinct()
            .Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && (startAfter is null || string.CompareOrdinal(key, startAfter) > 0))
            .Order(StringComparer.Ordinal)
            .Select(key => Get(key, revision))
            .OfType<ModelValue>(),
    ];

    public List<string> Events(string prefix, long after, long through = long.MaxValue) =>
    [
        .. _events.Where(e => e.Value.Modified > after && e.Value.Modified <= through && e.Value.Key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(e => e.ToString()),
    ];

    /// <summary>The store writes the digits in the place of the star.</summary>
    private static string Stamp(string value, long revision) =>
        value.Replace("*", revision.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}

internal sealed record ModelValue(string Key, string Value, long Created, long Modified)
{
    public override string ToString() => $"{Key}={Value} created {Created} modified {Modified}";
}

internal sealed record ModelEvent(StoreEventType Type, ModelValue Value, ModelValue? Previous)
{
    public override string ToString() => $"{Value.Modified} {Type} {Value} was {Previous?.ToString() ?? "none"}";
}
