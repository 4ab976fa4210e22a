using Microsoft.AspNetCore.Http;

namespace LiteKube.Kubelet.Server.Streaming;

/// <summary>Which streams an exec or attach wants, by the kubelet's parameter names or the API's.</summary>
internal sealed record RemoteCommandOptions(bool Stdin, bool Stdout, bool Stderr, bool Tty)
{
    /// <exception cref="FormatException">None, in the kubelet's words.</exception>
    public static RemoteCommandOptions Parse(IQueryCollection query)
    {
        var tty = Flag(query, "tty");
        var stdin = Flag(query, "input") || Flag(query, "stdin");
        var stdout = Flag(query, "output") || Flag(query, "stdout");
        // A terminal has one output; asking for the other one too is a common mistake that has always been forgiven.
        var stderr = !tty && (Flag(query, "error") || Flag(query, "stderr"));
        if (!stdin && !stdout && !stderr)
            throw new FormatException("you must specify at least 1 of stdin, stdout, stderr");
        return new RemoteCommandOptions(stdin, stdout, stderr, tty);
    }

    private static bool Flag(IQueryCollection query, string name) => query.TryGetValue(name, out var value) && value.ToString() is ("1" or "true");
}
