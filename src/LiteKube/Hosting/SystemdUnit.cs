using CliWrap;
using CliWrap.Buffered;
using LiteKube.Configuration;

namespace LiteKube.Hosting;

/// <summary>The unit litekube.service that scripts/install and the packages register for the default instance.</summary>
internal static class SystemdUnit
{
    public const string Name = "litekube.service";

    /// <summary>systemd runs this machine, the unit is installed, and it is this instance that the unit runs.</summary>
    public static bool Governs(InstanceConfig config) =>
        config.IsDefaultInstance && Directory.Exists("/run/systemd/system") &&
        (File.Exists("/etc/systemd/system/" + Name) || File.Exists("/usr/lib/systemd/system/" + Name) || File.Exists("/lib/systemd/system/" + Name));

    public static async Task ControlAsync(string verb, CancellationToken cancellationToken)
    {
        var result = await Cli.Wrap("systemctl").WithArguments([verb, Name]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(cancellationToken);
        if (result.ExitCode != 0)
            throw new Commands.CommandException($"systemctl {verb} {Name} failed: {result.StandardError.Trim()}; see journalctl -u {Name}");
    }
}
