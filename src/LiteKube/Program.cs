using System.CommandLine;
using System.CommandLine.Invocation;
using LiteKube.Commands;
using LiteKube.Configuration;
using LiteKube.Network.Cni;

namespace LiteKube;

internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        // containerd runs this program by its plugin name, with the request in CNI_ variables.
        if (CniPlugin.IsRequested)
            return await CniPlugin.RunAsync(EnvironmentVariables(), Console.OpenStandardInput(), Console.OpenStandardOutput(), CancellationToken.None);

        var root = new RootCommand("LiteKube: a whole Kubernetes in one program.");
        var settings = new SettingOptions(root);
        foreach (var command in (Command[])
        [
            StartCommand.Create(settings), StopCommand.Create(settings), StatusCommand.Create(settings), ResetCommand.Create(settings),
            ConfigCommand.Create(settings), KubectlCommand.Create(), ImagesCommand.Create(settings), VersionCommand.Create(),
            ServerCommand.Create(settings), CompletionCommand.Create(),
        ])
        {
            root.Subcommands.Add(command);
        }

        try
        {
            // Everything behind the word kubectl is kubectl's, also --help and -v.
            if (KubectlCommand.FindIn(arguments) is >= 0 and var at)
                return KubectlCommand.Replace(settings.Load(root.Parse(arguments[..at])), arguments[(at + 1)..]);

            if (arguments is ["start" or "server", ..])
                settings.ShowAll();
            var parse = root.Parse(arguments);
            if (parse.Action is ParseErrorAction)
            {
                Terminal.Error.WriteLine($"litekube: {OneLine(string.Join("; ", parse.Errors.Select(e => e.Message.TrimEnd('.'))))}; see: {(parse.CommandResult.Command == root ? "litekube" : "litekube " + parse.CommandResult.Command.Name)} --help");
                return ExitCodes.Usage;
            }
            return await parse.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
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
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            // The machine said no (a full disk, a missing right): its words name the file.
            return Fail(e.Message, ExitCodes.Failed);
        }
    }

    private static Dictionary<string, string> EnvironmentVariables()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        return variables;
    }

    private static int Fail(string message, int exitCode)
    {
        Terminal.Error.WriteLine($"litekube: {OneLine(message)}");
        return exitCode;
    }

    /// <summary>System.CommandLine lists choices a line each; an error here is one line.</summary>
    private static string OneLine(string message) =>
        string.Join(' ', message.Split(['\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
