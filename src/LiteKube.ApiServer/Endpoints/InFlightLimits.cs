namespace LiteKube.ApiServer.Endpoints;

/// <summary>
/// Upstream's --max-requests-inflight and --max-mutating-requests-inflight: beyond them a client is told to come back
/// in a second, which keeps memory bounded. Watches and connections do not count.
/// </summary>
internal sealed class InFlightLimits
{
    private const int MaxReadOnly = 400;
    private const int MaxMutating = 200;

    private int _readOnly;
    private int _mutating;

    public int ReadOnly => Volatile.Read(ref _readOnly);
    public int Mutating => Volatile.Read(ref _mutating);

    /// <exception cref="ApiException">429.</exception>
    public Permit Enter(RequestInfo info)
    {
        if (IsLongRunning(info)) return default;
        var isMutating = info.Verb is "create" or "update" or "patch" or "delete" or "deletecollection" or "post" or "put";
        ref var count = ref isMutating ? ref _mutating : ref _readOnly;
        if (Interlocked.Increment(ref count) <= (isMutating ? MaxMutating : MaxReadOnly)) return new Permit(this, isMutating);
        Interlocked.Decrement(ref count);
        throw ApiException.TooManyRequests("too many requests, please try again later.", TimeSpan.FromSeconds(1));
    }

    private static bool IsLongRunning(RequestInfo info) =>
        info.Verb == "watch" || info.Subresource is "exec" or "attach" or "portforward" or "log" or "proxy" || info.Path is "/healthz" or "/livez" or "/readyz";

    internal readonly struct Permit(InFlightLimits? owner, bool isMutating) : IDisposable
    {
        public void Dispose()
        {
            if (owner is null) return;
            if (isMutating) Interlocked.Decrement(ref owner._mutating);
            else Interlocked.Decrement(ref owner._readOnly);
        }
    }
}
