using LiteKube.Storage.Index;

namespace LiteKube.Storage;

/// <summary>The state as of one revision. Swapping the store's snapshot is the one moment at which a commit becomes visible.</summary>
internal sealed record Snapshot(KeyTree Tree, long Revision);
