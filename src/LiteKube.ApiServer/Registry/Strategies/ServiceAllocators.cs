using System.Net;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The cluster addresses and node ports that Services hold, counted in memory from what the store has: every write passes through here.</summary>
internal sealed class ServiceAllocators
{
    private const int MaxAddresses = 1 << 16;
    private const int PortAttempts = 64;

    private readonly IObjectReader _objects;
    private readonly Lock _loadLock = new();
    private readonly uint _base;
    private readonly int _addressCount;
    private readonly NumberAllocator _addresses;
    private readonly NumberAllocator _ports;
    private readonly Func<int, bool> _isPortFree;
    private volatile bool _isLoaded;

    public ServiceAllocators(IObjectReader objects, string cidr, (int First, int Last) portRange, Func<int, bool>? isPortFree = null)
    {
        _objects = objects;
        _isPortFree = isPortFree ?? (_ => true);
        Cidr = cidr;
        PortRange = portRange;
        var network = IPNetwork.Parse(cidr);
        if (network.BaseAddress.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork)
            throw new ArgumentException($"the service range {cidr} must be an IPv4 one", nameof(cidr));
        // Neither the network's own address nor the broadcast address is given away.
        _base = ToNumber(network.BaseAddress) + 1;
        _addressCount = (int)Math.Min(MaxAddresses, (1L << (32 - network.PrefixLength)) - 2);
        _addresses = new(_addressCount, Band(_addressCount, 16, 256, 16));
        var ports = portRange.Last - portRange.First + 1;
        _ports = new(ports, Band(ports, 16, 128, 32));
    }

    public string Cidr { get; }
    public (int First, int Last) PortRange { get; }

    /// <summary>Null when the address may be used and is now held; else Kubernetes' complaint.</summary>
    public string? TakeAddress(string text)
    {
        Load();
        if (!IPAddress.TryParse(text, out var address) || AddressIndex(address) is not { } index)
            return $"failed to allocate IP {text}: the provided IP ({text}) is not in the valid range. The range of valid IPs is {Cidr}";
        return !IsReserved(address) && _addresses.TryTake(index) ? null : $"failed to allocate IP {text}: provided IP is already allocated";
    }

    public string TakeAnyAddress()
    {
        Load();
        var passedOver = new List<int>();
        try
        {
            while (_addresses.TakeAny() is { } index)
            {
                var address = FromNumber(_base + (uint)index);
                if (!IsReserved(address))
                    return address.ToString();
                passedOver.Add(index);
            }
        }
        finally
        {
            passedOver.ForEach(_addresses.Release);
        }
        throw ApiException.Internal("failed to allocate a serviceIP: range is full");
    }

    /// <summary>Whether somebody has put the address aside by an IPAddress object.</summary>
    private bool IsReserved(IPAddress address) => _objects.Get(CoreResources.IPAddresses, "", address.ToString()) is not null;

    public string? TakePort(long port)
    {
        Load();
        if (port < PortRange.First || port > PortRange.Last)
            return $"provided port is not in the valid range. The range of valid ports is {PortRange.First}-{PortRange.Last}";
        return _ports.TryTake((int)port - PortRange.First) ? null : "provided port is already allocated";
    }

    public long TakeAnyPort()
    {
        Load();
        var passedOver = new List<int>();
        try
        {
            while (passedOver.Count < PortAttempts && _ports.TakeAny() is { } index)
            {
                // Another cluster or program of this machine may have it.
                if (_isPortFree(PortRange.First + index))
                    return PortRange.First + index;
                passedOver.Add(index);
            }
            if (passedOver is [.., var last])
            {
                // All seem in use, which translation can live with better than a Service can with no port.
                passedOver.RemoveAt(passedOver.Count - 1);
                return PortRange.First + last;
            }
        }
        finally
        {
            passedOver.ForEach(_ports.Release);
        }
        throw ApiException.Internal("failed to allocate a nodePort: range is full");
    }

    public void ReleaseAddress(string text)
    {
        Load();
        if (IPAddress.TryParse(text, out var address) && AddressIndex(address) is { } index)
            _addresses.Release(index);
    }

    public void ReleasePort(long port)
    {
        Load();
        if (port >= PortRange.First && port <= PortRange.Last)
            _ports.Release((int)port - PortRange.First);
    }

    /// <summary>The cluster addresses that a stored Service holds.</summary>
    public static HashSet<string> AddressesOf(JsonObject? service) =>
        service.Obj("spec").Str("type") == "ExternalName" ? [] : [.. service.Obj("spec").Strings("clusterIPs").Append(service.Obj("spec").Str("clusterIP")).Where(a => a is not ("" or "None"))];

    public static HashSet<long> PortsOf(JsonObject? service)
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
            foreach (var service in _objects.List(CoreResources.Services))
            {
                foreach (var text in AddressesOf(service))
                {
                    if (IPAddress.TryParse(text, out var address) && AddressIndex(address) is { } index)
                        _addresses.TryTake(index);
                }
                foreach (var port in PortsOf(service).Where(p => p >= PortRange.First && p <= PortRange.Last))
                    _ports.TryTake((int)port - PortRange.First);
            }
            _isLoaded = true;
        }
    }

    private int? AddressIndex(IPAddress address)
    {
        if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork)
            return null;
        var index = (long)ToNumber(address) - _base;
        return index >= 0 && index < _addressCount ? (int)index : null;
    }

    private static int Band(int size, int min, int max, int step) => size < min ? 0 : Math.Clamp(size / step, min, max);

    private static uint ToNumber(IPAddress address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());

    private static IPAddress FromNumber(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
