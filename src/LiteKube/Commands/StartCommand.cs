using System.CommandLine;
using LiteKube.Configuration;
using LiteKube.Hosting;

namespace LiteKube.Commands;

/// <summary>`litekube start`: makes the cluster when there is none, and runs it.</summary>
internal static class StartCommand
{
    public static Command Create(SettingOptions settings)
    {
        var foreground = new Option<bool>("--foreground") { Description = "Stay in this terminal; Ctrl+C stops the cluster's control plane." };
        var wait = new Option<bool>("--wait") { Description = "Return when the cluster is ready." };
        var timeout = Durations.Option("--timeout", TimeSpan.FromSeconds(60), "How long --wait waits.");
        var command = new Command("start", "Start the cluster, creating it when there is none.") { foreground, wait, timeout };
        command.SetAction(async (parse, cancellationToken) =>
        {
            ServerControl.RequireRoot("start");
            var config = settings.Load(parse);
            InstanceDirectories.Prepare(config);
            config = InstancePicker.PickMissing(config);
            if ((await ServerControl.StatusAsync(config, cancellationToken)).Running)
            {
                Terminal.Out.WriteLine("litekube runs already");
            }
            else if (parse.GetValue(foreground))
            {
                return await Server.RunAsync(config, logToTerminal: true, cancellationToken);
            }
            else
            {
                await ServerControl.StartAsync(config, settings.Forward(parse), cancellationToken);
                if (!parse.GetValue(wait))
                    Terminal.Out.WriteLine($"litekube is starting; `litekube status{(config.IsDefaultInstance ? "" : $" --data-dir {config.DataDir}")}` says when it is ready");
            }

            if (!parse.GetValue(wait))
                return ExitCodes.Ok;
            var limit = parse.GetValue(timeout);
            var report = await ServerControl.WaitReadyAsync(config, limit, justStarted: true, cancellationToken);
            if (report.Ready)
            {
                Terminal.Out.WriteLine("litekube is ready");
                return ExitCodes.Ok;
            }
            Terminal.Error.WriteLine($"litekube is not ready after {Durations.Print(limit)}:");
            StatusCommand.PrintComponents(report, Terminal.Error, onlyNotReady: true);
            return ExitCodes.NotReady;
        });
        return command;
    }
}
