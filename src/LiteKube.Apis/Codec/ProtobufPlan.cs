using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>
/// How a type's fields are laid out in its protobuf message: in the order of their numbers, those of inlined structs
/// together in a message of their own, and with the zero values that Go writes where nothing is set.
/// </summary>
internal sealed class ProtobufPlan
{
    public ProtobufPlan(TypeSchema type)
    {
        var fields = type.Table.Fields;
        Tags = new uint[fields.Length];
        for (var i = 0; i < fields.Length; i++) Tags[i] = (uint)((fields[i].ProtoNumber << 3) | WireType(fields[i]));
        Slots = Layout(fields, [.. Enumerable.Range(0, fields.Length).Where(i => fields[i].ProtoNumber > 0)], depth: 0);
        IsComplete = fields.All(f => f.ProtoNumber > 0 || (type.IsRoot && f.Name is "kind" or "apiVersion"));
        Zero = Concat(Slots);
    }

    /// <summary>A tag for each of the type's fields.</summary>
    public uint[] Tags { get; }

    /// <summary>Ascending by number.</summary>
    public Slot[] Slots { get; }

    /// <summary>False for types that Kubernetes has no protobuf form of: Table.</summary>
    public bool IsComplete { get; }

    /// <summary>The message of an object with nothing set.</summary>
    public byte[] Zero { get; }

    /// <param name="Index">The field; -1: an inlined struct's message.</param>
    /// <param name="Inlined">The fields of that message.</param>
    /// <param name="WhenAbsent">What is written where the field is not set.</param>
    public sealed record Slot(int Number, int Index, Slot[] Inlined, byte[] WhenAbsent)
    {
        public uint Tag => (uint)((Number << 3) | 2);
    }

    private static Slot[] Layout(FieldSchema[] fields, int[] members, int depth)
    {
        var slots = new List<Slot>();
        foreach (var group in members.GroupBy(i => fields[i].ProtoPath.Count > depth ? fields[i].ProtoPath[depth] : -1))
        {
            if (group.Key < 0)
            {
                slots.AddRange(group.Select(i => new Slot(fields[i].ProtoNumber, i, [], WhenAbsent(fields[i]))));
                continue;
            }
            var inlined = Layout(fields, [.. group], depth + 1);
            slots.Add(new Slot(group.Key, -1, inlined, Delimited(group.Key, Concat(inlined))));
        }
        slots.Sort((a, b) => a.Number.CompareTo(b.Number));
        return [.. slots];
    }

    private static int WireType(FieldSchema field) => field.Cardinality == Cardinality.Map ? 2 : WireTypeOfElement(field);

    public static int WireTypeOfElement(FieldSchema field) => field.Kind switch
    {
        ValueKind.Boolean or ValueKind.Int32 or ValueKind.Int64 => 0,
        ValueKind.Double => 1,
        _ => 2,
    };

    /// <summary>Go's generated code writes every scalar and struct that is no pointer, also a zero one.</summary>
    private static byte[] WhenAbsent(FieldSchema field)
    {
        if (field.Cardinality != Cardinality.One || field.IsPointer || field.Kind == ValueKind.Bytes) return [];
        return field.Kind switch
        {
            ValueKind.Boolean or ValueKind.Int32 or ValueKind.Int64 => [.. Varint((uint)(field.ProtoNumber << 3)), 0],
            ValueKind.Double => [.. Varint((uint)((field.ProtoNumber << 3) | 1)), .. new byte[8]],
            _ => Delimited(field.ProtoNumber, ZeroOf(field)),
        };
    }

    /// <summary>The content of a length-delimited zero value.</summary>
    public static byte[] ZeroOf(FieldSchema field) => field.Kind switch
    {
        ValueKind.Object when field.Union == JsonUnion.None => field.Type!.Protobuf.Zero,
        ValueKind.Quantity => [0x0a, 1, (byte)'0'],
        ValueKind.Duration => [0x08, 0],
        ValueKind.IntOrString => [0x08, 0, 0x10, 0, 0x1a, 0],
        _ => [],
    };

    private static byte[] Concat(Slot[] slots) => [.. slots.SelectMany(s => s.WhenAbsent)];

    private static byte[] Delimited(int number, byte[] content) => [.. Varint((uint)((number << 3) | 2)), .. Varint((uint)content.Length), .. content];

    private static byte[] Varint(uint value)
    {
        Span<byte> bytes = stackalloc byte[10];
        return bytes[..ProtobufFields.WriteVarint(bytes, value)].ToArray();
    }
}
