using System.Text;
using CliWrap;

namespace LiteKube.Testing;

/// <summary>A command did not do what the test needs of it; the message shows all that it said.</summary>
public sealed class CommandFailedException(string message) : Exception(message);

public sealed record Ran(string Command, int ExitCode, string Out, string Error)
{
    /// <summary>The output, when the command succeeded; else a failure that shows all of it.</summary>
    public string Success() => ExitCode == 0 ? Out : throw new CommandFailedException($"{Command}\nexit code {ExitCode}\n{Out}\n{Error}");

    public Ran Failure() => ExitCode != 0 ? this : throw new CommandFailedException($"{Command}\nsucceeded, but should not have:\n{Out}");
}

public static class Run
{
    public static readonly TimeSpan Timeout = TimeSpan.FromMinutes(3);

    public static async Task<Ran> Async(string program, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string?>? environment = null, TimeSpan? timeout = null)
    {
        var list = arguments.ToList();
        var text = $"{Path.GetFileName(program)} {string.Join(' ', list)}";
        using var limited = new CancellationTokenSource(timeout ?? Timeout);
        var output = new StringBuilder();
        var error = new StringBuilder();
        var command = Cli.Wrap(program).WithArguments(list).WithValidation(CommandResultValidation.None)
            .WithStandardOutputPipe(PipeTarget.ToStringBuilder(output)).WithStandardErrorPipe(PipeTarget.ToStringBuilder(error));
        if (environment is not null)
            command = command.WithEnvironmentVariables(environment);
        if (input is not null)
            command = command.WithStandardInputPipe(PipeSource.FromString(input));
        try
        {
            var result = await command.ExecuteAsync(limited.Token);
            return new Ran(text, result.ExitCode, output.ToString(), error.ToString());
        }
        catch (OperationCanceledException)
        {
            throw new CommandFailedException($"{text}\ndid not end within {timeout ?? Timeout}\n{output}\n{error}");
        }
    }

    public static Task<Ran> Shell(string script, TimeSpan? timeout = null) => Async("/bin/sh", ["-c", script], timeout: timeout);
}
