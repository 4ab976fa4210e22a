using System.Net;
using System.Text.Json;

namespace LiteKube.Network.Cni;

internal sealed record CniInterface(string Name, string Mac, string? Sandbox);

/// <summary>Writes results and errors in the shape that the configuration's version asks for.</summary>
internal static class CniResult
{
    public static void WriteAdd(Stream output, CniConfig config, IReadOnlyList<CniInterface> interfaces, IPAddress? address, int interfaceIndex)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("cniVersion", config.CniVersion);
        json.WriteStartArray("interfaces");
        foreach (var item in interfaces)
        {
            json.WriteStartObject();
            json.WriteString("name", item.Name);
            json.WriteString("mac", item.Mac);
            if (item.Sandbox is not null)
                json.WriteString("sandbox", item.Sandbox);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        if (address is not null)
            WriteAddress(json, config, address, interfaceIndex);
        json.WriteStartObject("dns");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteAddress(Utf8JsonWriter json, CniConfig config, IPAddress address, int interfaceIndex)
    {
        json.WriteStartArray("ips");
        json.WriteStartObject();
        if (config.CniVersion[0] == '0')
            json.WriteString("version", "4");
        json.WriteString("address", $"{address}/32");
        json.WriteString("gateway", config.Gateway.ToString());
        json.WriteNumber("interface", interfaceIndex);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteStartArray("routes");
        json.WriteStartObject();
        json.WriteString("dst", "0.0.0.0/0");
        json.WriteString("gw", config.Gateway.ToString());
        json.WriteEndObject();
        json.WriteEndArray();
    }

    public static void WriteVersions(Stream output)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("cniVersion", CniConfig.SupportedVersions[^1]);
        json.WriteStartArray("supportedVersions");
        foreach (var version in CniConfig.SupportedVersions)
            json.WriteStringValue(version);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static void WriteError(Stream output, string? version, CniException error)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("cniVersion", version ?? CniConfig.SupportedVersions[^1]);
        json.WriteNumber("code", error.Code);
        json.WriteString("msg", error.Message);
        if (error.Details is not null)
            json.WriteString("details", error.Details);
        json.WriteEndObject();
    }
}
