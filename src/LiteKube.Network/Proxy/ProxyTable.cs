using System.Collections.Immutable;
using System.Globalization;
using LiteKube.Network.Nftables;

namespace LiteKube.Network.Proxy;

/// <summary>
/// Service ports to the content of the instance's nftables table. A new connection costs one look-up in a verdict map
/// keyed by address, protocol and port, whatever the number of Services. Pure.
/// </summary>
internal static class ProxyTable
{
    // kube-proxy's bit: whoever else reads it means the same by it.
    private const string MarkBit = "0x4000";
    private const string MarkMask = "0xffffbfff";
    private const string ServiceKey = "type ipv4_addr . inet_proto . inet_service : verdict;";
    private const string PortKey = "type inet_proto . inet_service : verdict;";
    private const string Reject = "goto reject-new";
    private const string Drop = "drop";

    public static NftTable Render(NetworkOptions network, IReadOnlyList<ServicePort> ports)
    {
        var content = new Content();
        foreach (var port in ports)
            content.Add(network, port);
        var chains = content.Chains;
        AddBaseChains(network, chains);
        var sets = content.Sets;
        sets["service-addresses"] = new NftSet("map", ServiceKey, content.Addresses);
        sets["service-nodeports"] = new NftSet("map", PortKey, content.NodePorts);
        sets["no-endpoints"] = new NftSet("map", ServiceKey, content.NoEndpoints);
        sets["no-endpoints-nodeports"] = new NftSet("map", PortKey, content.NoEndpointNodePorts);
        sets["firewalls"] = new NftSet("map", ServiceKey, content.Firewalls);
        sets["hairpins"] = new NftSet("set", "type ipv4_addr . ipv4_addr;", content.Hairpins);
        sets["host-services"] = new NftSet("set", "type ipv4_addr;", new Dictionary<string, string> { [network.ClusterDns.ToString()] = "" });
        return new NftTable(network.ServiceTable, chains, sets);
    }

    private static void AddBaseChains(NetworkOptions network, Dictionary<string, NftChain> chains)
    {
        // The cluster DNS is a process of the host that listens on a Service's address.
        const string notHostService = "ip daddr != @host-services";
        chains["mark-masquerade"] = NftChain.Of($"meta mark set meta mark | {MarkBit}");
        chains["reject-new"] = NftChain.Of("meta l4proto tcp reject with tcp reset", "reject");
        chains["services"] = NftChain.Of(
            // A client that is no pod, routed here for a Service's address: answers must come back through here.
            $"ip daddr {network.ServiceCidr} {notHostService} ip saddr != {network.ClusterCidr} jump mark-masquerade",
            $"{notHostService} ip daddr . meta l4proto . th dport vmap @service-addresses",
            "fib daddr type local meta l4proto . th dport vmap @service-nodeports");
        chains["unserved"] = NftChain.Of(
            $"{notHostService} ip daddr . meta l4proto . th dport vmap @no-endpoints",
            "fib daddr type local meta l4proto . th dport vmap @no-endpoints-nodeports",
            $"ip daddr {network.ServiceCidr} {notHostService} goto reject-new");
        chains["nat-prerouting"] = Base("nat", "prerouting", "-100", "jump services");
        chains["nat-output"] = Base("nat", "output", "-100", "jump services");
        chains["nat-postrouting"] = Base("nat", "postrouting", "100",
            $"meta mark & {MarkBit} != 0 meta mark set meta mark & {MarkMask} masquerade fully-random",
            // A pod that reaches itself by its Service must see another source than itself.
            "ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random",
            $"ip saddr {network.PodCidr} ip daddr != {{ {network.ClusterCidr}, 224.0.0.0/4 }} oifname != \"lo\" masquerade fully-random");
        chains["filter-raw"] = Base("filter", "prerouting", "-300",
            // route_localnet is on for the bridge; what listens on the host's loopback is none of the pods' business.
            $"iifname \"{network.Bridge}\" ip daddr 127.0.0.0/8 drop");
        chains["filter-prerouting"] = Base("filter", "prerouting", "-110", "ct state new ip daddr . meta l4proto . th dport vmap @firewalls");
        chains["filter-input"] = Base("filter", "input", "0", "ct state new jump unserved");
        chains["filter-forward"] = Base("filter", "forward", "0", "ct state new jump unserved");
        chains["filter-output"] = Base("filter", "output", "0",
            // Pods on one bridge talk through the host; a redirect would make them go around it.
            $"oifname \"{network.Bridge}\" icmp type redirect drop",
            "ct state new jump unserved");
    }

    private static NftChain Base(string type, string hook, string priority, params string[] rules) =>
        new($"type {type} hook {hook} priority {priority}; policy accept;", [.. rules]);

    private sealed class Content
    {
        public Dictionary<string, NftChain> Chains { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, NftSet> Sets { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, string> Addresses { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, string> NodePorts { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, string> NoEndpoints { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, string> NoEndpointNodePorts { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, string> Firewalls { get; } = new(StringComparer.Ordinal);
        public Dictionary<string, string> Hairpins { get; } = new(StringComparer.Ordinal);

        public void Add(NetworkOptions network, ServicePort port)
        {
            var cluster = AddEndpointChain("svc", port, port.Endpoints);
            var local = port.ExternalPolicyLocal || port.InternalPolicyLocal ? AddEndpointChain("local", port, port.LocalEndpoints) : null;
            foreach (var endpoint in port.Endpoints.Where(e => e.IsLocal))
                Hairpins[$"{endpoint.Address} . {endpoint.Address}"] = "";

            var inside = port.InternalPolicyLocal ? local : cluster;
            Dispatch(Addresses, NoEndpoints, Key(port.ClusterIp, port), inside, port.InternalPolicyLocal && cluster is not null ? Drop : Reject);
            AddExternal(network, port, cluster, local);
        }

        private void AddExternal(NetworkOptions network, ServicePort port, string? cluster, string? local)
        {
            if (port.NodePort == 0 && port.ExternalIps.IsEmpty && port.LoadBalancerIps.IsEmpty)
                return;
            string? outside = null;
            if (cluster is not null)
            {
                outside = $"ext/{port.Id}";
                Chains[outside] = port.ExternalPolicyLocal
                    ? NftChain.Of([
                        // The policy is for traffic from outside; pods and host may use every endpoint.
                        $"ip saddr {network.ClusterCidr} goto {cluster}", "fib saddr type local jump mark-masquerade", $"fib saddr type local goto {cluster}",
                        .. local is null ? (string[])[] : [$"goto {local}"]])
                    : NftChain.Of("jump mark-masquerade", $"goto {cluster}");
            }
            // What the ext chain leaves untranslated meets this one later.
            var dropsOutside = port.ExternalPolicyLocal && cluster is not null && local is null;
            foreach (var address in port.ExternalIps.Concat(port.LoadBalancerIps))
            {
                Dispatch(Addresses, NoEndpoints, Key(address, port), outside, Reject);
                if (dropsOutside)
                    NoEndpoints[Key(address, port)] = Drop;
            }
            if (port.NodePort != 0)
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"{port.Protocol} . {port.NodePort}");
                Dispatch(NodePorts, NoEndpointNodePorts, key, outside, Reject);
                if (dropsOutside)
                    NoEndpointNodePorts[key] = Drop;
            }
            if (!port.SourceRanges.IsEmpty && !port.LoadBalancerIps.IsEmpty)
            {
                var chain = $"fw/{port.Id}";
                Chains[chain] = NftChain.Of($"ip saddr {{ {string.Join(", ", port.SourceRanges)} }} return", "drop");
                foreach (var address in port.LoadBalancerIps)
                    Firewalls[Key(address, port)] = $"goto {chain}";
            }
        }

        private static void Dispatch(Dictionary<string, string> served, Dictionary<string, string> unserved, string key, string? chain, string otherwise)
        {
            if (chain is not null)
                served[key] = $"goto {chain}";
            else
                unserved[key] = otherwise;
        }

        private static string Key(string address, ServicePort port) => string.Create(CultureInfo.InvariantCulture, $"{address} . {port.Protocol} . {port.Port}");

        /// <returns>The chain's name; null without endpoints.</returns>
        private string? AddEndpointChain(string kind, ServicePort port, ImmutableArray<Endpoint> endpoints)
        {
            if (endpoints.IsEmpty)
                return null;
            var name = $"{kind}/{port.Id}";
            var rules = ImmutableArray.CreateBuilder<string>();
            if (port.AffinitySeconds > 0)
                AddAffinity(port, endpoints, rules);
            else if (endpoints is [var only])
                rules.Add($"meta l4proto {port.Protocol} dnat ip to {Target(only, ":")}");
            else
                rules.Add($"meta l4proto {port.Protocol} dnat ip to numgen random mod {endpoints.Length} map {{ {Numbered(endpoints, e => Target(e, " . "))} }}");
            Chains[name] = new NftChain("", rules.DrainToImmutable());
            return name;
        }

        private void AddAffinity(ServicePort port, ImmutableArray<Endpoint> endpoints, ImmutableArray<string>.Builder rules)
        {
            foreach (var endpoint in endpoints)
            {
                var suffix = $"{port.Id}/{Target(endpoint, "/")}";
                // The time to live belongs to the set, and a set cannot be changed: another time is another set.
                var clients = $"aff/{suffix}/{port.AffinitySeconds}";
                Sets[clients] = new NftSet("set", $"type ipv4_addr; size 65535; flags dynamic,timeout; timeout {port.AffinitySeconds}s;", ImmutableDictionary<string, string>.Empty);
                Chains[$"ep/{suffix}"] = NftChain.Of($"update @{clients} {{ ip saddr }}", $"meta l4proto {port.Protocol} dnat ip to {Target(endpoint, ":")}");
                rules.Add($"ip saddr @{clients} goto ep/{suffix}");
            }
            rules.Add($"numgen random mod {endpoints.Length} vmap {{ {Numbered(endpoints, e => $"goto ep/{port.Id}/{Target(e, "/")}")} }}");
        }

        private static string Target(Endpoint endpoint, string separator) => string.Create(CultureInfo.InvariantCulture, $"{endpoint.Address}{separator}{endpoint.Port}");

        private static string Numbered(ImmutableArray<Endpoint> endpoints, Func<Endpoint, string> value) =>
            string.Join(", ", endpoints.Select((endpoint, i) => string.Create(CultureInfo.InvariantCulture, $"{i} : {value(endpoint)}")));
    }
}
