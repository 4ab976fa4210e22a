using System.CommandLine;

namespace LiteKube.Commands;

/// <summary>`litekube config`: the admin's kubeconfig on standard output.</summary>
internal static class ConfigCommand
{
    public static Command Create(SettingOptions settings)
    {
        var command = new Command("config", "Print a kubeconfig for this cluster.");
        command.SetAction(parse =>
        {
            Terminal.Out.Write(ReadKubeconfig(settings.Load(parse).AdminKubeconfig));
            return ExitCodes.Ok;
        });
        return command;
    }

    internal static string ReadKubeconfig(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException($"there is no kubeconfig at {path}: the cluster has never been started; run: sudo litekube start");
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException($"may not read {path}; use sudo, or join the group litekube");
        }
    }
}
