namespace LiteKube.Storage;

/// <summary>One write on its way through the writer; the caller awaits its task.</summary>
internal sealed class WriteRequest(string key, ValueTemplate? value, bool isDelete, long? expectedRevision, CancellationToken cancellationToken)
    : TaskCompletionSource<WriteResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public string Key { get; } = key;

    /// <summary>What to write; for a deletion the tombstone, if one was given.</summary>
    public ValueTemplate? Value { get; } = value;

    public bool IsDelete { get; } = isDelete;

    public long? ExpectedRevision { get; } = expectedRevision;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>The answer, held back until the commit.</summary>
    public WriteResult Result { get; set; }
}

/// <summary>Someone waits until the history through this revision is forgotten.</summary>
internal sealed class CompactRequest(long revision) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public long Revision { get; } = revision;
}
