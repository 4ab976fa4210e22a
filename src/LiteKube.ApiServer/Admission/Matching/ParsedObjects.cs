using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>
/// What is made of the objects of one kind of configuration, in the order of their names. Each object is parsed once per
/// revision; the kind's strategy tells of writes before their writer has its answer, so that a reader is never behind, and
/// reading costs a field access while nothing changes.
/// </summary>
/// <param name="parse">What one object brings.</param>
internal sealed class ParsedObjects<T>(IObjectReader objects, GroupResource resource, Func<JsonObject, IReadOnlyList<T>> parse)
{
    private readonly Lock _lock = new();
    private Dictionary<(string Uid, string Version), IReadOnlyList<T>> _known = [];
    private volatile T[]? _current;

    public IReadOnlyList<T> Current => _current ?? Read();

    /// <summary>An object of the kind was written.</summary>
    public void Invalidate()
    {
        lock (_lock) _current = null;
    }

    private T[] Read()
    {
        // A write that comes meanwhile waits at the lock to invalidate what is read here.
        lock (_lock)
        {
            if (_current is { } current) return current;
            var known = new Dictionary<(string, string), IReadOnlyList<T>>();
            var all = new List<T>();
            foreach (var value in objects.List(resource).OrderBy(v => v.MetaName(), StringComparer.Ordinal))
            {
                var revision = (value.MetaUid(), value.ResourceVersion());
                if (!_known.TryGetValue(revision, out var parsed)) parsed = parse(value);
                known[revision] = parsed;
                all.AddRange(parsed);
            }
            _known = known;
            T[] made = [.. all];
            _current = made;
            return made;
        }
    }
}
