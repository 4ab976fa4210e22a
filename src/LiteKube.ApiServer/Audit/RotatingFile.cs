using System.Globalization;

namespace LiteKube.ApiServer.Audit;

/// <summary>
/// A file that is put aside under the time of its end when it is full: audit.log becomes
/// audit-2026-01-31T12-00-00.000.log, as kube-apiserver names them. For one thread.
/// </summary>
internal sealed class RotatingFile : IDisposable
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH-mm-ss.fff";

    private readonly AuditOptions _options;
    private readonly TimeProvider _time;
    private Stream? _stream;
    private long _size;

    private RotatingFile(AuditOptions options, TimeProvider time, Stream stream, long size) => (_options, _time, _stream, _size) = (options, time, stream, size);

    public string Path => _options.LogPath;

    private bool IsStandardOutput => Path == "-";

    /// <exception cref="InvalidDataException">The file cannot be opened for writing.</exception>
    public static RotatingFile Open(AuditOptions options, TimeProvider time)
    {
        if (options.LogPath == "-")
            return new(options, time, Console.OpenStandardOutput(), 0);
        try
        {
            var stream = OpenFile(options.LogPath);
            return new(options, time, stream, LengthOf(stream));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the audit log {options.LogPath} cannot be written: {exception.Message}", exception);
        }
    }

    /// <param name="lines">Whole lines. They are in the file when this returns, and none of them is when it throws.</param>
    /// <exception cref="IOException">They could not be written; the next call opens the file anew.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be opened any more.</exception>
    public void Write(ReadOnlySpan<byte> lines)
    {
        if (_options.MaxSizeMegabytes > 0 && !IsStandardOutput && _size > 0 && _size + lines.Length > _options.MaxSizeMegabytes * 1024L * 1024L)
            Rotate();
        _stream ??= Reopen();
        try
        {
            _stream.Write(lines);
        }
        catch (IOException) when (!IsStandardOutput)
        {
            _stream.Dispose();
            _stream = null;
            throw;
        }
        _size += lines.Length;
    }

    public void Dispose() => _stream?.Dispose();

    private static FileStream OpenFile(string path)
    {
        if (System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is { } directory)
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            // A buffer of the stream could keep half a line of what failed.
            BufferSize = 0,
            // It may hold what Secrets hold.
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        // Not as FileMode.Append, under which nothing could be taken back. A pipe has no end to go to.
        if (stream.CanSeek)
            stream.Seek(0, SeekOrigin.End);
        return stream;
    }

    private static long LengthOf(FileStream stream) => stream.CanSeek ? stream.Length : 0;

    private FileStream Reopen()
    {
        var stream = OpenFile(Path);
        // A disk that was full took part of the lines perhaps.
        if (stream.CanSeek && stream.Length > _size)
            stream.SetLength(_size);
        _size = LengthOf(stream);
        return stream;
    }

    private void Rotate()
    {
        _stream?.Dispose();
        _stream = null;
        if (File.Exists(Path))
            File.Move(Path, BackupName(), overwrite: false);
        _size = 0;
        _stream = OpenFile(Path);
        RemoveOld();
    }

    private string BackupName()
    {
        var (stem, extension) = Parts();
        // Two files put aside within a millisecond must not be one.
        for (var moment = _time.GetUtcNow(); ; moment = moment.AddMilliseconds(1))
        {
            var name = $"{stem}{moment.ToString(TimeFormat, CultureInfo.InvariantCulture)}{extension}";
            if (!File.Exists(name))
                return name;
        }
    }

    private void RemoveOld()
    {
        var (stem, extension) = Parts();
        var backups = new List<(DateTimeOffset Ended, string File)>();
        foreach (var file in Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(stem)!, System.IO.Path.GetFileName(stem) + "*" + extension))
        {
            var middle = file[stem.Length..^extension.Length];
            if (DateTimeOffset.TryParseExact(middle, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var ended))
                backups.Add((ended, file));
        }
        backups.Sort((a, b) => b.Ended.CompareTo(a.Ended));
        var oldest = _options.MaxAgeDays > 0 ? _time.GetUtcNow().AddDays(-_options.MaxAgeDays) : DateTimeOffset.MinValue;
        for (var i = 0; i < backups.Count; i++)
        {
            if ((_options.MaxBackups > 0 && i >= _options.MaxBackups) || backups[i].Ended < oldest)
                File.Delete(backups[i].File);
        }
    }

    private (string Stem, string Extension) Parts()
    {
        var full = System.IO.Path.GetFullPath(Path);
        var extension = System.IO.Path.GetExtension(full);
        return (full[..^extension.Length] + "-", extension);
    }
}
