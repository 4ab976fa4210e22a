using System.Globalization;
using System.Net;
using System.Text;
using LiteKube.Network.Netlink;
using LiteKube.Network.Nftables;

namespace LiteKube.Network.Cni;

/// <summary>
/// Host ports of pods: one file a sandbox says what it maps, and an nftables table of their own is made from all
/// files under a lock, replaced in one transaction. So plugin processes never race each other, and the table can be
/// made again after somebody flushed it.
/// </summary>
internal sealed class HostPorts
{
    private readonly string _directory;
    private readonly string _table;
    private readonly IPAddress? _untouched;

    /// <param name="untouched">A local address that no host port captures: the cluster DNS.</param>
    public HostPorts(string stateDirectory, string table, IPAddress? untouched)
    {
        _directory = Path.Combine(stateDirectory, "hostports");
        _table = table;
        _untouched = untouched;
        Directory.CreateDirectory(_directory);
    }

    public async Task SetAsync(string containerId, IPAddress pod, IReadOnlyList<PortMapping> mappings, CancellationToken cancellationToken)
    {
        using var held = Lock();
        var temporary = Path.Combine(_directory, "tmp");
        await File.WriteAllLinesAsync(temporary, mappings.Select(m =>
            string.Create(CultureInfo.InvariantCulture, $"{m.Protocol} {m.HostIp ?? IPAddress.Any} {m.HostPort} {pod} {m.ContainerPort}")), cancellationToken);
        File.Move(temporary, PathOf(containerId), overwrite: true);
        await ApplyAsync(cancellationToken);
    }

    public async Task RemoveAsync(string containerId, CancellationToken cancellationToken)
    {
        if (!File.Exists(PathOf(containerId)))
            return;
        using var held = Lock();
        var gone = Parse(PathOf(containerId)).ToList();
        File.Delete(PathOf(containerId));
        await ApplyAsync(cancellationToken);
        // A UDP sender that keeps its port would otherwise be sent to the gone pod for minutes.
        if (gone.Any(entry => entry.Protocol == "udp"))
        {
            using var conntrack = Conntrack.Open();
            conntrack.DeleteWhere(flow => flow.Protocol == Conntrack.Udp && flow.IsTranslated && gone.Any(entry => entry.Pod.Equals(flow.Endpoint)));
        }
    }

    /// <summary>Makes the table again from the files.</summary>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        using var held = Lock();
        await ApplyAsync(cancellationToken);
    }

    internal sealed record Entry(string Protocol, IPAddress HostIp, int HostPort, IPAddress Pod, int PodPort);

    private string PathOf(string containerId) => Path.Combine(_directory, "sandbox-" + containerId);

    private LockFile Lock() => LockFile.Acquire(Path.Combine(_directory, "lock"));

    private static IEnumerable<Entry> Parse(string path)
    {
        foreach (var line in File.ReadLines(path))
        {
            if (line.Split(' ') is [var protocol, var hostIp, var hostPort, var pod, var podPort])
                yield return new Entry(protocol, IPAddress.Parse(hostIp), int.Parse(hostPort, CultureInfo.InvariantCulture), IPAddress.Parse(pod), int.Parse(podPort, CultureInfo.InvariantCulture));
        }
    }

    private async Task ApplyAsync(CancellationToken cancellationToken)
    {
        var entries = Directory.EnumerateFiles(_directory, "sandbox-*").Order(StringComparer.Ordinal).SelectMany(Parse).ToList();
        if (entries.Count == 0)
            await Nft.DeleteTableAsync(_table, cancellationToken);
        else
            await Nft.ApplyAsync(Render(_table, entries, _untouched), cancellationToken);
    }

    internal static string Render(string table, IReadOnlyList<Entry> entries, IPAddress? untouched)
    {
        var text = new StringBuilder();
        // Two pods never hold the same port (the scheduler sees to it), but a dying one may still be listed: the newest wins.
        var wide = entries.Where(e => e.HostIp.Equals(IPAddress.Any)).GroupBy(e => $"{e.Protocol} . {e.HostPort}").Select(Last);
        var narrow = entries.Where(e => !e.HostIp.Equals(IPAddress.Any)).GroupBy(e => $"{e.HostIp} . {e.Protocol} . {e.HostPort}").Select(Last);
        text.Append(CultureInfo.InvariantCulture, $"add table ip {table}\ndelete table ip {table}\ntable ip {table} {{\n");
        Append(text, "map by-port { type inet_proto . inet_service : ipv4_addr . inet_service;", wide);
        Append(text, "map by-address { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;", narrow);
        Append(text, "set pods { type ipv4_addr . ipv4_addr;", entries.Select(e => $"{e.Pod} . {e.Pod}").Distinct(StringComparer.Ordinal));
        text.Append("chain translate {\n");
        if (untouched is not null)
            text.Append(CultureInfo.InvariantCulture, $"ip daddr {untouched} return\n");
        text.Append("""
            dnat ip to ip daddr . meta l4proto . th dport map @by-address
            fib daddr type local dnat ip to meta l4proto . th dport map @by-port
            }
            chain prerouting { type nat hook prerouting priority -105; policy accept; jump translate; }
            chain output { type nat hook output priority -105; policy accept; jump translate; }
            chain postrouting { type nat hook postrouting priority 95; policy accept;
            ct status dnat ip saddr . ip daddr @pods masquerade
            ct status dnat ip saddr 127.0.0.0/8 masquerade
            }
            }

            """.ReplaceLineEndings("\n"));
        return text.ToString();

        static string Last(IGrouping<string, Entry> group) => $"{group.Key} : {group.Last().Pod} . {group.Last().PodPort}";
    }

    private static void Append(StringBuilder text, string declaration, IEnumerable<string> elements)
    {
        text.Append(declaration);
        var joined = string.Join(", ", elements);
        if (joined.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" elements = {{ {joined} }};");
        text.Append(" }\n");
    }
}
