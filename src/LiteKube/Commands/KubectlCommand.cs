using System.CommandLine;
using System.Runtime.InteropServices;
using LiteKube.Configuration;

namespace LiteKube.Commands;

/// <summary>`litekube kubectl ...`: the kubectl on the PATH, with this cluster's kubeconfig.</summary>
internal static partial class KubectlCommand
{
    public static Command Create(SettingOptions settings)
    {
        var arguments = new Argument<string[]>("arguments") { Description = "Passed to kubectl as they are.", Arity = ArgumentArity.ZeroOrMore, CaptureRemainingTokens = true };
        var command = new Command("kubectl", "Run the kubectl on the PATH with this cluster's kubeconfig.") { arguments };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parse => Replace(settings.Load(parse), parse.GetValue(arguments) ?? []));
        return command;
    }

    /// <summary>Becomes kubectl: terminal, signals and exit code are kubectl's own. Returns only when that fails.</summary>
    internal static int Replace(InstanceConfig config, IReadOnlyList<string> arguments)
    {
        var program = ProgramSearch.Find("kubectl")
            ?? throw new CommandException("there is no kubectl on the PATH; install one (https://kubernetes.io/docs/tasks/tools/, or: apt-get install kubernetes-client), or use another machine's with `litekube config`");
        ConfigCommand.ReadKubeconfig(config.AdminKubeconfig);
        var argv = new List<string?> { "kubectl" };
        argv.AddRange(arguments);
        argv.Add(null);
        var environment = new List<string?>();
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if ((string)variable.Key != "KUBECONFIG")
                environment.Add($"{variable.Key}={variable.Value}");
        }
        environment.Add("KUBECONFIG=" + config.AdminKubeconfig);
        environment.Add(null);
        _ = execve(program, [.. argv], [.. environment]);
        throw new CommandException($"cannot run {program}: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int execve(string path, string?[] argv, string?[] environment);
}
