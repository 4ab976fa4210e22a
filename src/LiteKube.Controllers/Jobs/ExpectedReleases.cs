using LiteKube.Client;

namespace LiteKube.Controllers.Jobs;

/// <summary>
/// Pods whose tracking finalizer was taken away and that the informer still shows with it. They are counted already:
/// until the informer knows, they are passed over.
/// </summary>
internal sealed class ExpectedReleases
{
    private readonly Dictionary<ObjectKey, HashSet<string>> _uids = [];
    private readonly Lock _lock = new();

    public HashSet<string> Of(ObjectKey job)
    {
        lock (_lock)
            return _uids.TryGetValue(job, out var uids) ? new HashSet<string>(uids, StringComparer.Ordinal) : new HashSet<string>(StringComparer.Ordinal);
    }

    /// <summary>To be called before the finalizers are taken away.</summary>
    public void Expect(ObjectKey job, IEnumerable<string> uids)
    {
        lock (_lock)
        {
            if (!_uids.TryGetValue(job, out var known))
                _uids[job] = known = new HashSet<string>(StringComparer.Ordinal);
            known.UnionWith(uids);
        }
    }

    /// <summary>The pod was seen without the finalizer or is gone, or the attempt failed.</summary>
    public void Observed(ObjectKey job, string uid)
    {
        lock (_lock)
        {
            if (_uids.TryGetValue(job, out var known) && known.Remove(uid) && known.Count == 0)
                _uids.Remove(job);
        }
    }

    public void Forget(ObjectKey job)
    {
        lock (_lock)
            _uids.Remove(job);
    }
}
