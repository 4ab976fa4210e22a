namespace LiteKube.Commands;

/// <summary>Where commands print: results on standard output, troubles on standard error.</summary>
internal static class Terminal
{
    public static TextWriter Out => Console.Out;
    public static TextWriter Error => Console.Error;

    public static bool IsInteractive => !Console.IsInputRedirected && !Console.IsOutputRedirected;
}
