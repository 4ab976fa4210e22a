using System.CommandLine;
using LiteKube.Commands;
using LiteKube.Configuration;

namespace LiteKube;

internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("LiteKube: a whole Kubernetes in one program.");
        var settings = new SettingOptions(root);
        foreach (var command in (Command[])
        [
            StartCommand.Create(settings), StopCommand.Create(settings), StatusCommand.Create(settings), ResetCommand.Create(settings),
            ConfigCommand.Create(settings), KubectlCommand.Create(settings), ImagesCommand.Create(settings), VersionCommand.Create(),
            ServerCommand.Create(settings), CompletionCommand.Create(),
        ])
        {
            root.Subcommands.Add(command);
        }

        try
        {
            return await root.Parse(arguments).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (ConfigurationException e)
        {
            return Fail(e.Message, ExitCodes.Usage);
        }
        catch (CommandException e)
        {
            return Fail(e.Message, e.ExitCode);
        }
        catch (OperationCanceledException)
        {
            return Fail("interrupted", ExitCodes.Failed);
        }
    }

    private static int Fail(string message, int exitCode)
    {
        Terminal.Error.WriteLine($"litekube: {message}");
        return exitCode;
    }
}
