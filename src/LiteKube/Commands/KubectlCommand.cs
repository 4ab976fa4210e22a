using System.CommandLine;
using System.Runtime.InteropServices;
using LiteKube.Configuration;

namespace LiteKube.Commands;

/// <summary>`litekube kubectl ...`: the kubectl on the PATH, with this cluster's kubeconfig.</summary>
internal static partial class KubectlCommand
{
    /// <summary>For help and completion; <see cref="FindIn"/> takes its invocations before the command line is parsed.</summary>
    public static Command Create()
    {
        var arguments = new Argument<string[]>("arguments") { Description = "Passed to kubectl as they are.", Arity = ArgumentArity.ZeroOrMore };
        return new Command("kubectl", "Run the kubectl on the PATH with this cluster's kubeconfig.") { arguments };
    }

    /// <summary>The position of the word kubectl where it is the command, behind options of ours only; else -1.</summary>
    public static int FindIn(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "kubectl")
                return i;
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
                return -1;
            if (!arguments[i].Contains('=', StringComparison.Ordinal))
                i++;
        }
        return -1;
    }

    /// <summary>Becomes kubectl: terminal, signals and exit code are kubectl's own. Returns only when that fails.</summary>
    internal static int Replace(InstanceConfig config, IReadOnlyList<string> arguments)
    {
        var program = ProgramSearch.Find("kubectl")
            ?? throw new CommandException("there is no kubectl on the PATH; install one (https://kubernetes.io/docs/tasks/tools/, or: apt-get install kubernetes-client), or use another machine's with `litekube config`");
        ConfigCommand.ReadKubeconfig(config);
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
