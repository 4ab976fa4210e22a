using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The node ports that Services hold, counted in memory from what the store has: every write passes through here.</summary>
/// <param name="isPortFree">Whether no other cluster or program of this machine has it.</param>
internal sealed class ServicePorts(IObjectReader objects, (int First, int Last) range, Func<int, bool>? isPortFree = null)
{
    private const int Attempts = 64;

    private readonly Lock _loadLock = new();
    private readonly Func<int, bool> _isPortFree = isPortFree ?? (_ => true);
    private readonly NumberAllocator _ports = new(range.Last - range.First + 1, Band(range.Last - range.First + 1));
    private volatile bool _isLoaded;

    /// <summary>Null when the port may be used and is now held; else Kubernetes' complaint.</summary>
    public string? Take(long port)
    {
        Load();
        if (port < range.First || port > range.Last)
            return $"provided port is not in the valid range. The range of valid ports is {range.First}-{range.Last}";
        return _ports.TryTake((int)port - range.First) ? null : "provided port is already allocated";
    }

    public long TakeAny()
    {
        Load();
        var passedOver = new List<int>();
        try
        {
            while (passedOver.Count < Attempts && _ports.TakeAny() is { } index)
            {
                if (_isPortFree(range.First + index))
                    return range.First + index;
                passedOver.Add(index);
            }
            if (passedOver is [.., var last])
            {
                // All seem in use, which translation can live with better than a Service can with no port.
                passedOver.RemoveAt(passedOver.Count - 1);
                return range.First + last;
            }
        }
        finally
        {
            passedOver.ForEach(_ports.Release);
        }
        throw ApiException.Internal("failed to allocate a nodePort: range is full");
    }

    public void Release(long port)
    {
        Load();
        if (port >= range.First && port <= range.Last)
            _ports.Release((int)port - range.First);
    }

    /// <summary>The node ports that a stored Service holds.</summary>
    public static HashSet<long> Of(JsonObject? service)
    {
        HashSet<long> ports = [.. service.Obj("spec").Items("ports").Select(p => p.Long("nodePort"))];
        ports.Add(service.Obj("spec").Long("healthCheckNodePort"));
        ports.Remove(0);
        return ports;
    }

    private void Load()
    {
        if (_isLoaded)
            return;
        lock (_loadLock)
        {
            if (_isLoaded)
                return;
            foreach (var service in objects.List(CoreResources.Services))
            {
                foreach (var port in Of(service).Where(p => p >= range.First && p <= range.Last))
                    _ports.TryTake((int)port - range.First);
            }
            _isLoaded = true;
        }
    }

    /// <summary>The part of the range that is left to who names a port (KEP-3668).</summary>
    private static int Band(int size) => size < 16 ? 0 : Math.Clamp(size / 32, 16, 128);
}
