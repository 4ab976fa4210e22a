using System.Net;
using k8s.Models;

namespace LiteKube.Network.Dns;

/// <param name="Warnings">What was left out for the limits, for an event on the pod.</param>
public sealed record PodDnsResult(ResolvConf ResolvConf, IReadOnlyList<string> Warnings);

/// <summary>A pod's resolv.conf by its dnsPolicy and dnsConfig (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/).</summary>
/// <param name="clusterDns">The cluster DNS Service's address.</param>
public sealed class PodDns(IPAddress clusterDns, string clusterDomain, HostResolvConf host)
{
    private const int MaxNameservers = 3;
    private const int MaxSearches = 32;
    private const int MaxSearchCharacters = 2048;

    public PodDnsResult For(V1Pod pod)
    {
        var policy = pod.Spec.DnsPolicy ?? "ClusterFirst";
        var fromCluster = policy == "ClusterFirstWithHostNet" || policy == "ClusterFirst" && pod.Spec.HostNetwork != true;
        var conf = policy == "None" ? ResolvConf.Empty : fromCluster ? Cluster(pod) : Host();
        if (pod.Spec.DnsConfig is { } own)
        {
            conf = new ResolvConf([.. conf.Nameservers.Concat(own.Nameservers ?? []).Distinct(StringComparer.Ordinal)],
                [.. conf.Searches.Concat(own.Searches ?? []).Distinct(StringComparer.Ordinal)], Merge(conf.Options, own.Options ?? []));
        }
        return Limit(conf);
    }

    private ResolvConf Cluster(V1Pod pod)
    {
        string[] own = [$"{pod.Metadata.NamespaceProperty}.svc.{clusterDomain}", $"svc.{clusterDomain}", clusterDomain];
        return new ResolvConf([clusterDns.ToString()], [.. own.Concat(host.Read().Searches).Distinct(StringComparer.Ordinal)], ["ndots:5"]);
    }

    private ResolvConf Host()
    {
        var conf = host.Read();
        var reachable = conf.Addresses.Where(address => !IPAddress.IsLoopback(address)).Select(address => address.ToString()).ToList();
        // A resolver on the host's loopback is out of a pod's reach, but the cluster DNS asks it on the pod's behalf.
        return reachable.Count == 0 && conf.Nameservers.Count > 0 ? conf with { Nameservers = [clusterDns.ToString()] } : conf with { Nameservers = reachable };
    }

    private static List<string> Merge(IReadOnlyList<string> options, IList<V1PodDNSConfigOption> own)
    {
        var merged = options.ToList();
        foreach (var option in own)
        {
            merged.RemoveAll(known => known.Split(':')[0] == option.Name);
            merged.Add(option.Value is null ? option.Name : $"{option.Name}:{option.Value}");
        }
        return merged;
    }

    private static PodDnsResult Limit(ResolvConf conf)
    {
        var warnings = new List<string>();
        if (conf.Nameservers.Count > MaxNameservers)
        {
            conf = conf with { Nameservers = [.. conf.Nameservers.Take(MaxNameservers)] };
            warnings.Add($"Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: {string.Join(' ', conf.Nameservers)}");
        }
        var searches = new List<string>();
        var characters = 0;
        foreach (var search in conf.Searches.Take(MaxSearches))
        {
            characters += search.Length + (searches.Count > 0 ? 1 : 0);
            if (characters > MaxSearchCharacters)
                break;
            searches.Add(search);
        }
        if (searches.Count < conf.Searches.Count)
        {
            conf = conf with { Searches = searches };
            warnings.Add($"Search Line limits were exceeded, some search paths have been omitted, the applied search line is: {string.Join(' ', searches)}");
        }
        return new PodDnsResult(conf, warnings);
    }
}
