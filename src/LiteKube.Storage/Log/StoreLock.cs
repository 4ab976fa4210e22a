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
            throw new StoreUnavailableException($"{databasePath} is open in another process (pid {Holder(path)}): stop that one, or use another data directory", exception);
        }

        // Always as long, over what is there: after a crash on a full disk this needs no new space.
        file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString("D10", CultureInfo.InvariantCulture)));
        return new StoreLock(file);
    }

    public void Dispose() => _file.Dispose();

    private static string Holder(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().TrimStart('0') is { Length: > 0 } pid ? pid : "unknown";
    }
}
