namespace LiteKube.Apis.Apply;

/// <summary>
/// Owners between an object and its /scale, which shows one of its fields under another name: who owns the object's
/// replicas owns the scale's, and the other way round.
/// </summary>
/// <param name="replicasPath">Where a version of the object has its replicas (<c>spec.replicas</c>); null: it is not served.</param>
public sealed class ScaleOwnership(Func<string, string?> replicasPath)
{
    public const string ScaleVersion = "autoscaling/v1";

    private static readonly FieldSet ScaleReplicas = FieldSet.OfFields("spec.replicas");

    /// <summary>The owners of the scale's replicas.</summary>
    public ManagedFieldsList ToScale(ManagedFieldsList parent) => ManagedFieldsList.Of(parent.Entries
        .Where(e => ReplicasOf(e.ApiVersion) is { } replicas && replicas.IsSubsetOf(e.Fields))
        .Select(e => new ManagedFieldsEntry(InVersion(e.Key, ScaleVersion), ScaleVersion, e.Time, ScaleReplicas)));

    /// <summary>The object's owners after a write to its scale.</summary>
    /// <param name="apiVersion">The object's version in the request.</param>
    public ManagedFieldsList ToParent(ManagedFieldsList parent, ManagedFieldsList scale, string apiVersion)
    {
        var owners = scale.Entries.Where(e => ScaleReplicas.IsSubsetOf(e.Fields)).ToDictionary(e => InVersion(e.Key, ""));
        var result = new List<ManagedFieldsEntry>();
        foreach (var entry in parent.Entries)
        {
            if (ReplicasOf(entry.ApiVersion) is not { } replicas) continue;
            if (!replicas.IsSubsetOf(entry.Fields) || owners.Remove(InVersion(entry.Key, "")))
                result.Add(entry);
            else if (entry.With(entry.Fields.Except(replicas)) is { Fields.IsEmpty: false } rest)
                result.Add(rest);
        }

        // Upstream gives these entries no time, and clients that compare see none.
        if (ReplicasOf(apiVersion) is { } own) result.AddRange(owners.Values.Select(e => new ManagedFieldsEntry(InVersion(e.Key, apiVersion), apiVersion, null, own)));
        return ManagedFieldsList.Of(result);
    }

    private FieldSet? ReplicasOf(string apiVersion) => replicasPath(apiVersion) is { } path ? FieldSet.OfFields(path.TrimStart('.')) : null;

    private static ManagerKey InVersion(ManagerKey key, string apiVersion) => key.IsApply ? key : key with { ApiVersion = apiVersion };
}
