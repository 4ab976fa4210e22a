using System.CommandLine;
using LiteKube.Hosting;

namespace LiteKube.Commands;

/// <summary>`litekube reset`: ends every pod and removes the instance whole, then checks that nothing is left.</summary>
internal static class ResetCommand
{
    public static Command Create(SettingOptions settings)
    {
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask." };
        var command = new Command("reset", "Delete the cluster: pods, images, state, network, logs.") { yes };
        command.SetAction(async (parse, cancellationToken) =>
        {
            ServerControl.RequireRoot("reset");
            var config = settings.Load(parse);
            if (!parse.GetValue(yes))
            {
                if (!Terminal.IsInteractive)
                    throw new CommandException("reset deletes the cluster and all its data; say --yes when there is no terminal to ask on", ExitCodes.Usage);
                Terminal.Out.Write($"This deletes the cluster in {config.DataDir} with all its pods and data. Go on? [y/N] ");
                if (Console.ReadLine()?.Trim() is not ("y" or "Y" or "yes"))
                    return ExitCodes.Failed;
            }
            var (left, kept) = await Reset.RunAsync(config, cancellationToken);
            foreach (var setting in kept)
                Terminal.Out.WriteLine("kept, since other software may rely on it by now: " + setting);
            if (left.Count == 0)
            {
                Terminal.Out.WriteLine($"the cluster in {config.DataDir} is gone");
                return ExitCodes.Ok;
            }
            Terminal.Error.WriteLine("litekube: reset could not remove all of the cluster; run it again, or remove by hand:");
            foreach (var thing in left)
                Terminal.Error.WriteLine("  " + thing);
            return ExitCodes.Failed;
        });
        return command;
    }
}
