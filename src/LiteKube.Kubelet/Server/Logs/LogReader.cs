using System.Text;
using System.Threading.Channels;
using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.Server.Logs;

/// <summary>
/// Copies a container's log to a client. Following waits for the kernel to tell of changes; a rotated file is read to
/// its end before the new one at the same path takes its place.
/// </summary>
internal sealed class LogReader(TimeProvider time)
{
    private const int ChunkBytes = 32 << 10;

    /// <summary>Between looks at whether the container still runs, while somebody follows; its end makes no sound in the file.</summary>
    private static readonly TimeSpan LivenessCheck = TimeSpan.FromMilliseconds(500);

    /// <param name="isRunning">Whether the container may still write; looked at while following.</param>
    public async Task CopyAsync(string path, LogOptions options, Func<bool> isRunning, Stream output, CancellationToken cancellationToken)
    {
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var watcher = options.Follow ? Watch(path, changes.Writer) : null;
        var sink = new LogSink(output, options);
        if (sink.IsFull)
            return;

        var file = Open(path);
        try
        {
            if (file is not null && options.TailLines is { } tail)
                file.Position = TailStart(file, tail);
            var reader = new RecordReader();
            while (true)
            {
                var ranBefore = !options.Follow || isRunning();
                if (file is not null)
                    await reader.DrainAsync(file, sink, cancellationToken);
                await sink.FlushAsync(cancellationToken);
                if (!options.Follow || sink.IsFull)
                    return;
                if (Rotated(path, file) is { } next)
                {
                    // The last lines of the old file may have come between its end and the look at the new one.
                    if (file is not null)
                        await reader.DrainAsync(file, sink, cancellationToken);
                    reader.Reset();
                    file?.Dispose();
                    file = next;
                    continue;
                }
                // Read once more after the end was seen: what it wrote last is in the file by then.
                if (!ranBefore)
                    return;
                await WaitAsync(changes.Reader, cancellationToken);
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Where the last <paramref name="lines"/> records begin.</summary>
    private static long TailStart(FileStream file, long lines)
    {
        var end = file.Length;
        if (lines == 0)
            return end;
        var buffer = new byte[ChunkBytes];
        var position = end;
        // The line end of the last line itself does not separate it from another.
        var seen = -1L;
        while (position > 0)
        {
            var length = (int)Math.Min(buffer.Length, position);
            position -= length;
            file.Position = position;
            file.ReadExactly(buffer, 0, length);
            if (seen < 0)
                seen = buffer[length - 1] == '\n' ? 0 : 1;
            for (var i = length - 1; i >= 0; i--)
            {
                if (buffer[i] == '\n' && seen++ >= lines)
                    return position + i + 1;
            }
        }
        return 0;
    }

    private async Task WaitAsync(ChannelReader<bool> changes, CancellationToken cancellationToken)
    {
        try
        {
            await changes.ReadAsync(cancellationToken).AsTask().WaitAsync(LivenessCheck, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Nothing was written: the caller looks at the container.
        }
    }

    private static FileSystemWatcher? Watch(string path, ChannelWriter<bool> changes)
    {
        var dir = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(dir))
            return null;
        var watcher = new FileSystemWatcher(dir, Path.GetFileName(path)) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size };
        watcher.Changed += (_, _) => changes.TryWrite(true);
        watcher.Created += (_, _) => changes.TryWrite(true);
        watcher.Renamed += (_, _) => changes.TryWrite(true);
        try
        {
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (IOException)
        {
            // The machine has no watches left to give: the look at the container finds new lines too, only later.
            watcher.Dispose();
            return null;
        }
    }

    private static FileStream? Open(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static FileStream? Rotated(string path, FileStream? current)
    {
        if (Libc.Stat(path) is not { } there)
            return null;
        return current is not null && Libc.Stat(current.SafeFileHandle).SameFile(there) ? null : Open(path);
    }

    /// <summary>Cuts a growing file into records; the piece after the last line end waits for its rest.</summary>
    private sealed class RecordReader
    {
        private byte[] _buffer = new byte[ChunkBytes];
        private int _length;

        public void Reset() => _length = 0;

        public async Task DrainAsync(FileStream file, LogSink sink, CancellationToken cancellationToken)
        {
            while (!sink.IsFull)
            {
                if (_length == _buffer.Length)
                    Array.Resize(ref _buffer, _buffer.Length * 2);
                var read = await file.ReadAsync(_buffer.AsMemory(_length), cancellationToken);
                if (read == 0)
                    return;
                _length += read;
                await TakeAsync(sink, cancellationToken);
            }
        }

        private async Task TakeAsync(LogSink sink, CancellationToken cancellationToken)
        {
            var start = 0;
            int end;
            while ((end = _buffer.AsSpan(start, _length - start).IndexOf((byte)'\n')) >= 0 && !sink.IsFull)
            {
                sink.Add(_buffer.AsSpan(start, end));
                start += end + 1;
                if (sink.PendingBytes >= ChunkBytes)
                    await sink.FlushAsync(cancellationToken);
            }
            _buffer.AsSpan(start, _length - start).CopyTo(_buffer);
            _length -= start;
        }
    }

    /// <summary>Turns records into what the client sees.</summary>
    private sealed class LogSink(Stream output, LogOptions options)
    {
        private readonly MemoryStream _pending = new();
        private readonly byte[]? _stream = options.Stream is { } name ? Encoding.ASCII.GetBytes(name) : null;
        private long _left = options.LimitBytes ?? long.MaxValue;
        private bool _isLineStart = true;

        public bool IsFull => _left <= 0;
        public long PendingBytes => _pending.Length;

        public void Add(ReadOnlySpan<byte> record)
        {
            if (!CriLogLine.TryParse(record, out var line))
                return;
            if (_stream is not null && !line.Stream.SequenceEqual(_stream))
                return;
            if (options.Since is { } since && line.IsBefore(since))
                return;
            if (_isLineStart && options.Timestamps)
                Write(Encoding.ASCII.GetBytes(line.FixedTime() + " "));
            Write(line.Content);
            if (!line.IsPartial)
                Write("\n"u8);
            _isLineStart = !line.IsPartial;
        }

        public async Task FlushAsync(CancellationToken cancellationToken)
        {
            if (_pending.Length == 0)
                return;
            await output.WriteAsync(_pending.GetBuffer().AsMemory(0, (int)_pending.Length), cancellationToken);
            await output.FlushAsync(cancellationToken);
            _pending.SetLength(0);
        }

        private void Write(ReadOnlySpan<byte> bytes)
        {
            var part = bytes.Length <= _left ? bytes : bytes[..(int)_left];
            _pending.Write(part);
            _left -= part.Length;
        }
    }
}
