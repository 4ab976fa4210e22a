using System.Net;
using k8s.Models;
using LiteKube.Network.Netlink;
using LiteKube.Network.Nftables;
using LiteKube.Network.Proxy;
using static LiteKube.Network.Tests.Samples;

namespace LiteKube.Network.Tests.Proxy;

public sealed class ProxyTableTests
{
    private static readonly NetworkOptions Network = new("default", "litekube0", IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("10.152.183.0/24"), IPAddress.Parse("10.152.183.10"), "/var/lib/litekube");

    private static NftTable Render(V1Service[] services, params V1EndpointSlice[] slices) =>
        ProxyTable.Render(Network, ServicePorts.Compute(services, slices, "node-1"));

    /// <summary>What Services add to the table: its fixed chains and empty maps left out.</summary>
    private static string Print(NftTable table)
    {
        var delta = NftDiff.Compute(Render([]), table);
        return string.Join('\n', delta.Script.Replace(" ip litekube-default", "", StringComparison.Ordinal).TrimEnd().Split('\n').Where(l => !l.StartsWith("add chain", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_fixed_part_renders_as_it_should() =>
        Assert.Equal(Golden("fixed.nft"), NftDiff.Full(Render([])).Script);

    [Fact]
    public void A_cluster_address_spreads_over_ready_endpoints_of_its_named_port() =>
        Assert.Equal("""
            add rule svc/default/web/tcp/http meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.1.0.2 . 8080, 1 : 10.1.0.10 . 8080 }
            add element service-addresses { 10.152.183.20 . tcp . 80 : goto svc/default/web/tcp/http }
            add element hairpins { 10.1.0.2 . 10.1.0.2 }
            """, Print(Render([Service("web", "10.152.183.20", 80, portName: "http")],
            Slice("web", 8080, "TCP", "http", Ready("10.1.0.10", node: "node-2"), Ready("10.1.0.2"), Unready("10.1.0.4")),
            Slice("web", 9090, "TCP", "other", Ready("10.1.0.2")))));

    [Fact]
    public void Node_ports_and_external_addresses_masquerade_under_policy_cluster_and_not_under_local()
    {
        V1Service Make(string policy) => Service("web", "10.152.183.20", 80, with: spec =>
        {
            spec.Type = "LoadBalancer";
            spec.Ports[0].NodePort = 30080;
            spec.ExternalTrafficPolicy = policy;
            spec.ExternalIPs = ["192.0.2.9"];
        });
        V1EndpointSlice slice = Slice("web", 8080, Ready("10.1.0.2"), Ready("10.1.0.3", node: "node-2"));
        Assert.Equal("""
            add rule svc/default/web/tcp/80 meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.1.0.2 . 8080, 1 : 10.1.0.3 . 8080 }
            add rule ext/default/web/tcp/80 jump mark-masquerade
            add rule ext/default/web/tcp/80 goto svc/default/web/tcp/80
            add element service-addresses { 10.152.183.20 . tcp . 80 : goto svc/default/web/tcp/80, 192.0.2.9 . tcp . 80 : goto ext/default/web/tcp/80 }
            add element service-nodeports { tcp . 30080 : goto ext/default/web/tcp/80 }
            add element hairpins { 10.1.0.2 . 10.1.0.2 }
            """, Print(Render([Make("Cluster")], slice)));
        Assert.Equal("""
            add rule svc/default/web/tcp/80 meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.1.0.2 . 8080, 1 : 10.1.0.3 . 8080 }
            add rule local/default/web/tcp/80 meta l4proto tcp dnat ip to 10.1.0.2:8080
            add rule ext/default/web/tcp/80 ip saddr 10.1.0.0/16 goto svc/default/web/tcp/80
            add rule ext/default/web/tcp/80 fib saddr type local jump mark-masquerade
            add rule ext/default/web/tcp/80 fib saddr type local goto svc/default/web/tcp/80
            add rule ext/default/web/tcp/80 goto local/default/web/tcp/80
            add element service-addresses { 10.152.183.20 . tcp . 80 : goto svc/default/web/tcp/80, 192.0.2.9 . tcp . 80 : goto ext/default/web/tcp/80 }
            add element service-nodeports { tcp . 30080 : goto ext/default/web/tcp/80 }
            add element hairpins { 10.1.0.2 . 10.1.0.2 }
            """, Print(Render([Make("Local")], slice)));
    }

    [Fact]
    public void Traffic_from_outside_is_dropped_under_policy_local_when_only_other_nodes_have_endpoints()
    {
        var service = Service("web", "10.152.183.20", 80, with: spec =>
        {
            spec.Type = "NodePort";
            spec.Ports[0].NodePort = 30080;
            spec.ExternalTrafficPolicy = "Local";
            spec.InternalTrafficPolicy = "Local";
        });
        var text = Print(Render([service], Slice("web", 8080, Ready("10.1.0.3", node: "node-2"))));
        Assert.Contains("add element no-endpoints { 10.152.183.20 . tcp . 80 : drop }", text, StringComparison.Ordinal);
        Assert.Contains("add element no-endpoints-nodeports { tcp . 30080 : drop }", text, StringComparison.Ordinal);
        Assert.DoesNotContain("goto local/", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Client_affinity_remembers_the_client_in_a_set_per_endpoint() =>
        Assert.Equal("""
            add set aff/default/web/udp/53/10.1.0.2/5353/15 { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 15s; }
            add rule ep/default/web/udp/53/10.1.0.2/5353 update @aff/default/web/udp/53/10.1.0.2/5353/15 { ip saddr }
            add rule ep/default/web/udp/53/10.1.0.2/5353 meta l4proto udp dnat ip to 10.1.0.2:5353
            add rule svc/default/web/udp/53 ip saddr @aff/default/web/udp/53/10.1.0.2/5353/15 goto ep/default/web/udp/53/10.1.0.2/5353
            add rule svc/default/web/udp/53 numgen random mod 1 vmap { 0 : goto ep/default/web/udp/53/10.1.0.2/5353 }
            add element service-addresses { 10.152.183.20 . udp . 53 : goto svc/default/web/udp/53 }
            add element hairpins { 10.1.0.2 . 10.1.0.2 }
            """, Print(Render([Service("web", "10.152.183.20", 53, "UDP", with: spec =>
        {
            spec.SessionAffinity = "ClientIP";
            spec.SessionAffinityConfig = new V1SessionAffinityConfig { ClientIP = new V1ClientIPConfig { TimeoutSeconds = 15 } };
        })], Slice("web", 5353, "UDP", null, Ready("10.1.0.2")))));

    [Fact]
    public void Load_balancer_source_ranges_guard_its_address()
    {
        var service = Service("web", "10.152.183.20", 80, "SCTP", with: spec =>
        {
            spec.Type = "LoadBalancer";
            spec.LoadBalancerSourceRanges = ["198.51.100.0/24", "2001:db8::/32"];
        });
        service.Status = new V1ServiceStatus { LoadBalancer = new V1LoadBalancerStatus { Ingress = [new V1LoadBalancerIngress { Ip = "192.0.2.50" }, new V1LoadBalancerIngress { Ip = "192.0.2.51", IpMode = "Proxy" }] } };
        var text = Print(Render([service], Slice("web", 8080, "SCTP", null, Ready("10.1.0.2"))));
        Assert.Contains("add rule fw/default/web/sctp/80 ip saddr { 198.51.100.0/24 } return\nadd rule fw/default/web/sctp/80 drop", text, StringComparison.Ordinal);
        Assert.Contains("add element firewalls { 192.0.2.50 . sctp . 80 : goto fw/default/web/sctp/80 }", text, StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.51", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_without_any_ready_endpoint_those_that_end_but_serve_are_used()
    {
        var service = Service("web", "10.152.183.20", 80);
        var ending = Unready("10.1.0.3", serving: true, terminating: true);
        string Endpoints(params V1Endpoint[] endpoints) => string.Join(' ', ServicePorts.Compute([service], [Slice("web", 8080, endpoints)], "node-1").Single().Endpoints.Select(e => e.Address));
        Assert.Equal("10.1.0.2", Endpoints(Ready("10.1.0.2"), ending));
        Assert.Equal("10.1.0.3", Endpoints(Unready("10.1.0.2"), ending));
        Assert.Equal("", Endpoints(Unready("10.1.0.2"), Unready("10.1.0.3", serving: false, terminating: true)));
        Assert.Contains("add element no-endpoints { 10.152.183.20 . tcp . 80 : goto reject-new }", Print(Render([service])), StringComparison.Ordinal);
    }

    [Fact]
    public void Headless_external_name_and_foreign_proxied_services_are_left_alone()
    {
        var foreign = Service("foreign", "10.152.183.21", 80);
        foreign.Metadata.Labels = new Dictionary<string, string> { ["service.kubernetes.io/service-proxy-name"] = "other" };
        Assert.Empty(ServicePorts.Compute([Service("headless", "None", 80), Service("name", "", 80, with: s => s.Type = "ExternalName"), foreign], [], "node-1"));
    }

    [Fact]
    public void Stale_UDP_flows_are_those_to_endpoints_that_are_gone_or_came_too_early()
    {
        var service = Service("dns", "10.152.183.20", 53, "UDP", with: spec =>
        {
            spec.Type = "NodePort";
            spec.Ports[0].NodePort = 30053;
        });
        List<ServicePort> With(params V1Endpoint[] endpoints) => ServicePorts.Compute([service], [Slice("dns", 5353, "UDP", null, endpoints)], "node-1");
        static Flow Flow(string destination, ushort port, string endpoint, ushort endpointPort) =>
            new(17, IPAddress.Parse("10.1.0.9"), 4000, IPAddress.Parse(destination), port, IPAddress.Parse(endpoint), endpointPort, 0);

        Assert.Null(StaleFlows.Between(With(Ready("10.1.0.2")), With(Ready("10.1.0.2"), Ready("10.1.0.3"))));
        var moved = StaleFlows.Between(With(Ready("10.1.0.2"), Ready("10.1.0.4")), With(Ready("10.1.0.3"), Ready("10.1.0.4")))!;
        Assert.True(moved.Contains(Flow("10.152.183.20", 53, "10.1.0.2", 5353)));
        Assert.False(moved.Contains(Flow("10.152.183.20", 53, "10.1.0.4", 5353)));
        Assert.True(moved.Contains(Flow("192.0.2.2", 30053, "10.1.0.2", 5353)));
        Assert.False(moved.Contains(Flow("192.0.2.2", 30053, "10.1.0.4", 5353)));
        Assert.False(moved.Contains(Flow("192.0.2.2", 53, "10.1.0.2", 5353)));
        var first = StaleFlows.Between(With(), With(Ready("10.1.0.2")))!;
        Assert.True(first.Contains(Flow("10.152.183.20", 53, "10.152.183.20", 53)));
        var deleted = StaleFlows.Between(With(Ready("10.1.0.2")), [])!;
        Assert.True(deleted.Contains(Flow("10.152.183.20", 53, "10.1.0.2", 5353)));
    }

    private static string Golden(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Proxy", "Golden", name));
}
