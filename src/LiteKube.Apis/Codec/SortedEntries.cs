using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>A map's entries on their way to an object with sorted keys, as Go writes maps. Of equal keys the last counts.</summary>
internal struct SortedEntries
{
    private readonly List<KeyValuePair<string, JsonNode?>> _entries = [];
    private bool _unsorted;

    public SortedEntries()
    {
    }

    public readonly int Count => _entries.Count;

    public void Add(string key, JsonNode? value)
    {
        _unsorted |= _entries.Count > 0 && string.CompareOrdinal(_entries[^1].Key, key) >= 0;
        _entries.Add(new(key, value));
    }

    public readonly JsonObject ToObject(StrictErrors? strict, in JsonPath path)
    {
        var result = new JsonObject();
        if (!_unsorted)
        {
            foreach (var (key, value) in _entries)
                result.Add(key, value);
            return result;
        }

        // OrderBy is stable: among equal keys the last written stays last.
        var sorted = _entries.OrderBy(e => e.Key, StringComparer.Ordinal).ToList();
        for (var i = 0; i < sorted.Count; i++)
        {
            if (i + 1 < sorted.Count && sorted[i].Key == sorted[i + 1].Key)
                strict?.Duplicate(path.With(sorted[i].Key));
            else
                result.Add(sorted[i].Key, sorted[i].Value);
        }

        return result;
    }
}
