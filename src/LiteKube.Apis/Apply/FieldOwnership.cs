using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <param name="Value">Without metadata.managedFields, not yet canonical or defaulted; may be read-only.</param>
public readonly record struct AppliedObject(JsonObject Value, ManagedFieldsList Managed);

/// <summary>
/// Who owns which field, kept over writes, and the merge of applied configurations (server-side apply, KEP-555,
/// https://kubernetes.io/docs/reference/using-api/server-side-apply/). One for each endpoint of a kind.
/// </summary>
/// <param name="subresource">"" or "status", ...: the entries of each are kept apart.</param>
public sealed class FieldOwnership(IObjectVersions versions, string subresource, ResetFields reset)
{
    private const int MaxUpdaters = 10;
    private const string OldUpdaters = "ancient-changes";
    private const string BeforeFirstApply = "before-first-apply";

    /// <summary>What nobody owns: who the object is, and what the server writes.</summary>
    private static readonly FieldSet NeverOwned = FieldSet.OfFields(
        "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace", "metadata.creationTimestamp", "metadata.selfLink", "metadata.uid",
        "metadata.clusterName", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion");

    /// <summary>After a create, update or patch. The same list comes back when nobody's fields change.</summary>
    /// <param name="live">The object before; an empty one of the kind for a create.</param>
    /// <param name="time">RFC 3339.</param>
    public ManagedFieldsList Update(VersionedObject live, VersionedObject now, ManagedFieldsList managed, string manager, string time)
    {
        var owners = new Owners(versions, reset, managed, live);
        var difference = owners.Take(live, now, null, isForced: true);
        var taken = difference.Changed.Except(NeverOwned);
        if (!taken.IsEmpty)
        {
            var key = ManagerKey.Updater(manager, now.ApiVersion, subresource);
            var fields = owners.Find(key) is { } earlier ? earlier.Fields.Union(taken) : taken;
            owners.Set(owners.Find(key)?.With(fields).At(time) ?? new ManagedFieldsEntry(key, now.ApiVersion, time, fields));
        }

        Cap(owners);
        return IsUnchanged(owners, managed) ? managed : owners.ToList();
    }

    /// <summary>Merges a configuration into an object.</summary>
    /// <param name="live">Without managedFields; an empty one of the kind when there is none.</param>
    /// <param name="config">As the client sent it, read without defaults.</param>
    /// <param name="empty">An empty object of the kind.</param>
    /// <exception cref="FieldConflictException">Others own what it changes, and it is not forced.</exception>
    /// <exception cref="MergeException">The objects do not fit their schema.</exception>
    public AppliedObject Apply(VersionedObject live, VersionedObject config, VersionedObject empty, ManagedFieldsList managed, string manager, bool isForced, string time)
    {
        // Objects of a time before managedFields, or whose managers were reset: somebody must have set their fields.
        if (managed.IsEmpty) managed = Update(empty, live, managed, BeforeFirstApply, time);
        var applied = LastApplied.IsKept(manager) ? ApplyAsKubectl(live, config, managed, manager, isForced, time) : ApplyOnce(live, config, managed, manager, isForced, time);
        return LastApplied.IsKept(manager) ? applied with { Value = LastApplied.Refresh(applied.Value, config.Value) } : applied;
    }

    /// <summary>What kubectl's client-side apply noted of itself may be taken over without force.</summary>
    private AppliedObject ApplyAsKubectl(VersionedObject live, VersionedObject config, ManagedFieldsList managed, string manager, bool isForced, string time)
    {
        try
        {
            return ApplyOnce(live, config, managed, manager, isForced, time);
        }
        catch (FieldConflictException conflict) when (LastApplied.OwnedFields(live) is { } own)
        {
            var left = conflict.Sets.Select(s => (s.Manager, Fields: s.Fields.Except(own))).Where(s => !s.Fields.IsEmpty).ToList();
            if (left.Count > 0) throw new FieldConflictException(left);
            return ApplyOnce(live, config, managed, manager, isForced: true, time);
        }
    }

    private AppliedObject ApplyOnce(VersionedObject live, VersionedObject config, ManagedFieldsList managed, string manager, bool isForced, string time)
    {
        var owners = new Owners(versions, reset, managed, live);
        var key = ManagerKey.Applier(manager, subresource);
        var last = owners.Find(key);
        var merged = live with { Value = StructuredMerge.Merge(live.Value, config.Value, live.Schema) };
        var fields = reset.Filter(config.Fields());
        var entry = new ManagedFieldsEntry(key, config.ApiVersion, last?.Time, fields);
        owners.Set(entry);
        var result = last is null || last.Fields.IsEmpty ? merged : Prune(merged, owners.Entries, last);
        owners.Take(live, result, key, isForced);

        owners.Remove(key);
        var isSame = JsonEquality.AreEqual(live.Value, result.Value);
        owners.Set(entry.With(fields.Except(NeverOwned)).At(isSame ? last?.Time : time));
        return new(isSame ? live.Value : result.Value, owners.ToList());
    }

    /// <summary>Takes out what the manager applied before and does not any more, where nobody else owns it.</summary>
    private VersionedObject Prune(VersionedObject merged, IEnumerable<ManagedFieldsEntry> owners, ManagedFieldsEntry last)
    {
        if (versions.ConvertOrSame(merged, last.ApiVersion) is not { } asLast) return merged;
        var pruned = asLast.Without(last.Fields.WithNamedFields(asLast.Schema));
        pruned = AddBackOwned(asLast, pruned, owners);
        pruned = AddBackDangling(asLast, pruned, last);
        return versions.ConvertOrSame(pruned, merged.ApiVersion) ?? merged;
    }

    private VersionedObject AddBackOwned(VersionedObject merged, VersionedObject pruned, IEnumerable<ManagedFieldsEntry> owners)
    {
        var version = pruned.ApiVersion;
        // That version first: what another one needs to be converted is then back.
        foreach (var group in owners.GroupBy(e => e.ApiVersion).OrderByDescending(g => g.Key == version))
        {
            if (versions.ConvertOrSame(merged, group.Key) is not { } all || versions.ConvertOrSame(pruned, group.Key) is not { } left) continue;
            var owned = group.Aggregate(FieldSet.Empty, (set, e) => set.Union(e.Fields)).WithNamedFields(all.Schema);
            var gone = all.Fields().WithNamedFields(all.Schema).Except(left.Fields().WithNamedFields(all.Schema).Union(owned));
            (merged, pruned) = (all, all.Without(gone));
        }

        return pruned;
    }

    /// <summary>What went only because something around it went was not the manager's to remove.</summary>
    private VersionedObject AddBackDangling(VersionedObject merged, VersionedObject pruned, ManagedFieldsEntry last)
    {
        if (versions.ConvertOrSame(pruned, last.ApiVersion) is not { } left) return merged;
        var gone = merged.Fields().WithNamedFields(merged.Schema).Except(left.Fields().WithNamedFields(merged.Schema));
        return merged.Without(gone.Intersect(last.Fields.WithNamedFields(merged.Schema)));
    }

    /// <summary>Of many updaters the oldest are put together, a bucket a version.</summary>
    private static void Cap(Owners owners)
    {
        var updaters = owners.Entries.Where(e => !e.Key.IsApply).ToList();
        if (updaters.Count <= MaxUpdaters) return;
        var first = new Dictionary<string, ManagedFieldsEntry>(StringComparer.Ordinal);
        var left = updaters.Count;
        foreach (var entry in updaters.OrderBy(e => e.Time ?? "", StringComparer.Ordinal).ThenBy(e => e.Key))
        {
            if (left <= MaxUpdaters) break;
            if (!first.TryGetValue(entry.ApiVersion, out var oldest))
            {
                first[entry.ApiVersion] = entry;
                continue;
            }

            var bucket = ManagerKey.Updater(OldUpdaters, entry.ApiVersion, "");
            var fields = (owners.Find(bucket) ?? oldest).Fields.Union(entry.Fields);
            if (owners.Find(bucket) is null) owners.Remove(oldest.Key);
            owners.Remove(entry.Key);
            owners.Set(new ManagedFieldsEntry(bucket, entry.ApiVersion, entry.Time, fields));
            left--;
        }
    }

    private static bool IsUnchanged(Owners owners, ManagedFieldsList managed) =>
        owners.Entries.Count == managed.Entries.Count && managed.Entries.All(e => ReferenceEquals(owners.Find(e.Key), e));
}

internal static class ObjectVersionsExtensions
{
    public static VersionedObject? ConvertOrSame(this IObjectVersions versions, VersionedObject value, string apiVersion) =>
        value.ApiVersion == apiVersion ? value : versions.Convert(value, apiVersion);
}
