namespace LiteKube.ApiServer.Registry;

/// <summary>meta.k8s.io/v1 DeleteOptions as the registry uses them.</summary>
/// <param name="Propagation">Orphan, Background or Foreground; null: the kind's default.</param>
internal sealed record DeleteOptions(long? GracePeriodSeconds = null, string? Propagation = null, string? Uid = null, string? ResourceVersion = null, bool DryRun = false)
{
    /// <summary>orphanDependents: false was given: the answer is 202 while the object stays.</summary>
    public bool AsksForAccepted { get; init; }
}

/// <param name="Removed">Gone from the store; false: it stays until its grace or finalizers end.</param>
internal readonly record struct DeleteResult(Storage.StoredValue Value, bool Removed);
