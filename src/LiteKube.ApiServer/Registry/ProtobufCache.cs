using System.Collections.Concurrent;
using LiteKube.Apis.Codec;

namespace LiteKube.ApiServer.Registry;

/// <summary>
/// Bounds what is kept of objects in protobuf. Entries live beside the stored values; the oldest lose their bytes when
/// there are too many of them, since most clusters have few clients that speak protobuf and none that reads everything.
/// </summary>
internal sealed class ProtobufCache(long maxBytes)
{
    private const int OverheadBytes = 120;

    private readonly ConcurrentQueue<Entry> _oldestFirst = new();
    private long _bytes;

    /// <summary>Of this process: 8 MiB are some ten thousand objects.</summary>
    public static ProtobufCache Shared { get; } = new(8 * 1024 * 1024);

    public long Bytes => Volatile.Read(ref _bytes);

    public Entry Add(ServedResource resource, ProtobufObject value)
    {
        var entry = new Entry(resource, value);
        _oldestFirst.Enqueue(entry);
        var bytes = Interlocked.Add(ref _bytes, value.Bytes.Length + OverheadBytes);
        while (bytes > maxBytes && _oldestFirst.TryDequeue(out var oldest)) bytes = Interlocked.Add(ref _bytes, -(oldest.Drop() + OverheadBytes));
        return entry;
    }

    internal sealed class Entry(ServedResource resource, ProtobufObject value)
    {
        private readonly int _start = value.MessageStart;
        private volatile byte[]? _bytes = value.Bytes;

        public ServedResource Resource { get; } = resource;

        public ProtobufObject? Value => _bytes is { } bytes ? new ProtobufObject(bytes, _start) : null;

        /// <returns>How many bytes it gave up.</returns>
        public int Drop()
        {
            var length = _bytes?.Length ?? 0;
            _bytes = null;
            return length;
        }
    }
}
