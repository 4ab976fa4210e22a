using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

public sealed class AllocatorTests
{
    private const string Service = "default/s";

    [Fact]
    public void Many_takers_at_once_get_each_number_once_and_then_hear_that_the_range_is_full()
    {
        var pool = new ServiceAddresses(new InMemoryObjects(), "10.0.0.0/24");
        var portPool = new ServicePorts(new InMemoryObjects(), (30000, 30199));
        var (addresses, ports) = (new string[254], new long[200]);
        Parallel.For(0, 254, i => addresses[i] = pool.TakeAny(Service));
        Parallel.For(0, 200, i => ports[i] = portPool.TakeAny());
        Assert.Equal(254, addresses.Distinct().Count());
        Assert.DoesNotContain("10.0.0.0", addresses);
        Assert.DoesNotContain("10.0.0.255", addresses);
        Assert.Equal(200, ports.Distinct().Count());
        Assert.Equal("Internal error occurred: failed to allocate a nodePort: range is full", Assert.Throws<ApiException>(() => portPool.TakeAny()).Message);
        Assert.Equal("Internal error occurred: failed to allocate a serviceIP: range is full", Assert.Throws<ApiException>(() => pool.TakeAny(Service)).Message);
        portPool.Release(30007);
        Assert.Equal(30007, portPool.TakeAny());
    }

    [Fact]
    public void Free_choice_leaves_the_low_addresses_to_those_who_name_them()
    {
        var pool = new ServiceAddresses(new InMemoryObjects(), "10.152.183.0/24");
        var ports = new ServicePorts(new InMemoryObjects(), (30000, 32767));
        for (var i = 0; i < 200; i++)
        {
            Assert.True(byte.Parse(pool.TakeAny(Service).Split('.')[3], System.Globalization.CultureInfo.InvariantCulture) > 16);
            Assert.True(ports.TakeAny() >= 30086);
        }
        Assert.Null(pool.Take("10.152.183.10", Service));
        Assert.Equal("failed to allocate IP 10.152.183.10: provided IP is already allocated", pool.Take("10.152.183.10", Service));
    }

    [Fact]
    public void A_port_that_the_machine_uses_is_given_only_to_who_names_it()
    {
        var ports = new ServicePorts(new InMemoryObjects(), (30000, 30002), port => port != 30001);
        Assert.Equal([30000, 30002], new[] { ports.TakeAny(), ports.TakeAny() }.Order());
        Assert.Equal(30001, ports.TakeAny());
        ports.Release(30001);
        Assert.Null(ports.Take(30001));
        Assert.Throws<ApiException>(() => ports.TakeAny());
    }

    [Fact]
    public void What_stored_services_hold_is_taken_from_the_start()
    {
        var objects = new InMemoryObjects();
        objects.Put("""{"kind":"Service","apiVersion":"v1","metadata":{"name":"s","namespace":"default"},"spec":{"type":"NodePort","clusterIP":"10.0.0.50","clusterIPs":["10.0.0.50"],"ports":[{"port":80,"nodePort":30100}]}}""");
        Assert.NotNull(new ServiceAddresses(objects, "10.0.0.0/24").Take("10.0.0.50", Service));
        Assert.Equal("provided port is already allocated", new ServicePorts(objects, (30000, 30199)).Take(30100));
    }

    [Fact]
    public void An_address_that_somebody_put_aside_is_not_given_out()
    {
        var objects = new InMemoryObjects();
        for (var i = 1; i <= 5; i++)
            objects.Put($$$$"""{"kind":"IPAddress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"10.0.0.{{{{i}}}}"},"spec":{"parentRef":{"resource":"gateways","name":"g"}}}""");
        var pool = new ServiceAddresses(objects, "10.0.0.0/29");
        Assert.Equal("failed to allocate IP 10.0.0.2: provided IP is already allocated", pool.Take("10.0.0.2", Service));
        Assert.Equal("10.0.0.6", pool.TakeAny(Service));
        Assert.Throws<ApiException>(() => pool.TakeAny(Service));
    }

    [Fact]
    public void Every_ready_range_gives_addresses_and_one_that_leaves_gives_none()
    {
        var objects = new InMemoryObjects();
        Range("kubernetes", "10.0.0.0/30", """,{"x":1}""");
        Range("more", "10.1.0.0/30", "");
        Range("fails", "10.2.0.0/30", """,{"type":"Ready","status":"False"}""");
        Range("leaves", "10.3.0.0/30", "", ""","deletionTimestamp":"2026-01-01T00:00:00Z" """);
        Range("six", "fd00::/120", "");
        var pool = new ServiceAddresses(objects, "10.0.0.0/30");

        Assert.Equal(["10.0.0.1", "10.0.0.2", "10.1.0.1", "10.1.0.2"], Enumerable.Range(0, 4).Select(_ => pool.TakeAny(Service)).Order());
        Assert.Throws<ApiException>(() => pool.TakeAny(Service));
        Assert.Equal("failed to allocate IP 10.2.0.1: the provided network does not match the current range", pool.Take("10.2.0.1", Service));
        Assert.Equal("failed to allocate IP 10.3.0.1: the provided network does not match the current range", pool.Take("10.3.0.1", Service));
        Assert.Equal("failed to allocate IP 10.1.0.3: the provided IP (10.1.0.3) is not in the valid range. The range of valid IPs is 10.1.0.0/30", pool.Take("10.1.0.3", Service));

        void Range(string name, string cidr, string condition, string metadata = "") => objects.Put($$$$"""
            {"kind":"ServiceCIDR","apiVersion":"networking.k8s.io/v1","metadata":{"name":"{{{{name}}}}"{{{{metadata}}}}},"spec":{"cidrs":["{{{{cidr}}}}"]},"status":{"conditions":[{"type":"Other"}{{{{condition}}}}]}}
            """);
    }
}
