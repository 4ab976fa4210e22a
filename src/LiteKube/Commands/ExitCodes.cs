namespace LiteKube.Commands;

/// <summary>What scripts can rely on.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    /// <summary>The command could not do its work; the line on standard error says why.</summary>
    public const int Failed = 1;
    /// <summary>The command line or configuration is wrong.</summary>
    public const int Usage = 2;
    /// <summary>`status`: the cluster is not running.</summary>
    public const int NotRunning = 3;
    /// <summary>`status`: it runs but is not ready.</summary>
    public const int NotReady = 4;
}
