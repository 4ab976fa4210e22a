using System.Text;
using CliWrap;

namespace LiteKube.Benchmarks;

internal static class Commands
{
    /// <summary>Runs a command; a failure shows all that it printed.</summary>
    public static async Task RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var output = new StringBuilder();
        var result = await Cli.Wrap(program).WithArguments(arguments).WithValidation(CommandResultValidation.None)
            .WithStandardOutputPipe(PipeTarget.ToStringBuilder(output)).WithStandardErrorPipe(PipeTarget.ToStringBuilder(output)).ExecuteAsync(cancellationToken);
        if (result.ExitCode != 0)
            throw new InvalidOperationException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} ended with {result.ExitCode}:\n{output}");
    }
}
