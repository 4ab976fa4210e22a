using System.Globalization;

namespace LiteKube.Storage.Log;

/// <summary>
/// Keeps a second process from the file: all reads come from memory, so two owners would each miss the other's writes.
/// The kernel drops the lock with its process, so nothing is left to clean after a kill.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    /// <summary>EAGAIN, what flock answers when another holds the lock.</summary>
    private const int TryAgain = 11;

    private readonly FileStream _file;

    private StoreLock(FileStream file) => _file = file;

    /// <exception cref="StoreUnavailableException">Another process has the store open.</exception>
    public static StoreLock Take(string databasePath)
    {
        // A file of its own: closing any descriptor of the database itself would drop SQLite's POSIX locks on it.
        var path = databasePath + ".lock";
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } directory && !Directory.Exists(directory))
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        FileStream file;
        try
        {
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (IOException exception) when (exception.HResult == TryAgain)
        {
            throw new StoreUnavailableException($"{databasePath} is open in {Holder(path)}: stop that one, or use another data directory", exception);
        }

        return new StoreLock(file);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Which process has the file open, as far as we may see; the kernel names holders of such locks nowhere else.</summary>
    private static string Holder(string path)
    {
        var fullPath = Path.GetFullPath(path);
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out var pid) && HasOpen(process, fullPath))
                return $"another process (pid {pid})";
        }

        return "another process";
    }

    private static bool HasOpen(string process, string path)
    {
        try
        {
            return Directory.EnumerateFiles($"{process}/fd").Any(descriptor => PointsAt(descriptor, path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or belongs to another user.
            return false;
        }
    }

    private static bool PointsAt(string descriptor, string path)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName == path;
        }
        catch (IOException)
        {
            // Closed since it was listed; the others of the process still count.
            return false;
        }
    }
}
