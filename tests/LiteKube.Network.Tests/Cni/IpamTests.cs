using System.Collections.Concurrent;
using System.Net;
using LiteKube.Network.Cni;

namespace LiteKube.Network.Tests.Cni;

public sealed class IpamTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("ipam").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Parallel_callers_never_share_an_address_and_use_all_of_them()
    {
        var subnet = IPNetwork.Parse("10.5.0.0/26");
        var given = new ConcurrentBag<IPAddress>();
        Parallel.For(0, 61, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => given.Add(new Ipam(_directory, subnet).Allocate($"c{i}", "eth0")));
        Assert.Equal(61, given.Distinct().Count());
        Assert.All(given, address => Assert.InRange(address.GetAddressBytes()[3], 2, 62));
        var error = Assert.Throws<IOException>(() => new Ipam(_directory, subnet).Allocate("late", "eth0"));
        Assert.Contains("no free pod address in 10.5.0.0/26: all 61 are taken", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_sandbox_gets_the_same_address_and_a_freed_one_rests()
    {
        var ipam = new Ipam(_directory, IPNetwork.Parse("10.5.0.0/29"));
        var first = ipam.Allocate("a", "eth0");
        Assert.Equal(first, ipam.Allocate("a", "eth0"));
        Assert.Equal(first, ipam.Release("a", "eth0"));
        Assert.Null(ipam.Release("a", "eth0"));
        // 10.5.0.2 is free again, but is taken only after the rest.
        Assert.Equal(["10.5.0.3", "10.5.0.4", "10.5.0.5", "10.5.0.6", "10.5.0.2"], Enumerable.Range(0, 5).Select(i => ipam.Allocate($"n{i}", "eth0").ToString()));
    }

    [Fact]
    public void A_sweep_frees_only_what_was_there_before_the_sandboxes_were_listed()
    {
        var ipam = new Ipam(_directory, IPNetwork.Parse("10.5.0.0/24"));
        var gone = ipam.Allocate("gone", "eth0");
        ipam.Allocate("live", "eth0");
        var snapshot = ipam.Snapshot();
        ipam.Allocate("younger-than-the-listing", "eth0");
        Assert.Equal([gone], ipam.Sweep(snapshot, new HashSet<string> { "live" }));
        Assert.Equal(["live", "younger-than-the-listing"], ipam.Snapshot().Values.Order(StringComparer.Ordinal));
    }
}
