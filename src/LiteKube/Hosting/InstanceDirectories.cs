using LiteKube.Commands;
using LiteKube.Configuration;

namespace LiteKube.Hosting;

/// <summary>The directories that an instance owns, and the lock that keeps a second server out of them.</summary>
internal static class InstanceDirectories
{
    private const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static void Prepare(InstanceConfig config)
    {
        foreach (var (setting, directory) in ((Setting, string)[])[(Settings.DataDir, config.DataDir), (Settings.RunDir, config.RunDir), (Settings.LogDir, config.LogDir)])
        {
            try
            {
                Directory.CreateDirectory(directory, Open);
                // Creating succeeds for one that is there, be it on a read-only file system.
                using var probe = new FileStream(Path.Combine(directory, ".writable"), new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CommandException($"cannot write to {directory}: {e.Message.TrimEnd('.')}; choose another directory with {setting.Option}");
            }
        }
    }

    /// <summary>Held while the server runs. The kernel releases it when the process ends in whatever way, so none can be stale.</summary>
    public static IDisposable Lock(InstanceConfig config)
    {
        try
        {
            return new FileStream(Path.Combine(config.DataDir, "litekube.lock"), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None });
        }
        catch (IOException)
        {
            throw new CommandException(ServerProcess.Find(config) is { } running
                ? $"litekube runs already with process id {running}"
                : $"another litekube uses {config.DataDir}; stop it first, or choose another directory with {Settings.DataDir.Option}");
        }
    }
}
