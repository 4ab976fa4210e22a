namespace LiteKube.Apis.Apply;

/// <summary>The managers of an object while one operation runs.</summary>
internal sealed class Owners
{
    private readonly IObjectVersions _versions;
    private readonly ResetFields _reset;
    // A dozen at most: looking through them beats hashing their keys.
    private readonly List<ManagedFieldsEntry> _entries;

    public Owners(IObjectVersions versions, ResetFields reset, ManagedFieldsList managed, VersionedObject live)
    {
        (_versions, _reset, _entries) = (versions, reset, new(managed.Entries.Count + 1));
        foreach (var entry in managed.Entries)
        {
            // What a version that is gone says cannot be compared: the next comparison drops it.
            var schema = entry.ApiVersion == live.ApiVersion ? live.Schema : versions.Convert(live, entry.ApiVersion)?.Schema;
            Set(schema is null ? entry : entry.With(SchemaReconciliation.Reconcile(entry.Fields, schema)));
        }
    }

    public IReadOnlyList<ManagedFieldsEntry> Entries => _entries;

    public ManagedFieldsEntry? Find(ManagerKey key) => IndexOf(key) is var at and >= 0 ? _entries[at] : null;

    public void Set(ManagedFieldsEntry entry)
    {
        var at = IndexOf(entry.Key);
        if (entry.Fields.IsEmpty)
        {
            if (at >= 0) _entries.RemoveAt(at);
        }
        else if (at >= 0)
        {
            _entries[at] = entry;
        }
        else
        {
            _entries.Add(entry);
        }
    }

    public void Remove(ManagerKey key)
    {
        if (IndexOf(key) is var at and >= 0) _entries.RemoveAt(at);
    }

    public ManagedFieldsList ToList() => ManagedFieldsList.Of(_entries);

    /// <summary>Takes from everybody but <paramref name="except"/> what the operation changes or removes.</summary>
    /// <returns>The difference in the operation's version, without what its endpoint resets.</returns>
    /// <exception cref="FieldConflictException">Without force, others own what it changes.</exception>
    public FieldComparison Take(VersionedObject before, VersionedObject after, ManagerKey? except, bool isForced)
    {
        var own = FieldComparison.Of(before.Value, after.Value, before.Schema, _reset);
        var conflicts = new List<(ManagerKey, FieldSet)>();
        var changed = new List<ManagedFieldsEntry>();
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            var entry = _entries[i];
            if (entry.Key == except) continue;
            if (entry.ApiVersion == after.ApiVersion && own.IsSame) continue;
            if (Compare(before, after, own, entry.ApiVersion) is not { } difference)
            {
                _entries.RemoveAt(i);
                continue;
            }

            if (!isForced && entry.Fields.Intersect(difference.Changed) is { IsEmpty: false } conflict) conflicts.Add((entry.Key, conflict));
            var left = entry.Fields.Except(difference.Changed).Except(difference.Removed);
            if (!ReferenceEquals(left, entry.Fields)) changed.Add(entry.With(left));
        }

        if (conflicts.Count > 0) throw new FieldConflictException([.. conflicts.OrderBy(c => c.Item1)]);
        foreach (var entry in changed) Set(entry);
        return own;
    }

    private int IndexOf(ManagerKey key)
    {
        for (var i = 0; i < _entries.Count; i++)
        {
            if (_entries[i].Key == key) return i;
        }

        return -1;
    }

    private FieldComparison? Compare(VersionedObject before, VersionedObject after, FieldComparison own, string apiVersion)
    {
        if (apiVersion == after.ApiVersion) return own;
        return _versions.Convert(before, apiVersion) is { } old && _versions.Convert(after, apiVersion) is { } now
            ? FieldComparison.Of(old.Value, now.Value, old.Schema, _reset)
            : null;
    }
}
