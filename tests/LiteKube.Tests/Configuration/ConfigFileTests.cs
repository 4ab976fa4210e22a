using LiteKube.Configuration;

namespace LiteKube.Tests.Configuration;

public sealed class ConfigFileTests
{
    [Fact]
    public void Known_settings_are_read_whatever_their_order_and_style()
    {
        var values = ConfigFile.Parse("# mine\nbridge: 'lk1'\napiPort: 7443\nlogLevel: \"debug\"\n", "c.yaml");
        Assert.Equal([("apiPort", "7443"), ("bridge", "lk1"), ("logLevel", "debug")], values.Select(v => (v.Key, v.Value)).Order());
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n")]
    public void An_empty_file_sets_nothing(string text) => Assert.Empty(ConfigFile.Parse(text, "c.yaml"));

    [Theory]
    [InlineData("bridge: a\napi-port: 1\n", "c.yaml:2: unknown setting \"api-port\"; did you mean \"apiPort\"?")]
    [InlineData("apiPort: http\n", "c.yaml:1: apiPort: \"http\" must be a port, 1 to 65535")]
    [InlineData("\napiPort: 1\napiPort: 2\n", "c.yaml:3: apiPort is set twice")]
    [InlineData("apiPort: [1]\n", "c.yaml:1: apiPort takes a single value")]
    [InlineData("- apiPort\n", "c.yaml:1: the file must be a mapping of setting: value")]
    [InlineData("podCidr: 10.1.0.0/30\n", "c.yaml:1: podCidr: \"10.1.0.0/30\" must be an IPv4 network with a prefix of 8 to 28 bits, like 10.1.0.0/16")]
    [InlineData("nodeIp: 127.0.0.1\n", "c.yaml:1: nodeIp: \"127.0.0.1\" must be an address that pods can reach, not one of loopback")]
    public void What_cannot_be_used_is_refused_by_name_and_line(string text, string message) =>
        Assert.Equal(message, Assert.Throws<ConfigurationException>(() => ConfigFile.Parse(text, "c.yaml")).Message);

    [Fact]
    public void An_unknown_setting_without_a_near_one_lists_those_that_exist()
    {
        var message = Assert.Throws<ConfigurationException>(() => ConfigFile.Parse("colour: red\n", "c.yaml")).Message;
        Assert.StartsWith("c.yaml:1: unknown setting \"colour\"; known are dataDir,", message);
    }

    [Fact]
    public void Broken_yaml_is_refused_with_its_line() =>
        Assert.StartsWith("c.yaml:2: ", Assert.Throws<ConfigurationException>(() => ConfigFile.Parse("apiPort: 1\nbridge: }\n", "c.yaml")).Message);
}
