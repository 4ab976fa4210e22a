using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

public sealed class AllocatorTests
{
    [Fact]
    public void Many_takers_at_once_get_each_number_once_and_then_hear_that_the_range_is_full()
    {
        var allocators = new ServiceAllocators(new InMemoryObjects(), "10.0.0.0/24", (30000, 30199));
        var (addresses, ports) = (new string[254], new long[200]);
        Parallel.For(0, 254, i => addresses[i] = allocators.TakeAnyAddress());
        Parallel.For(0, 200, i => ports[i] = allocators.TakeAnyPort());
        Assert.Equal(254, addresses.Distinct().Count());
        Assert.DoesNotContain("10.0.0.0", addresses);
        Assert.DoesNotContain("10.0.0.255", addresses);
        Assert.Equal(200, ports.Distinct().Count());
        Assert.Equal("Internal error occurred: failed to allocate a nodePort: range is full", Assert.Throws<ApiException>(() => allocators.TakeAnyPort()).Message);
        Assert.Equal("Internal error occurred: failed to allocate a serviceIP: range is full", Assert.Throws<ApiException>(() => allocators.TakeAnyAddress()).Message);
        allocators.ReleasePort(30007);
        Assert.Equal(30007, allocators.TakeAnyPort());
    }

    [Fact]
    public void Free_choice_leaves_the_low_addresses_to_those_who_name_them()
    {
        var allocators = new ServiceAllocators(new InMemoryObjects(), "10.152.183.0/24", (30000, 32767));
        for (var i = 0; i < 200; i++)
        {
            Assert.True(byte.Parse(allocators.TakeAnyAddress().Split('.')[3], System.Globalization.CultureInfo.InvariantCulture) > 16);
            Assert.True(allocators.TakeAnyPort() >= 30086);
        }
        Assert.Null(allocators.TakeAddress("10.152.183.10"));
        Assert.Equal("failed to allocate IP 10.152.183.10: provided IP is already allocated", allocators.TakeAddress("10.152.183.10"));
    }

    [Fact]
    public void A_port_that_the_machine_uses_is_given_only_to_who_names_it()
    {
        var allocators = new ServiceAllocators(new InMemoryObjects(), "10.0.0.0/24", (30000, 30002), port => port != 30001);
        Assert.Equal([30000, 30002], new[] { allocators.TakeAnyPort(), allocators.TakeAnyPort() }.Order());
        Assert.Equal(30001, allocators.TakeAnyPort());
        allocators.ReleasePort(30001);
        Assert.Null(allocators.TakePort(30001));
        Assert.Throws<ApiException>(() => allocators.TakeAnyPort());
    }

    [Fact]
    public void What_stored_services_hold_is_taken_from_the_start()
    {
        var objects = new InMemoryObjects();
        objects.Put("""{"kind":"Service","apiVersion":"v1","metadata":{"name":"s","namespace":"default"},"spec":{"type":"NodePort","clusterIP":"10.0.0.50","clusterIPs":["10.0.0.50"],"ports":[{"port":80,"nodePort":30100}]}}""");
        var allocators = new ServiceAllocators(objects, "10.0.0.0/24", (30000, 30199));
        Assert.NotNull(allocators.TakeAddress("10.0.0.50"));
        Assert.Equal("provided port is already allocated", allocators.TakePort(30100));
    }

    [Fact]
    public void An_address_that_somebody_put_aside_is_not_given_out()
    {
        var objects = new InMemoryObjects();
        for (var i = 1; i <= 5; i++)
            objects.Put($$$$"""{"kind":"IPAddress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"10.0.0.{{{{i}}}}"},"spec":{"parentRef":{"resource":"gateways","name":"g"}}}""");
        var allocators = new ServiceAllocators(objects, "10.0.0.0/29", (30000, 30199));
        Assert.Equal("failed to allocate IP 10.0.0.2: provided IP is already allocated", allocators.TakeAddress("10.0.0.2"));
        Assert.Equal("10.0.0.6", allocators.TakeAnyAddress());
        Assert.Throws<ApiException>(() => allocators.TakeAnyAddress());
    }
}
