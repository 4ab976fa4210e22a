namespace LiteKube.Apis.Codec;

/// <summary>Go's json.Indent: the tokens stay byte for byte, empty objects and lists stay on their line.</summary>
internal static class JsonIndenter
{
    public static void Write(Utf8Buffer buffer, ReadOnlySpan<byte> json)
    {
        var depth = 0;
        for (var i = 0; i < json.Length; i++)
        {
            switch (json[i])
            {
                case (byte)'"':
                    var end = EndOfString(json, i);
                    buffer.Add(json[i..end]);
                    i = end - 1;
                    break;
                case (byte)'{' or (byte)'[' when i + 1 < json.Length && json[i + 1] is (byte)'}' or (byte)']':
                    buffer.Add(json[i..(i + 2)]);
                    i++;
                    break;
                case (byte)'{' or (byte)'[':
                    buffer.Add(json[i]);
                    NewLine(buffer, ++depth);
                    break;
                case (byte)'}' or (byte)']':
                    NewLine(buffer, --depth);
                    buffer.Add(json[i]);
                    break;
                case (byte)',':
                    buffer.Add(json[i]);
                    NewLine(buffer, depth);
                    break;
                case (byte)':':
                    buffer.Add(": "u8);
                    break;
                default:
                    buffer.Add(json[i]);
                    break;
            }
        }
    }

    private static int EndOfString(ReadOnlySpan<byte> json, int start)
    {
        for (var i = start + 1; i < json.Length; i++)
        {
            if (json[i] == '\\') i++;
            else if (json[i] == '"') return i + 1;
        }
        return json.Length;
    }

    private static void NewLine(Utf8Buffer buffer, int depth)
    {
        buffer.Add((byte)'\n');
        for (var i = 0; i < depth; i++) buffer.Add("  "u8);
    }
}
