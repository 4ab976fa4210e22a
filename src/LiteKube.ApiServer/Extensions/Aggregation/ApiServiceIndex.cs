using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>The APIServices of this moment, read again after a write of one: routing asks it, nobody waits for a watch.</summary>
internal sealed class ApiServiceIndex(IObjectReader objects)
{
    private readonly Lock _lock = new();
    private volatile ApiServiceTable? _table;
    private int _writes;

    public ApiServiceTable Current => _table ?? Read();

    /// <summary>One was written or removed.</summary>
    public void Invalidate()
    {
        Interlocked.Increment(ref _writes);
        _table = null;
    }

    private ApiServiceTable Read()
    {
        lock (_lock)
        {
            while (true)
            {
                if (_table is { } known) return known;
                var writes = Volatile.Read(ref _writes);
                var table = new ApiServiceTable(objects.List(ApiService.Resource).Select(ApiService.Read));
                _table = table;
                // Written meanwhile: what was read may be older than that.
                if (writes == Volatile.Read(ref _writes)) return table;
                _table = null;
            }
        }
    }
}

/// <summary>All APIServices as of one moment. Immutable.</summary>
internal sealed class ApiServiceTable
{
    private readonly FrozenDictionary<GroupVersion, ApiService> _byGroupVersion;
    private readonly FrozenDictionary<GroupVersion, ApiService> _remote;

    public ApiServiceTable(IEnumerable<ApiService> services)
    {
        _byGroupVersion = services.ToFrozenDictionary(s => s.GroupVersion);
        _remote = _byGroupVersion.Values.Where(s => s.Target is not null).ToFrozenDictionary(s => s.GroupVersion);
    }

    public IEnumerable<ApiService> All => _byGroupVersion.Values;

    /// <summary>Those that other servers answer.</summary>
    public IReadOnlyDictionary<GroupVersion, ApiService> Remote => _remote;

    public bool TryFind(GroupVersion groupVersion, [NotNullWhen(true)] out ApiService? service) => _byGroupVersion.TryGetValue(groupVersion, out service);

    public bool TryFindRemote(GroupVersion groupVersion, [NotNullWhen(true)] out ApiService? service) => _remote.TryGetValue(groupVersion, out service);
}
