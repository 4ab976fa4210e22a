using System.Net;
using System.Text;
using System.Text.Json;

namespace LiteKube.Network.Cni;

/// <param name="HostIp">null for every address of the node.</param>
/// <param name="Protocol">tcp, udp or sctp.</param>
internal sealed record PortMapping(int HostPort, int ContainerPort, string Protocol, IPAddress? HostIp);

/// <summary>The network configuration that the runtime passes on stdin, and that <see cref="CniConflist"/> writes.</summary>
internal sealed record CniConfig(string CniVersion, string Name, string Type)
{
    public static readonly string[] SupportedVersions = ["0.3.1", "0.4.0", "1.0.0"];

    public string Bridge { get; init; } = "litekube0";
    public IPNetwork Subnet { get; init; } = new(IPAddress.Parse("10.1.0.0"), 16);
    public int Mtu { get; init; }
    public string DataDirectory { get; init; } = "/var/lib/litekube/cni/state";
    public string HostPortTable { get; init; } = "litekube-default-hostports";
    public IPAddress? ClusterDns { get; init; }
    public IReadOnlyList<PortMapping> PortMappings { get; init; } = [];

    public IPAddress Gateway => Netlink.Ipv4.First(Subnet);

    public static CniConfig Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            var version = Text(root, "cniVersion") ?? "0.3.1";
            if (!SupportedVersions.Contains(version, StringComparer.Ordinal))
                throw new CniException(CniException.IncompatibleVersion, $"CNI version {version} is not supported; use one of {string.Join(", ", SupportedVersions)}");
            var config = new CniConfig(version, Text(root, "name") ?? "", Text(root, "type") ?? "");
            return config with
            {
                Bridge = Text(root, "bridge") ?? config.Bridge,
                Subnet = Text(root, "subnet") is { } subnet ? IPNetwork.Parse(subnet) : config.Subnet,
                Mtu = root.TryGetProperty("mtu", out var mtu) ? mtu.GetInt32() : 0,
                DataDirectory = Text(root, "dataDir") ?? config.DataDirectory,
                HostPortTable = Text(root, "hostPortTable") ?? config.HostPortTable,
                ClusterDns = Text(root, "clusterDNS") is { } dns ? IPAddress.Parse(dns) : null,
                PortMappings = ReadPortMappings(root),
            };
        }
        catch (JsonException e)
        {
            throw new CniException(CniException.DecodingFailure, "the network configuration on stdin is not valid JSON", e.Message, e);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new CniException(CniException.InvalidConfig, "the network configuration on stdin is invalid", e.Message, e);
        }
    }

    private static List<PortMapping> ReadPortMappings(JsonElement root)
    {
        var mappings = new List<PortMapping>();
        if (!root.TryGetProperty("runtimeConfig", out var runtime) || !runtime.TryGetProperty("portMappings", out var list) || list.ValueKind != JsonValueKind.Array)
            return mappings;
        foreach (var item in list.EnumerateArray())
        {
            // containerd writes Go's field names ("HostPort"), the convention says "hostPort"; Go readers accept both.
            var fields = item.EnumerateObject().ToDictionary(field => field.Name, field => field.Value, StringComparer.OrdinalIgnoreCase);
            var hostPort = fields.TryGetValue("hostPort", out var host) ? host.GetInt32() : 0;
            if (hostPort == 0)
                continue;
            if (!fields.TryGetValue("containerPort", out var containerPort))
                throw new CniException(CniException.InvalidConfig, $"the mapping of host port {hostPort} has no containerPort");
            var hostIp = fields.TryGetValue("hostIP", out var ip) && ip.GetString() is { Length: > 0 } text ? IPAddress.Parse(text) : IPAddress.Any;
            // An IPv6 host address has no packets to send into an IPv4 pod.
            if (hostIp.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork && !hostIp.Equals(IPAddress.IPv6Any))
                continue;
            var any = hostIp.Equals(IPAddress.Any) || hostIp.Equals(IPAddress.IPv6Any);
            mappings.Add(new PortMapping(hostPort, containerPort.GetInt32(), Protocol(fields.TryGetValue("protocol", out var protocol) ? protocol.GetString() : null), any ? null : hostIp));
        }
        return mappings;
    }

    private static string Protocol(string? text) => text?.ToLowerInvariant() switch
    {
        null or "" or "tcp" => "tcp",
        "udp" => "udp",
        "sctp" => "sctp",
        var other => throw new CniException(CniException.InvalidConfig, $"port mapping protocol {other} is none of tcp, udp, sctp"),
    };

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

/// <summary>The configuration list that makes containerd call this binary, and what must lie in its CNI bin directory.</summary>
public static class CniConflist
{
    public const string PluginType = "litekube-cni";

    /// <summary>containerd before 2.0 insists on a plugin of this name for lo.</summary>
    public const string LoopbackType = "loopback";

    /// <summary>Names that the CNI bin directory must hold, each a link (or copy) of the litekube binary.</summary>
    public static readonly IReadOnlyList<string> BinNames = [PluginType, LoopbackType];

    /// <summary>Writes NN-litekube.conflist into the instance's net.d and links the plugins to <paramref name="executable"/>; both only when they differ.</summary>
    public static void Install(NetworkOptions options, string executable)
    {
        Directory.CreateDirectory(options.CniConfigDirectory);
        Directory.CreateDirectory(options.CniBinDirectory);
        Directory.CreateDirectory(options.CniStateDirectory);
        var path = Path.Combine(options.CniConfigDirectory, "10-litekube.conflist");
        var content = Render(options);
        // containerd watches the directory; an unchanged file must not make it reload.
        if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
        {
            var temporary = path + ".tmp";
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, path, overwrite: true);
        }
        foreach (var name in BinNames)
        {
            var link = new FileInfo(Path.Combine(options.CniBinDirectory, name));
            if (link.LinkTarget == executable)
                continue;
            link.Delete();
            link.CreateAsSymbolicLink(executable);
        }
    }

    internal static byte[] Render(NetworkOptions options)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", "1.0.0");
            json.WriteString("name", "litekube");
            json.WriteStartArray("plugins");
            json.WriteStartObject();
            json.WriteString("type", PluginType);
            json.WriteString("bridge", options.Bridge);
            json.WriteString("subnet", options.PodCidr.ToString());
            json.WriteNumber("mtu", options.Mtu);
            json.WriteString("dataDir", options.CniStateDirectory);
            json.WriteString("hostPortTable", options.HostPortTable);
            json.WriteString("clusterDNS", options.ClusterDns.ToString());
            json.WriteStartObject("capabilities");
            json.WriteBoolean("portMappings", true);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        stream.Write("\n"u8);
        return stream.ToArray();
    }
}
