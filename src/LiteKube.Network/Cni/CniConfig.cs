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

    /// <summary>
    /// The plugin of that name. <see cref="PodInterface"/> brings lo up together with the rest, so that this only has to
    /// say so; containerd runs it twice a pod, and a shell starts in a hundredth of the time that the whole program takes.
    /// A path that would have to be escaped in JSON is refused: containerd makes none.
    /// </summary>
    internal const string LoopbackScript = """
        #!/bin/sh
        case $CNI_COMMAND in
        ADD)
            case $CNI_NETNS in
            *[!a-zA-Z0-9/._-]*) echo '{"cniVersion":"0.3.1","code":4,"msg":"CNI_NETNS is not a plain path"}'; exit 1 ;;
            esac
            echo '{"cniVersion":"0.3.1","interfaces":[{"name":"lo","mac":"00:00:00:00:00:00","sandbox":"'"$CNI_NETNS"'"}],"ips":[{"version":"4","address":"127.0.0.1/8","interface":0}],"dns":{}}' ;;
        CHECK|DEL) ;;
        VERSION) echo '{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0"]}' ;;
        *) echo '{"cniVersion":"0.3.1","code":4,"msg":"CNI_COMMAND is none of ADD, DEL, CHECK, VERSION"}'; exit 1 ;;
        esac

        """;

    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>Writes NN-litekube.conflist into the instance's net.d, links the plugin to <paramref name="executable"/> and writes that for lo; each only when it differs.</summary>
    public static void Install(NetworkOptions options, string executable)
    {
        Directory.CreateDirectory(options.CniConfigDirectory);
        Directory.CreateDirectory(options.CniBinDirectory);
        Directory.CreateDirectory(options.CniStateDirectory);
        // containerd watches the directory; an unchanged file must not make it reload.
        WriteChanged(Path.Combine(options.CniConfigDirectory, "10-litekube.conflist"), Render(options), mode: null);
        WriteChanged(Path.Combine(options.CniBinDirectory, LoopbackType), Encoding.ASCII.GetBytes(LoopbackScript), Executable);
        var link = new FileInfo(Path.Combine(options.CniBinDirectory, PluginType));
        if (link.LinkTarget == executable)
            return;
        link.Delete();
        link.CreateAsSymbolicLink(executable);
    }

    private static void WriteChanged(string path, byte[] content, UnixFileMode? mode)
    {
        // A link is never followed: it may lead to the program itself.
        if (new FileInfo(path) is { Exists: true, LinkTarget: null } && File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
            return;
        var temporary = path + ".tmp";
        File.WriteAllBytes(temporary, content);
        if (mode is { } wanted)
            File.SetUnixFileMode(temporary, wanted);
        File.Move(temporary, path, overwrite: true);
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
