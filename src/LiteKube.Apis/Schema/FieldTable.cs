using System.Text;

namespace LiteKube.Apis.Schema;

/// <summary>
/// A type's fields with their names as UTF-8 in an open hash table. Decoding looks up every property name: the guess
/// that the field after the last one comes next is right for most written objects and costs one comparison.
/// </summary>
internal sealed class FieldTable
{
    private readonly byte[][] _names;
    private readonly short[] _slots;

    public FieldTable(IReadOnlyList<FieldSchema> fields)
    {
        Fields = [.. fields];
        _names = new byte[Fields.Length][];
        var size = 4;
        while (size < Fields.Length * 2)
            size *= 2;
        _slots = new short[size];
        for (var i = 0; i < Fields.Length; i++)
        {
            _names[i] = Encoding.UTF8.GetBytes(Fields[i].Name);
            var slot = Hash(_names[i]) & (size - 1);
            while (_slots[slot] != 0)
                slot = (slot + 1) & (size - 1);
            _slots[slot] = (short)(i + 1);
        }
    }

    public FieldSchema[] Fields { get; }

    /// <summary>The field's index, or -1. <paramref name="expected"/> is tried first.</summary>
    public int IndexOf(ReadOnlySpan<byte> name, int expected)
    {
        if ((uint)expected < (uint)_names.Length && name.SequenceEqual(_names[expected]))
            return expected;
        var slot = Hash(name) & (_slots.Length - 1);
        while (_slots[slot] is var entry and not 0)
        {
            if (name.SequenceEqual(_names[entry - 1]))
                return entry - 1;
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return -1;
    }

    // FNV-1a: names are short, and the table is at most half full.
    private static int Hash(ReadOnlySpan<byte> name)
    {
        var hash = 2166136261u;
        foreach (var b in name)
            hash = (hash ^ b) * 16777619u;
        return (int)(hash ^ (hash >> 15)) & int.MaxValue;
    }
}
