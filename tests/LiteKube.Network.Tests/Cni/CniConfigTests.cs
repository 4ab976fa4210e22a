using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using LiteKube.Network.Cni;

namespace LiteKube.Network.Tests.Cni;

public sealed class CniConfigTests
{
    private static readonly NetworkOptions Options = new("default", "litekube0", IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("10.152.183.0/24"), IPAddress.Parse("10.152.183.10"), "/var/lib/litekube");

    private static async Task<(int ExitCode, string Output)> RunAsync(string config, params (string, string)[] env)
    {
        using var stdout = new MemoryStream();
        var code = await CniPlugin.RunAsync(env.ToDictionary(e => e.Item1, e => e.Item2), new MemoryStream(Encoding.UTF8.GetBytes(config)), stdout, CancellationToken.None);
        return (code, Encoding.UTF8.GetString(stdout.ToArray()));
    }

    [Fact]
    public void Host_ports_are_read_in_containerd_s_spelling_and_in_the_convention_s()
    {
        var config = CniConfig.Parse("""
            {"cniVersion":"1.0.0","name":"litekube","type":"litekube-cni","runtimeConfig":{"portMappings":[
              {"HostPort":8080,"ContainerPort":80,"Protocol":"tcp","HostIP":""},
              {"hostPort":53,"containerPort":5353,"protocol":"UDP","hostIP":"127.0.0.1"},
              {"HostPort":0,"ContainerPort":81,"Protocol":"tcp","HostIP":""},
              {"HostPort":82,"ContainerPort":82,"Protocol":"tcp","HostIP":"fd00::1"}]}}
            """u8.ToArray());
        Assert.Equal([new PortMapping(8080, 80, "tcp", null), new PortMapping(53, 5353, "udp", IPAddress.Loopback)], config.PortMappings);
    }

    [Fact]
    public void The_configuration_list_written_for_the_runtime_says_what_the_plugin_reads()
    {
        using var list = System.Text.Json.JsonDocument.Parse(CniConflist.Render(Options));
        var plugin = Assert.Single(list.RootElement.GetProperty("plugins").EnumerateArray());
        Assert.True(plugin.GetProperty("capabilities").GetProperty("portMappings").GetBoolean());
        var config = CniConfig.Parse(Encoding.UTF8.GetBytes(plugin.GetRawText()));
        Assert.Equal(("litekube-cni", "litekube0", "10.1.0.0/16", "10.1.0.1", "/var/lib/litekube/cni/state", "litekube-default-hostports", "10.152.183.10"),
            (config.Type, config.Bridge, config.Subnet.ToString(), config.Gateway.ToString(), config.DataDirectory, config.HostPortTable, config.ClusterDns?.ToString()));
    }

    [Fact]
    public async Task Errors_come_as_JSON_with_the_specification_s_codes()
    {
        const string good = """{"cniVersion":"1.0.0","name":"n","type":"litekube-cni"}""";
        (string, string)[] env = [("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", "c1"), ("CNI_IFNAME", "eth0"), ("CNI_NETNS", "/nowhere")];
        foreach (var (config, variables, code, text) in new[]
        {
            (good, [], 4, "CNI_COMMAND is not set"),
            (good, env[..1], 4, "CNI_CONTAINERID is not set"),
            (good, [.. env[..3]], 4, "CNI_NETNS is not set"),
            (good, [.. env[..1], ("CNI_CONTAINERID", "../x"), .. env[2..]], 4, "has characters other than"),
            (good, [("CNI_COMMAND", "GC"), .. env[1..]], 4, "none of ADD, DEL, CHECK, VERSION"),
            ("""{"cniVersion":"9.0.0"}""", env, 1, "CNI version 9.0.0 is not supported"),
            ("{", env, 6, "not valid JSON"),
            ("""{"cniVersion":"1.0.0","subnet":"x"}""", env, 7, "invalid"),
        })
        {
            var (exitCode, output) = await RunAsync(config, variables);
            Assert.Equal(1, exitCode);
            Assert.Contains($"\"code\":{code},", output, StringComparison.Ordinal);
            Assert.Contains(text, output, StringComparison.Ordinal);
        }
        var (ok, versions) = await RunAsync("", ("CNI_COMMAND", "VERSION"));
        Assert.Equal((0, """{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0"]}"""), (ok, versions));
    }

    [Fact]
    public async Task The_plugin_for_lo_takes_the_place_of_a_link_and_answers_by_the_specification()
    {
        var directory = Directory.CreateTempSubdirectory("cni");
        try
        {
            var options = Options with { DataDirectory = directory.FullName };
            var program = Path.Combine(directory.FullName, "litekube");
            await File.WriteAllTextAsync(program, "the program");
            Directory.CreateDirectory(options.CniBinDirectory);
            var path = Path.Combine(options.CniBinDirectory, CniConflist.LoopbackType);
            File.CreateSymbolicLink(path, program);
            CniConflist.Install(options, program);
            CniConflist.Install(options, program);
            Assert.Equal("the program", await File.ReadAllTextAsync(program));
            Assert.Equal(program, new FileInfo(Path.Combine(options.CniBinDirectory, CniConflist.PluginType)).LinkTarget);

            var (code, output) = await PluginAsync(path, "ADD", "/var/run/netns/cni-1");
            using var added = JsonDocument.Parse(output);
            Assert.Equal((0, "/var/run/netns/cni-1", "127.0.0.1/8"),
                (code, added.RootElement.GetProperty("interfaces")[0].GetProperty("sandbox").GetString(), added.RootElement.GetProperty("ips")[0].GetProperty("address").GetString()));
            Assert.Equal((0, ""), await PluginAsync(path, "DEL", ""));
            Assert.Equal((0, ""), await PluginAsync(path, "CHECK", "/var/run/netns/cni-1"));
            Assert.Equal((0, """{"cniVersion":"1.0.0","supportedVersions":["0.3.1","0.4.0","1.0.0"]}""" + "\n"), await PluginAsync(path, "VERSION", ""));
            foreach (var (command, ns) in new (string, string)[] { ("ADD", "/run/\",\"x\":\""), ("ADD", "/run/$(id)`id`"), ("GC", "") })
            {
                var (failed, error) = await PluginAsync(path, command, ns);
                using var json = JsonDocument.Parse(error);
                Assert.Equal((1, 4), (failed, json.RootElement.GetProperty("code").GetInt32()));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Output)> PluginAsync(string path, string command, string ns)
    {
        var start = new ProcessStartInfo(path) { RedirectStandardOutput = true };
        (start.Environment["CNI_COMMAND"], start.Environment["CNI_NETNS"]) = (command, ns);
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
