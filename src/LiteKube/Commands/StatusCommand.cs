using System.CommandLine;
using System.Text.Json;
using LiteKube.Hosting;

namespace LiteKube.Commands;

/// <summary>`litekube status`: what runs, what does not, and why. Exit code 0 only when the cluster is ready.</summary>
internal static class StatusCommand
{
    public static Command Create(SettingOptions settings)
    {
        var waitReady = new Option<bool>("--wait-ready") { Description = "Wait until the cluster is ready." };
        var timeout = Durations.Option("--timeout", TimeSpan.FromSeconds(60), "How long --wait-ready waits.");
        var format = new Option<string>("--format") { Description = "text, json or yaml.", HelpName = "FORMAT", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json", "yaml");
        var command = new Command("status", "Show what runs, what does not, and why.") { waitReady, timeout, format };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var config = settings.Load(parse);
            var report = parse.GetValue(waitReady)
                ? await ServerControl.WaitReadyAsync(config, parse.GetValue(timeout), justStarted: false, cancellationToken)
                : await ServerControl.StatusAsync(config, cancellationToken);
            Print(report, parse.GetValue(format)!);
            return report switch { { Ready: true } => ExitCodes.Ok, { Running: true } => ExitCodes.NotReady, _ => ExitCodes.NotRunning };
        });
        return command;
    }

    internal static void PrintComponents(StatusReport report, TextWriter writer, bool onlyNotReady)
    {
        foreach (var component in report.Components)
        {
            if (!onlyNotReady || !component.Ready)
                writer.WriteLine($"  {component.Name,-16} {(component.Ready ? "ready" : "not ready: " + component.Message)}");
        }
    }

    private static void Print(StatusReport report, string format)
    {
        switch (format)
        {
            case "json":
                Terminal.Out.WriteLine(JsonSerializer.Serialize(report, StatusJson.Default.StatusReport));
                break;
            case "yaml":
                PrintYaml(report);
                break;
            case "text" when !report.Running:
                Terminal.Out.WriteLine($"litekube is {report.Message}");
                break;
            default:
                Terminal.Out.WriteLine($"litekube {report.Version} (Kubernetes {report.KubernetesVersion}) is {(report.Ready ? "ready" : "not ready")}");
                Terminal.Out.WriteLine($"  {"API server",-16} {report.ApiServer}");
                Terminal.Out.WriteLine($"  {"node",-16} {report.Node}");
                Terminal.Out.WriteLine($"  {"data",-16} {report.DataDir}");
                PrintComponents(report, Terminal.Out, onlyNotReady: false);
                break;
        }
    }

    private static void PrintYaml(StatusReport report)
    {
        using var document = JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(report, StatusJson.Default.StatusReport));
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Array)
            {
                Terminal.Out.WriteLine($"{property.Name}: {property.Value.GetRawText()}");
                continue;
            }
            Terminal.Out.WriteLine(property.Value.GetArrayLength() == 0 ? $"{property.Name}: []" : $"{property.Name}:");
            foreach (var item in property.Value.EnumerateArray())
            {
                var lead = "- ";
                foreach (var field in item.EnumerateObject())
                {
                    // JSON scalars are YAML scalars, so quoting needs no rules of its own.
                    Terminal.Out.WriteLine($"{lead}{field.Name}: {field.Value.GetRawText()}");
                    lead = "  ";
                }
            }
        }
    }
}
