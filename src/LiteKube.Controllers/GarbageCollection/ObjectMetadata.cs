namespace LiteKube.Controllers.GarbageCollection;

/// <summary>An entry of metadata.ownerReferences.</summary>
internal sealed record OwnerLink(string ApiVersion, string Kind, string Name, string Uid, bool BlockOwnerDeletion)
{
    public string Group => ApiVersion.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? ApiVersion[..slash] : "";
}

/// <summary>What the collector reads of an object; everything else is skipped unread.</summary>
internal sealed record ObjectMetadata(string Uid, string Namespace, string Name, string ResourceVersion, IReadOnlyList<OwnerLink> Owners, bool IsDeleting, bool HasForegroundFinalizer, bool HasOrphanFinalizer)
{
    public const string ForegroundFinalizer = "foregroundDeletion";
    public const string OrphanFinalizer = "orphan";
}

/// <param name="Continue">Empty on the last page.</param>
internal sealed record MetadataPage(IReadOnlyList<ObjectMetadata> Items, string ResourceVersion, string Continue);

/// <param name="Type">ADDED, MODIFIED, DELETED, BOOKMARK.</param>
internal sealed record MetadataEvent(string Type, ObjectMetadata Object);
