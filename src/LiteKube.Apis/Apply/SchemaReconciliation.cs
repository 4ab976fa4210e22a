using System.Text.Json.Nodes;

namespace LiteKube.Apis.Apply;

/// <summary>
/// A field set that was written under an earlier schema: who owned parts of what has since become atomic owns it as a
/// whole. The other way needs nothing: an owner of the whole keeps owning it.
/// </summary>
internal static class SchemaReconciliation
{
    public static FieldSet Reconcile(FieldSet set, IMergeSchema schema)
    {
        if (ReferenceEquals(set.ReconciledFor, schema)) return set;
        var fitting = Walk(set, schema);
        fitting.ReconciledFor = schema;
        return fitting;
    }

    private static FieldSet Walk(FieldSet set, IMergeSchema schema)
    {
        FieldSetEntry[]? changed = null;
        for (var i = 0; i < set.Entries.Length; i++)
        {
            var entry = set.Entries[i];
            if (entry.Children is null || schema.Below(entry.Element, out _) is not { } child) continue;
            FieldSetEntry replaced;
            if (IsAtomic(child))
            {
                replaced = new(entry.Element, true, null);
            }
            else
            {
                var children = Walk(entry.Children, child);
                if (ReferenceEquals(children, entry.Children)) continue;
                replaced = entry with { Children = children };
            }

            changed ??= [.. set.Entries];
            changed[i] = replaced;
        }

        return changed is null ? set : new(changed);
    }

    // Without a declared form nothing can have changed.
    private static bool IsAtomic(IMergeSchema schema) => schema switch
    {
        { Map: not null, List: not null } => ReferenceEquals(schema, MergeSchemas.Untyped),
        { Map: { } map } => map.IsAtomic,
        { List: { } list } => list.IsAtomic(),
        _ => false,
    };
}
