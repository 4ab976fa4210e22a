using System.CommandLine;
using LiteKube.Configuration;
using LiteKube.Hosting;

namespace LiteKube.Commands;

/// <summary>`litekube config`: the admin's kubeconfig on standard output.</summary>
internal static class ConfigCommand
{
    public static Command Create(SettingOptions settings)
    {
        var command = new Command("config", "Print a kubeconfig for this cluster.");
        command.SetAction(parse =>
        {
            Terminal.Out.Write(ReadKubeconfig(settings.Load(parse)));
            return ExitCodes.Ok;
        });
        return command;
    }

    internal static string ReadKubeconfig(InstanceConfig config)
    {
        var path = config.AdminKubeconfig;
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"there is no kubeconfig at {path}: the cluster has never been started; run: {ServerControl.StartCommandOf(config)}");
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException($"may not read {path}; use sudo, or join the group litekube");
        }
    }
}
