using k8s.Models;
using LiteKube.Cri.V1;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>A pod's resolv.conf by its dnsPolicy and dnsConfig (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/).</summary>
internal sealed class PodDns(KubeletOptions options)
{
    private const int MostServers = 3;
    private const int MostSearches = 32;

    public DNSConfig For(V1Pod pod)
    {
        var host = HostResolver.Parse(File.Exists(options.ResolvConfPath) ? File.ReadAllText(options.ResolvConfPath) : "");
        var policy = pod.Spec.DnsPolicy ?? "ClusterFirst";
        // A pod in the host's network asks the host's resolvers unless it says otherwise.
        if (policy == "ClusterFirst" && PodSpecs.IsHostNetwork(pod))
            policy = "Default";
        if (policy is "ClusterFirst" or "ClusterFirstWithHostNet" && options.ClusterDns.Count == 0)
            policy = "Default";

        var dns = policy switch
        {
            "None" => new HostResolver([], [], []),
            "Default" => host,
            _ => new HostResolver(
                [.. options.ClusterDns.Select(a => a.ToString())],
                [$"{pod.Metadata.NamespaceProperty}.svc.{options.ClusterDomain}", $"svc.{options.ClusterDomain}", options.ClusterDomain, .. host.Searches],
                ["ndots:5"]),
        };
        if (pod.Spec.DnsConfig is { } extra)
            dns = Merge(dns, extra);

        var config = new DNSConfig();
        config.Servers.Add(dns.Servers.Distinct(StringComparer.Ordinal).Take(MostServers));
        config.Searches.Add(dns.Searches.Distinct(StringComparer.Ordinal).Take(MostSearches));
        config.Options.Add(dns.Options);
        return config;
    }

    private static HostResolver Merge(HostResolver dns, V1PodDNSConfig extra)
    {
        var options = dns.Options.ToDictionary(o => o.Split(':')[0], o => o, StringComparer.Ordinal);
        foreach (var option in extra.Options ?? [])
            options[option.Name] = option.Value is null ? option.Name : $"{option.Name}:{option.Value}";
        return new HostResolver([.. dns.Servers, .. extra.Nameservers ?? []], [.. dns.Searches, .. extra.Searches ?? []], [.. options.Values]);
    }
}

/// <summary>What a resolv.conf says (resolv.conf(5)).</summary>
internal sealed record HostResolver(IReadOnlyList<string> Servers, IReadOnlyList<string> Searches, IReadOnlyList<string> Options)
{
    public static HostResolver Parse(string text)
    {
        List<string> servers = [], options = [];
        string[] searches = [];
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || words[0][0] is '#' or ';')
                continue;
            switch (words[0])
            {
                case "nameserver":
                    servers.Add(words[1]);
                    break;
                case "search" or "domain":
                    searches = [.. words[1..].Where(w => w != ".").Select(w => w.TrimEnd('.'))];
                    break;
                case "options":
                    options.AddRange(words[1..]);
                    break;
            }
        }
        return new HostResolver(servers, searches, options);
    }
}
