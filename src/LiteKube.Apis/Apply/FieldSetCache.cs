using System.Collections.Concurrent;

namespace LiteKube.Apis.Apply;

/// <summary>
/// Parsed field sets by their bytes: the pods of one Deployment all carry the same few. Emptied when it is full, which
/// costs the next writes a parse each.
/// </summary>
internal static class FieldSetCache
{
    private const int MaxSets = 1024;
    private const int MaxBytes = 16 * 1024;

    private static readonly ConcurrentDictionary<Key, FieldSet> Sets = new();
    // The dictionary's own count takes all its locks.
    private static int _count;

    public static FieldSet Decode(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Length > MaxBytes) return FieldsV1.Decode(utf8.Span);
        if (Sets.TryGetValue(new(utf8), out var known)) return known;
        var set = FieldsV1.Decode(utf8.Span);
        Remember(utf8.ToArray(), set);
        return set;
    }

    public static void Remember(byte[] utf8, FieldSet set)
    {
        if (utf8.Length > MaxBytes) return;
        if (!Sets.TryAdd(new(utf8), set) || Interlocked.Increment(ref _count) <= MaxSets) return;
        Sets.Clear();
        Volatile.Write(ref _count, 0);
    }

    private readonly struct Key : IEquatable<Key>
    {
        private readonly ReadOnlyMemory<byte> _utf8;
        private readonly int _hash;

        public Key(ReadOnlyMemory<byte> utf8)
        {
            var hash = new HashCode();
            hash.AddBytes(utf8.Span);
            (_utf8, _hash) = (utf8, hash.ToHashCode());
        }

        public bool Equals(Key other) => _hash == other._hash && _utf8.Span.SequenceEqual(other._utf8.Span);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => _hash;
    }
}
