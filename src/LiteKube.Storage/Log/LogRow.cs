using System.Numerics;
using System.Runtime.InteropServices;

namespace LiteKube.Storage.Log;

/// <summary>What a row of the log records. The numbers are on disk: never reuse one.</summary>
internal enum LogRowKind
{
    Put = 0,

    /// <summary>A deletion whose last state is in the row.</summary>
    Tombstone = 1,

    /// <summary>A deletion whose last state is the bytes of the previous row.</summary>
    Removal = 2,
}

/// <summary>One write as it is on disk.</summary>
/// <param name="Revision">The write's revision, dense: each write has the next.</param>
/// <param name="Previous">The revision of the key's row that this one supersedes; 0 when the key is new.</param>
/// <param name="Created">The revision at which the key came into being.</param>
/// <param name="TimeMs">When it was committed, in milliseconds since 1970, never falling.</param>
internal readonly record struct LogRow(long Revision, long Previous, long Created, LogRowKind Kind, long TimeMs, string Key, byte[] Value)
{
    /// <summary>About what a row costs beside its key and value.</summary>
    public const int Overhead = 48;

    /// <summary>SQLite's pages carry no checksum: this tells a value that the disk changed from one that was written.</summary>
    public uint Checksum()
    {
        var crc = BitOperations.Crc32C(~0u, (ulong)Revision);
        crc = BitOperations.Crc32C(crc, (ulong)Previous);
        crc = BitOperations.Crc32C(crc, (ulong)Created);
        crc = BitOperations.Crc32C(crc, (uint)Kind);
        crc = Add(crc, MemoryMarshal.AsBytes(Key.AsSpan()));
        return ~Add(crc, Value);
    }

    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (var single in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, single);
        return crc;
    }
}
