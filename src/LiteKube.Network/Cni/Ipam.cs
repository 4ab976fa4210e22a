using System.Net;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Cni;

/// <summary>
/// Pod addresses by files: one file an address, named by it, holding its owner; "last" points behind the address
/// given out last, so that a freed one rests as long as possible. The file system is the only state: a crash at any
/// instant leaves an address either owned or free, and <see cref="Sweep"/> frees those whose sandbox is gone.
/// </summary>
internal sealed class Ipam
{
    private const string LastFile = "last";
    private const string TemporaryFile = "tmp";

    private readonly string _directory;
    private readonly IPNetwork _subnet;

    /// <param name="stateDirectory">NetworkOptions.CniStateDirectory.</param>
    public Ipam(string stateDirectory, IPNetwork subnet)
    {
        _directory = Path.Combine(stateDirectory, "addresses");
        _subnet = subnet;
        Directory.CreateDirectory(_directory);
    }

    /// <summary>The owner's address; the one it already has when it has one.</summary>
    /// <exception cref="IOException">Every address is taken.</exception>
    public IPAddress Allocate(string containerId, string interfaceName)
    {
        var owner = Owner(containerId, interfaceName);
        using (Lock())
        {
            var taken = Read();
            foreach (var (address, heldBy) in taken)
            {
                if (heldBy == owner)
                    return address;
            }
            // Network, gateway and broadcast address are nobody's.
            var first = Ipv4.ToNumber(_subnet.BaseAddress) + 2;
            var count = Ipv4.Size(_subnet) - 3;
            var last = File.Exists(PathOf(LastFile)) && IPAddress.TryParse(File.ReadAllText(PathOf(LastFile)), out var parsed) && _subnet.Contains(parsed)
                ? Ipv4.ToNumber(parsed) : first - 1;
            for (uint i = 0; i < count; i++)
            {
                var candidate = Ipv4.FromNumber(first + (last + 1 - first + i) % count);
                if (taken.ContainsKey(candidate))
                    continue;
                Write(candidate.ToString(), owner);
                Write(LastFile, candidate.ToString());
                return candidate;
            }
        }
        throw new IOException($"no free pod address in {_subnet}: all {Ipv4.Size(_subnet) - 3} are taken; delete pods or configure a larger pod CIDR");
    }

    public IPAddress? Find(string containerId, string interfaceName)
    {
        var owner = Owner(containerId, interfaceName);
        using (Lock())
            return Read().FirstOrDefault(pair => pair.Value == owner).Key;
    }

    /// <summary>Frees what the owner has. Returns the address that was freed.</summary>
    public IPAddress? Release(string containerId, string interfaceName)
    {
        var owner = Owner(containerId, interfaceName);
        using (Lock())
        {
            var address = Read().FirstOrDefault(pair => pair.Value == owner).Key;
            if (address is not null)
                File.Delete(PathOf(address.ToString()));
            return address;
        }
    }

    /// <summary>
    /// Frees every address whose sandbox is not among the live ones. The snapshot must be older than their listing: an
    /// address given out in between is left alone.
    /// </summary>
    public IReadOnlyList<IPAddress> Sweep(IReadOnlyDictionary<IPAddress, string> snapshot, IReadOnlySet<string> liveContainerIds)
    {
        var freed = new List<IPAddress>();
        using (Lock())
        {
            foreach (var (address, owner) in Read())
            {
                var container = owner.Split(' ')[0];
                if (snapshot.TryGetValue(address, out var seen) && seen == container && !liveContainerIds.Contains(container))
                {
                    File.Delete(PathOf(address.ToString()));
                    freed.Add(address);
                }
            }
        }
        return freed;
    }

    /// <summary>Every taken address and its sandbox.</summary>
    public IReadOnlyDictionary<IPAddress, string> Snapshot()
    {
        using (Lock())
            return Read().ToDictionary(pair => pair.Key, pair => pair.Value.Split(' ')[0]);
    }

    private static string Owner(string containerId, string interfaceName) => $"{containerId} {interfaceName}";

    private string PathOf(string name) => Path.Combine(_directory, name);

    private LockFile Lock() => LockFile.Acquire(PathOf("lock"));

    private Dictionary<IPAddress, string> Read()
    {
        var taken = new Dictionary<IPAddress, string>();
        foreach (var file in Directory.EnumerateFiles(_directory))
        {
            if (IPAddress.TryParse(Path.GetFileName(file), out var address))
                taken[address] = File.ReadAllText(file);
        }
        return taken;
    }

    // By rename, so that a kill between two system calls never leaves an address with half an owner.
    private void Write(string name, string content)
    {
        File.WriteAllText(PathOf(TemporaryFile), content);
        File.Move(PathOf(TemporaryFile), PathOf(name), overwrite: true);
    }
}
