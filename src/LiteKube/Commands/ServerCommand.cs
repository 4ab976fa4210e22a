using System.CommandLine;
using LiteKube.Configuration;
using LiteKube.Hosting;

namespace LiteKube.Commands;

/// <summary>`litekube server`: the program itself, as the systemd unit and `litekube start` run it.</summary>
internal static class ServerCommand
{
    public static Command Create(SettingOptions settings)
    {
        var detachedLog = new Option<string?>("--detached-log") { Description = "Let go of the terminal; first words go to this file.", HelpName = "FILE", Hidden = true };
        var command = new Command("server", "Run the cluster in this process (what the systemd unit runs).") { detachedLog };
        command.SetAction(async (parse, cancellationToken) =>
        {
            ServerControl.RequireRoot("server");
            if (parse.GetValue(detachedLog) is { } log)
                StandardStreams.Redirect(log);
            var config = settings.Load(parse);
            InstanceDirectories.Prepare(config);
            config = InstancePicker.PickMissing(config);
            return await Server.RunAsync(config, logToTerminal: false, cancellationToken);
        });
        return command;
    }
}
