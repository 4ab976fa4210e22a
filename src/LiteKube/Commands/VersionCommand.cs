using System.CommandLine;
using LiteKube.Hosting;

namespace LiteKube.Commands;

internal static class VersionCommand
{
    public static Command Create()
    {
        var command = new Command("version", "Print the versions of LiteKube and of the Kubernetes API it serves.");
        command.SetAction(_ =>
        {
            Terminal.Out.WriteLine($"litekube {ProductVersion.LiteKube} (Kubernetes {ProductVersion.Kubernetes})");
            return ExitCodes.Ok;
        });
        return command;
    }
}
