namespace LiteKube.ApiServer.Endpoints;

/// <summary>Whether the store takes writes, as the last one that tried found out.</summary>
internal sealed class StoreHealth
{
    private volatile string? _failure;

    /// <summary>Why the last write failed; null when it did not.</summary>
    public string? Failure => _failure;

    public void Failed(string reason) => _failure = reason;

    public void Succeeded()
    {
        // Almost always already null: a read costs the caches nothing, a write would.
        if (_failure is not null) _failure = null;
    }
}
