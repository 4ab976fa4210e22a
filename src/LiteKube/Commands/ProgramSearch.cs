namespace LiteKube.Commands;

internal static class ProgramSearch
{
    /// <summary>The first executable file of that name on the PATH, never one relative to the working directory.</summary>
    public static string? Find(string name)
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        // sudo's and cron's PATH may lack the sbin directories where runc and nft live.
        foreach (var directory in path.Split(':').Concat(["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))
        {
            if (!directory.StartsWith('/'))
                continue;
            var candidate = Path.Combine(directory, name);
            if (File.Exists(candidate) && (File.GetUnixFileMode(candidate) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0)
                return candidate;
        }
        return null;
    }
}
