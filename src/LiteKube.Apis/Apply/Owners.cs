namespace LiteKube.Apis.Apply;

/// <summary>The managers of an object while one operation runs.</summary>
internal sealed class Owners
{
    private readonly IObjectVersions _versions;
    private readonly ResetFields _reset;
    private readonly SortedDictionary<ManagerKey, ManagedFieldsEntry> _entries = [];

    public Owners(IObjectVersions versions, ResetFields reset, ManagedFieldsList managed, VersionedObject live)
    {
        (_versions, _reset) = (versions, reset);
        foreach (var entry in managed.Entries)
        {
            // What a version that is gone says cannot be compared: the next comparison drops it.
            var schema = entry.ApiVersion == live.ApiVersion ? live.Schema : versions.Convert(live, entry.ApiVersion)?.Schema;
            _entries[entry.Key] = schema is null ? entry : entry.With(SchemaReconciliation.Reconcile(entry.Fields, schema));
        }
    }

    public IReadOnlyCollection<ManagedFieldsEntry> Entries => _entries.Values;

    public ManagedFieldsEntry? Find(ManagerKey key) => _entries.GetValueOrDefault(key);

    public void Set(ManagedFieldsEntry entry)
    {
        if (entry.Fields.IsEmpty) _entries.Remove(entry.Key);
        else _entries[entry.Key] = entry;
    }

    public void Remove(ManagerKey key) => _entries.Remove(key);

    public ManagedFieldsList ToList() => ManagedFieldsList.Of(_entries.Values);

    /// <summary>Takes from everybody but <paramref name="except"/> what the operation changes or removes.</summary>
    /// <returns>The difference in the operation's version, without what its endpoint resets.</returns>
    /// <exception cref="FieldConflictException">Without force, others own what it changes.</exception>
    public FieldComparison Take(VersionedObject before, VersionedObject after, ManagerKey? except, bool isForced)
    {
        var own = FieldComparison.Of(before.Value, after.Value, before.Schema).Without(_reset);
        var conflicts = new List<(ManagerKey, FieldSet)>();
        var changed = new List<ManagedFieldsEntry>();
        foreach (var entry in _entries.Values.ToArray())
        {
            if (entry.Key == except) continue;
            if (entry.ApiVersion == after.ApiVersion && own.IsSame) continue;
            if (Compare(before, after, own, entry.ApiVersion) is not { } difference)
            {
                _entries.Remove(entry.Key);
                continue;
            }

            if (!isForced && entry.Fields.Intersect(difference.Changed) is { IsEmpty: false } conflict) conflicts.Add((entry.Key, conflict));
            var left = entry.Fields.Except(difference.Changed).Except(difference.Removed);
            if (!ReferenceEquals(left, entry.Fields)) changed.Add(entry.With(left));
        }

        if (conflicts.Count > 0) throw new FieldConflictException(conflicts);
        foreach (var entry in changed) Set(entry);
        return own;
    }

    private FieldComparison? Compare(VersionedObject before, VersionedObject after, FieldComparison own, string apiVersion)
    {
        if (apiVersion == after.ApiVersion) return own;
        return _versions.Convert(before, apiVersion) is { } old && _versions.Convert(after, apiVersion) is { } now
            ? FieldComparison.Of(old.Value, now.Value, old.Schema).Without(_reset)
            : null;
    }
}
