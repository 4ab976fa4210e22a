using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>
/// The cluster addresses that are held, by Services and by IPAddress objects, and the ranges that ServiceCIDRs give
/// (https://kubernetes.io/docs/reference/networking/virtual-ips/#ip-address-objects). Kept in memory, since every write
/// of a Service or an IPAddress passes through here: an address has one holder from before either is stored.
/// </summary>
/// <param name="cidr">The range given at start; it counts until the ServiceCIDR that shows it is there.</param>
internal sealed class ServiceAddresses(IObjectReader objects, string cidr)
{
    /// <summary>The ServiceCIDR that shows the range given at start.</summary>
    public const string DefaultRange = "kubernetes";

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Holding> _held = [];
    private readonly Dictionary<string, AddressRange> _parsed = new(StringComparer.Ordinal);
    private bool _isLoaded;

    /// <summary>Tells of a Service ("namespace/name") whose address has lost its IPAddress object.</summary>
    public event Action<string>? ObjectLost;

    /// <summary>Null when the address may be used and is now the Service's; else Kubernetes' complaint.</summary>
    /// <param name="service">"namespace/name".</param>
    public string? Take(string text, string service)
    {
        lock (_lock)
        {
            Load();
            if (Number(text) is not { } number || Ranges().Where(r => r.IsOf(number)).ToList() is not { Count: > 0 } ranges)
                return $"failed to allocate IP {text}: the provided network does not match the current range";
            if (!ranges.Exists(r => r.Contains(number)))
                return $"failed to allocate IP {text}: the provided IP ({text}) is not in the valid range. The range of valid IPs is {ranges[0].Cidr}";
            return _held.TryAdd(number, new Holding(service, HasObject: false)) ? null : $"failed to allocate IP {text}: provided IP is already allocated";
        }
    }

    public string TakeAny(string service)
    {
        lock (_lock)
        {
            Load();
            foreach (var range in Ranges())
            {
                if (range.FindFree(_held.ContainsKey) is not { } number) continue;
                _held[number] = new Holding(service, HasObject: false);
                return Text(number);
            }
        }
        throw ApiException.Internal("failed to allocate a serviceIP: range is full");
    }

    public void Release(string text)
    {
        lock (_lock)
        {
            Load();
            if (Number(text) is not { } number || !_held.TryGetValue(number, out var holding)) return;
            if (holding.HasObject) _held[number] = holding with { Service = null };
            else _held.Remove(number);
        }
    }

    /// <summary>Whether a Service has the address, or is just getting it.</summary>
    public bool IsOfService(string text)
    {
        lock (_lock)
        {
            Load();
            return Number(text) is { } number && _held.TryGetValue(number, out var holding) && holding.Service is not null;
        }
    }

    /// <summary>Whether a range that a Service may have addresses of has this one.</summary>
    public bool IsInRange(string text)
    {
        lock (_lock) return Number(text) is { } number && Ranges().Any(r => r.Contains(number));
    }

    /// <summary>An IPAddress object is being made: false when another one, or a Service that it does not belong to, has the address.</summary>
    public bool TakeObject(JsonObject value)
    {
        lock (_lock)
        {
            Load();
            if (Number(value.MetaName()) is not { } number) return true;
            _held.TryGetValue(number, out var holding);
            if (holding is { HasObject: true } || (holding?.Service is { } service && service != ServiceOf(value))) return false;
            _held[number] = new Holding(holding?.Service, HasObject: true);
            return true;
        }
    }

    public void ReleaseObject(string name)
    {
        string? service;
        lock (_lock)
        {
            Load();
            if (Number(name) is not { } number || !_held.TryGetValue(number, out var holding)) return;
            service = holding.Service;
            if (service is null) _held.Remove(number);
            else _held[number] = holding with { HasObject = false };
        }
        if (service is not null) ObjectLost?.Invoke(service);
    }

    /// <summary>The cluster addresses that a stored Service holds.</summary>
    public static HashSet<string> Of(JsonObject? service) =>
        service.Obj("spec").Str("type") == "ExternalName" ? [] : [.. service.Obj("spec").Strings("clusterIPs").Append(service.Obj("spec").Str("clusterIP")).Where(a => a is not ("" or "None"))];

    /// <summary>"namespace/name" of the Service that an IPAddress belongs to; null: it belongs to something else.</summary>
    public static string? ServiceOf(JsonObject address)
    {
        var parent = address.Obj("spec", "parentRef");
        return parent.Str("group").Length == 0 && parent.Str("resource") == "services" ? $"{parent.Str("namespace")}/{parent.Str("name")}" : null;
    }

    /// <summary>The ranges to give addresses of, those that nobody says are not ready.</summary>
    private List<AddressRange> Ranges()
    {
        var ranges = new List<AddressRange>();
        var hasDefault = false;
        foreach (var range in objects.List(CoreResources.ServiceCidrs))
        {
            hasDefault |= range.MetaName() == DefaultRange;
            var ready = range.Obj("status").Items("conditions").FirstOrDefault(c => c.Str("type") == "Ready");
            if (range.Obj("metadata").Has("deletionTimestamp") || ready?.Str("status") is not (null or "True")) continue;
            foreach (var text in range.Obj("spec").Strings("cidrs")) Add(text);
        }
        if (!hasDefault) Add(cidr);
        return ranges;

        void Add(string text)
        {
            if (!_parsed.TryGetValue(text, out var parsed) && AddressRange.Parse(text) is { } read) _parsed[text] = parsed = read;
            if (parsed is not null && !ranges.Contains(parsed)) ranges.Add(parsed);
        }
    }

    private void Load()
    {
        if (_isLoaded) return;
        foreach (var address in objects.List(CoreResources.IPAddresses))
        {
            if (Number(address.MetaName()) is { } number) _held[number] = new Holding(null, HasObject: true);
        }
        foreach (var service in objects.List(CoreResources.Services))
        {
            foreach (var text in Of(service))
            {
                if (Number(text) is { } number) _held[number] = new Holding($"{service.MetaNamespace()}/{service.MetaName()}", _held.TryGetValue(number, out var holding) && holding.HasObject);
            }
        }
        _isLoaded = true;
    }

    private static uint? Number(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork ? BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes()) : null;

    private static string Text(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes).ToString();
    }

    /// <param name="Service">Who has it, as "namespace/name".</param>
    /// <param name="HasObject">An IPAddress object says so.</param>
    private sealed record Holding(string? Service, bool HasObject);

    /// <summary>One IPv4 range. Free choice is made from above its static band first, so that what users name themselves is seldom taken already (KEP-3070).</summary>
    private sealed class AddressRange(string cidr, IPNetwork network)
    {
        private readonly uint _base = BinaryPrimitives.ReadUInt32BigEndian(network.BaseAddress.GetAddressBytes());
        // Neither the network's own address nor the broadcast address is given away.
        private readonly long _count = Math.Max(0, (1L << (32 - network.PrefixLength)) - 2);

        public string Cidr { get; } = cidr;

        private long Band => _count < 16 ? 0 : Math.Clamp(_count / 16, 16, 256);

        /// <summary>Null: of another family.</summary>
        public static AddressRange? Parse(string text) =>
            IPNetwork.TryParse(text, out var network) && network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? new(text, network) : null;

        /// <summary>The network has it, though it may be one that is never given away.</summary>
        public bool IsOf(uint number) => number >= _base && number - _base <= _count + 1;

        public bool Contains(uint number) => number > _base && number - _base <= _count;

        public uint? FindFree(Func<uint, bool> isHeld) => FindFree(Band, _count, isHeld) ?? FindFree(0, Band, isHeld);

        private uint? FindFree(long first, long end, Func<uint, bool> isHeld)
        {
            if (first >= end) return null;
            var start = RandomNumberGenerator.GetInt32((int)Math.Min(int.MaxValue, end - first));
            for (var i = 0L; i < end - first; i++)
            {
                var number = _base + 1 + (uint)(first + ((start + i) % (end - first)));
                if (!isHeld(number)) return number;
            }
            return null;
        }
    }
}
