using System.Runtime.InteropServices;
using System.Text.Json;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>
/// An object's canonical JSON straight to its protobuf message, without a tree between them. Fields are written as JSON
/// has them and put into the order of their numbers when the object ends, so that the bytes are those of Go's own
/// encoder. One use each.
/// </summary>
internal ref partial struct ProtobufEncoder : IDisposable
{
    private readonly Utf8Buffer _out;
    private readonly Utf8Buffer _moved = new();
    // Where each field of the objects that are open was written; no length: it is not there.
    private readonly List<(int Start, int Length)> _written = new(64);
    private readonly ReadOnlySpan<byte> _json;
    private Utf8JsonReader _reader;

    private ProtobufEncoder(ReadOnlySpan<byte> json, Utf8Buffer output)
    {
        _json = json;
        _out = output;
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = ObjectDecoder.MaxDepth });
    }

    /// <summary>Adds the message of the object to the buffer.</summary>
    public static void Encode(ReadOnlySpan<byte> json, TypeSchema schema, Utf8Buffer output)
    {
        using var encoder = new ProtobufEncoder(json, output);
        encoder.WriteRoot(schema);
    }

    public readonly void Dispose() => _moved.Dispose();

    private void WriteRoot(TypeSchema schema)
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject) throw new DecodeException("no JSON object");
        WriteObject(schema);
    }

    private void WriteObject(TypeSchema type)
    {
        var table = type.Table;
        var plan = type.Protobuf;
        var first = _written.Count;
        CollectionsMarshal.SetCount(_written, first + table.Fields.Length);
        CollectionsMarshal.AsSpan(_written)[first..].Clear();
        var start = _out.Count;
        var expected = 0;
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var index = _reader.ValueIsEscaped ? table.IndexOf(System.Text.Encoding.UTF8.GetBytes(_reader.GetString()!), 0) : table.IndexOf(_reader.ValueSpan, expected);
            _reader.Read();
            if (index < 0 || plan.Tags[index] < 8)
            {
                // kind and apiVersion stand in the envelope.
                _reader.Skip();
                continue;
            }
            expected = index + 1;
            var from = _out.Count;
            if (_reader.TokenType != JsonTokenType.Null) WriteField(table.Fields[index], plan.Tags[index]);
            _written[first + index] = (from, _out.Count - from);
        }
        Arrange(plan, first, start);
        CollectionsMarshal.SetCount(_written, first);
    }

    /// <summary>Brings what was written since <paramref name="start"/> into the order of the plan and fills in what is missing.</summary>
    private readonly void Arrange(ProtobufPlan plan, int first, int start)
    {
        var written = CollectionsMarshal.AsSpan(_written)[first..];
        var slots = plan.Slots;
        var at = start;
        var i = 0;
        for (; i < slots.Length; i++)
        {
            if (slots[i].Index < 0) break;
            var (from, length) = written[slots[i].Index];
            if (length == 0 ? slots[i].WhenAbsent.Length > 0 : from != at) break;
            at += length;
        }
        if (i == slots.Length) return;
        // From here on: the tail goes aside and comes back piece by piece.
        _moved.Truncate(0);
        _moved.Add(_out.Written[at..]);
        _out.Truncate(at);
        for (; i < slots.Length; i++) Place(slots[i], written, at);
    }

    private readonly void Place(ProtobufPlan.Slot slot, ReadOnlySpan<(int Start, int Length)> written, int origin)
    {
        if (slot.Index < 0)
        {
            Tag(slot.Tag);
            Varint((ulong)Measure(slot.Inlined, written));
            foreach (var inner in slot.Inlined) Place(inner, written, origin);
            return;
        }
        var (start, length) = written[slot.Index];
        _out.Add(length == 0 ? slot.WhenAbsent : _moved.Written.Slice(start - origin, length));
    }

    private static int Measure(ProtobufPlan.Slot[] slots, ReadOnlySpan<(int Start, int Length)> written)
    {
        var total = 0;
        foreach (var slot in slots)
        {
            if (slot.Index < 0)
            {
                var inner = Measure(slot.Inlined, written);
                total += ProtobufFields.VarintLength(slot.Tag) + ProtobufFields.VarintLength((ulong)inner) + inner;
            }
            else
            {
                total += written[slot.Index].Length is > 0 and var length ? length : slot.WhenAbsent.Length;
            }
        }
        return total;
    }

    private void WriteField(FieldSchema field, uint tag)
    {
        switch (field.Cardinality)
        {
            case Cardinality.List:
                WriteList(field, tag);
                break;
            case Cardinality.Map:
                WriteMap(field, tag);
                break;
            default:
                WriteValue(field, tag);
                break;
        }
    }

    private void WriteList(FieldSchema field, uint tag)
    {
        Expect(JsonTokenType.StartArray);
        // Verbs is a message around its list.
        if (field.GoType.EndsWith(".Verbs", StringComparison.Ordinal))
        {
            var start = _out.Count;
            WriteStrings();
            Delimit(start, tag);
            return;
        }
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray) WriteElement(field, tag);
    }

    private void WriteElement(FieldSchema field, uint tag)
    {
        if (_reader.TokenType != JsonTokenType.Null)
        {
            WriteValue(field, tag);
            return;
        }
        Tag(tag);
        var zero = ProtobufPlan.ZeroOf(field);
        Varint((ulong)zero.Length);
        _out.Add(zero);
    }

    private void WriteMap(FieldSchema field, uint tag)
    {
        Expect(JsonTokenType.StartObject);
        var valueTag = (2u << 3) | (uint)ProtobufPlan.WireTypeOfElement(field);
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = _out.Count;
            WriteText(1u << 3 | 2);
            _reader.Read();
            if (field.IsMapOfLists)
            {
                var inner = _out.Count;
                if (_reader.TokenType == JsonTokenType.StartArray) WriteStrings();
                Delimit(inner, valueTag);
            }
            else if (_reader.TokenType != JsonTokenType.Null || field.Kind != ValueKind.Bytes)
            {
                WriteElement(field, valueTag);
            }
            Delimit(start, tag);
        }
    }

    private void WriteStrings()
    {
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray) WriteText(1u << 3 | 2);
    }

    private readonly void Expect(JsonTokenType token)
    {
        if (_reader.TokenType != token) throw new DecodeException($"expected {token}, found {_reader.TokenType}");
    }

    private readonly void Tag(uint tag) => Varint(tag);

    private readonly void Varint(ulong value) => _out.Advance(ProtobufFields.WriteVarint(_out.Reserve(10), value));

    /// <summary>Puts tag and length before what was written since <paramref name="start"/>.</summary>
    private readonly void Delimit(int start, uint tag)
    {
        var length = (ulong)(_out.Count - start);
        var head = _out.Insert(start, ProtobufFields.VarintLength(tag) + ProtobufFields.VarintLength(length));
        var written = ProtobufFields.WriteVarint(head, tag);
        ProtobufFields.WriteVarint(head[written..], length);
    }
}
