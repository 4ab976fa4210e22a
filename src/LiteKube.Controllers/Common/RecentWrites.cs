using System.Globalization;
using k8s;
using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>
/// What a controller wrote and its informer has not reached yet. Laid over the informer's objects, it lets the next
/// reconciliation start at once from what is stored, instead of waiting for the watch or writing twice.
/// </summary>
internal sealed class RecentWrites<T>(IInformer<T> informer, TimeProvider timeProvider) where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>The version of a deletion is not told: one that stays unseen so long was followed by a new object while the watch was down.</summary>
    private static readonly TimeSpan DeletionLapse = TimeSpan.FromSeconds(30);

    private readonly Dictionary<ObjectKey, Dictionary<string, Entry>> _groups = [];
    private readonly Lock _lock = new();

    public void Written(ObjectKey group, T value) => Put(group, value, new Entry(value, value.Metadata.Uid, VersionOf(value), timeProvider.GetTimestamp()));

    public void Deleted(ObjectKey group, T value) => Put(group, value, new Entry(null, value.Metadata.Uid, 0, timeProvider.GetTimestamp()));

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
    /// <param name="read">Those that the informer has; read after its version, so that none is missing that the version promises.</param>
    public List<T> Over(ObjectKey group, Func<IInformer<T>, IEnumerable<T>> read)
    {
        var version = informer.Version;
        var seen = read(informer);
        lock (_lock)
        {
            if (!_groups.TryGetValue(group, out var entries))
                return [.. seen];
            foreach (var (name, entry) in entries.ToList())
            {
                if (entry.Value is null ? timeProvider.GetElapsedTime(entry.WrittenAt) >= DeletionLapse : entry.Version <= version)
                    Remove(group, entries, name);
            }
            var result = new List<T>();
            foreach (var value in seen)
            {
                // Newer than the informer's own version says, or another object of the name: what is seen is right.
                if (entries.TryGetValue(value.Metadata.Name, out var entry) && (entry.Uid != value.Metadata.Uid || (entry.Value is not null && entry.Version <= VersionOf(value))))
                    Remove(group, entries, value.Metadata.Name);
                if (!entries.ContainsKey(value.Metadata.Name))
                    result.Add(value);
            }
            result.AddRange(entries.Values.Select(e => e.Value).OfType<T>());
            return result;
        }
    }

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

    private static ulong VersionOf(T value) => ulong.TryParse(value.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    /// <param name="Value">Null when it was deleted.</param>
    private sealed record Entry(T? Value, string Uid, ulong Version, long WrittenAt);
}
