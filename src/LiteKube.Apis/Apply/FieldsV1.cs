using System.Text.Json;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>Field sets as metadata.managedFields holds them (fieldsType FieldsV1), byte for byte as Kubernetes writes them.</summary>
public static class FieldsV1
{
    public static byte[] Encode(FieldSet set)
    {
        using var buffer = new Utf8Buffer();
        Write(buffer, set, isMember: false);
        return buffer.Written.ToArray();
    }

    /// <exception cref="FormatException">The bytes are no field set.</exception>
    public static FieldSet Decode(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = ObjectDecoder.MaxDepth });
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null) return FieldSet.Empty;
            var node = ReadNode(ref reader);
            reader.Read();
            return node.Build();
        }
        catch (JsonException exception)
        {
            throw new FormatException(exception.Message, exception);
        }
    }

    private static void Write(Utf8Buffer buffer, FieldSet? set, bool isMember)
    {
        buffer.Add((byte)'{');
        var isFirst = true;
        // A member without anything below is an empty object; only beside other names it needs one of its own.
        if (isMember && set is not null)
        {
            buffer.Add("\".\":{}"u8);
            isFirst = false;
        }

        foreach (var entry in set?.Entries ?? [])
        {
            if (!isFirst) buffer.Add((byte)',');
            isFirst = false;
            buffer.Add(entry.Element.Encoded);
            buffer.Add((byte)':');
            Write(buffer, entry.Children, entry.IsMember);
        }

        buffer.Add((byte)'}');
    }

    private static FieldSetNode ReadNode(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new FormatException($"expected an object in a field set, got {reader.TokenType}");
        var node = new FieldSetNode();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("."u8))
            {
                node.IsMember = true;
                reader.Skip();
                continue;
            }

            // A kind of element that a later version knows is left out, as upstream leaves it out.
            var element = PathElement.Parse(GoText.Unescape(reader.ValueSpan));
            reader.Read();
            if (element is null)
            {
                reader.Skip();
                continue;
            }

            var below = ReadNode(ref reader);
            if (below.IsEmpty) below.IsMember = true;
            node.Add(element, below);
        }

        return node;
    }
}
