namespace LiteKube.Commands;

/// <summary>A command failed in a way its user can act on: one line with the cause and the way out.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCodes.Failed) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
