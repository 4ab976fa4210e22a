using System.CommandLine;
using LiteKube.Hosting;

namespace LiteKube.Commands;

/// <summary>`litekube stop`: ends the control plane and the kubelet; pods go on running.</summary>
internal static class StopCommand
{
    public static Command Create(SettingOptions settings)
    {
        var command = new Command("stop", "Stop the cluster's control plane; pods go on running (`litekube reset` ends them).");
        command.SetAction(async (parse, cancellationToken) =>
        {
            var config = settings.Load(parse);
            Terminal.Out.WriteLine(await ServerControl.StopAsync(config, cancellationToken) ? "litekube is stopped; pods go on running" : "litekube was not running");
            return ExitCodes.Ok;
        });
        return command;
    }
}
