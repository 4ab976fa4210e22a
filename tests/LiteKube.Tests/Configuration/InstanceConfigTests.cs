using LiteKube.Configuration;

namespace LiteKube.Tests.Configuration;

public sealed class InstanceConfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("litekube-config-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void An_option_wins_over_the_environment_that_over_the_file_and_that_over_the_default()
    {
        var file = Path.Combine(_directory, "config.yaml");
        File.WriteAllText(file, "apiPort: 1001\nkubeletPort: 1002\nbridge: frm-file\n");
        var environment = new Dictionary<string, string> { ["LITEKUBE_API_PORT"] = "2001", ["LITEKUBE_KUBELET_PORT"] = "2002" };
        var config = InstanceConfig.Load(new Dictionary<string, string> { ["apiPort"] = "3001" }, file, environment.GetValueOrDefault);

        Assert.Equal(3001, config.ApiPort);
        Assert.Equal(2002, config.KubeletPort);
        Assert.Equal("frm-file", config.Bridge);
        Assert.Equal("10.152.183.10", config.ClusterDns.ToString());
    }

    [Fact]
    public void A_bad_environment_variable_is_named()
    {
        var e = Assert.Throws<ConfigurationException>(() => InstanceConfig.Load(new Dictionary<string, string>(), null, name => name == "LITEKUBE_API_PORT" ? "x" : null));
        Assert.Equal("LITEKUBE_API_PORT: \"x\" must be a port, 1 to 65535", e.Message);
    }

    [Fact]
    public void Another_data_directory_alone_gives_every_directory_of_its_own()
    {
        var one = InstanceConfig.Load(new Dictionary<string, string>(), null, _ => null);
        var other = InstanceConfig.Load(new Dictionary<string, string> { ["dataDir"] = _directory }, null, _ => null);

        Assert.Equal("/run/litekube", one.RunDir);
        Assert.NotEqual(one.RunDir, other.RunDir);
        Assert.NotEqual(one.LogDir, other.LogDir);
        Assert.NotEqual(one.ContainerdState, other.ContainerdState);
        Assert.StartsWith(_directory, other.ContainerdRoot);
        // A reset takes the bridge down: that of an instance whose files are lost must not be another's.
        Assert.Equal("litekube0", one.Bridge);
        Assert.Equal($"lk{other.Suffix}", other.Bridge);
    }

    [Fact]
    public void What_an_instance_picked_is_read_again_and_stays_behind_what_is_given()
    {
        File.WriteAllText(Path.Combine(_directory, "instance.yaml"), "apiPort: 17001\nbridge: lkpicked\n");
        var config = InstanceConfig.Load(new Dictionary<string, string> { ["dataDir"] = _directory, ["bridge"] = "given0" }, null, _ => null);
        Assert.Equal(17001, config.ApiPort);
        Assert.Equal("given0", config.Bridge);
    }

    [Fact]
    public void Each_setting_has_its_option_and_environment_variable()
    {
        Assert.Equal("--api-port", Settings.ApiPort.Option);
        Assert.Equal("LITEKUBE_NODE_PORT_RANGE", Settings.NodePortRange.EnvironmentVariable);
        Assert.Equal(Settings.All.Count, Settings.All.Select(s => s.Option).Distinct().Count());
    }
}
