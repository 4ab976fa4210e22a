using System.Globalization;
using k8s;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>
/// What a controller wrote and has not yet seen come back through its informer. Laid over the informer's objects, it
/// lets the next reconciliation start at once from what is stored, instead of waiting for the watch or writing twice.
/// </summary>
internal sealed class RecentWrites<T>(TimeProvider timeProvider) where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>A write that stays unseen so long was undone by someone while the watch was down.</summary>
    public static readonly TimeSpan Lapse = TimeSpan.FromSeconds(30);

    private readonly Dictionary<ObjectKey, Dictionary<string, Entry>> _groups = [];
    private readonly Lock _lock = new();

    public void Written(ObjectKey group, T value) => Put(group, value, new Entry(value, value.Metadata.Uid, Version(value), timeProvider.GetTimestamp()));

    public void Deleted(ObjectKey group, T value) => Put(group, value, new Entry(null, value.Metadata.Uid, Version(value), timeProvider.GetTimestamp()));

    /// <summary>The informer saw the object go, or the server said that it is not there.</summary>
    public void Gone(ObjectKey group, T value)
    {
        lock (_lock)
        {
            if (_groups.TryGetValue(group, out var entries) && entries.TryGetValue(value.Metadata.Name, out var entry) && entry.Uid == value.Metadata.Uid)
                Remove(group, entries, value.Metadata.Name);
        }
    }

    /// <summary>What the group is about is gone.</summary>
    public void Forget(ObjectKey group)
    {
        lock (_lock)
            _groups.Remove(group);
    }

    /// <summary>The group's objects as last written or seen, whichever is newer.</summary>
    /// <param name="pending">Some of them are only known from here.</param>
    public List<T> Over(ObjectKey group, IEnumerable<T> seen, out bool pending)
    {
        lock (_lock)
        {
            pending = false;
            if (!_groups.TryGetValue(group, out var entries))
                return [.. seen];
            var result = new List<T>();
            var overlaid = new HashSet<string>(StringComparer.Ordinal);
            foreach (var value in seen)
            {
                var name = value.Metadata.Name;
                if (!entries.TryGetValue(name, out var entry))
                {
                    result.Add(value);
                }
                else if (IsOutdated(entry, value))
                {
                    Remove(group, entries, name);
                    result.Add(value);
                }
                else
                {
                    overlaid.Add(name);
                    if (entry.Value is not null)
                        result.Add(entry.Value);
                }
            }
            foreach (var (name, entry) in entries.Where(pair => !overlaid.Contains(pair.Key)).ToList())
            {
                // Deleted and no longer seen, or never seen at all.
                if (entry.Value is null || timeProvider.GetElapsedTime(entry.WrittenAt) >= Lapse)
                    Remove(group, entries, name);
                else
                    result.Add(entry.Value);
            }
            pending = entries.Count > 0;
            return result;
        }
    }

    private bool IsOutdated(Entry entry, T seen) =>
        entry.Uid != seen.Metadata.Uid || (entry.Value is not null && Version(seen) >= entry.Version) || timeProvider.GetElapsedTime(entry.WrittenAt) >= Lapse;

    private void Put(ObjectKey group, T value, Entry entry)
    {
        lock (_lock)
        {
            if (!_groups.TryGetValue(group, out var entries))
                _groups[group] = entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
            entries[value.Metadata.Name] = entry;
        }
    }

    private void Remove(ObjectKey group, Dictionary<string, Entry> entries, string name)
    {
        entries.Remove(name);
        if (entries.Count == 0)
            _groups.Remove(group);
    }

    // Versions of one resource are decimal numbers that only grow (KEP-5504).
    private static ulong Version(T value) => ulong.TryParse(value.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    /// <param name="Value">Null when it was deleted.</param>
    private sealed record Entry(T? Value, string Uid, ulong Version, long WrittenAt);
}
