using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LiteKube.Apis.Codec;

/// <summary>YAML as kubectl prints it: keys sorted, lists at their key's column, text quoted only where it would read as something else.</summary>
internal static class YamlWriter
{
    public static string Write(JsonNode value)
    {
        var text = new StringWriter { NewLine = "\n" };
        // No folding: the emitter breaks quoted text before a tab, which a reader then takes for indentation.
        var emitter = new Emitter(text, new EmitterSettings().WithMaxSimpleKeyLength(1024).WithBestWidth(int.MaxValue));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        Emit(emitter, value);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private static void Emit(Emitter emitter, JsonNode? node)
    {
        switch (node)
        {
            case null:
                EmitPlain(emitter, "null");
                break;
            case JsonObject o:
                emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, isImplicit: true, o.Count == 0 ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var (name, value) in o.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    EmitText(emitter, name, isKey: true);
                    Emit(emitter, value);
                }

                emitter.Emit(new MappingEnd());
                break;
            case JsonArray a:
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, a.Count == 0 ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var element in a)
                    Emit(emitter, element);
                emitter.Emit(new SequenceEnd());
                break;
            default:
                if (node.GetValueKind() == JsonValueKind.String && node.AsValue().TryGetValue(out string? text))
                    EmitText(emitter, text, isKey: false);
                else
                    EmitPlain(emitter, Encoding.UTF8.GetString(ObjectWriter.Write(node)));
                break;
        }
    }

    private static void EmitPlain(Emitter emitter, string text) =>
        emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, text, ScalarStyle.Plain, isPlainImplicit: true, isQuotedImplicit: false));

    private static void EmitText(Emitter emitter, string text, bool isKey) =>
        emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, text, StyleOf(text, isKey), isPlainImplicit: true, isQuotedImplicit: true));

    private static ScalarStyle StyleOf(string text, bool isKey)
    {
        if (text.Length == 0 || IsSomethingElse(text))
            return ScalarStyle.DoubleQuoted;
        var hasLines = text.Contains('\n', StringComparison.Ordinal);
        if (text.Any(c => (c < ' ' && c != '\n') || c is '\x7f' or '\u0085' or '\u2028' or '\u2029' or '\ufeff') || (isKey && hasLines))
            return ScalarStyle.DoubleQuoted;
        if (!hasLines)
            // Our parser takes a star after a blank in a plain key for an alias.
            return text[0] == ' ' || text[^1] == ' ' || text.Contains(" *", StringComparison.Ordinal) ? ScalarStyle.SingleQuoted : ScalarStyle.Any;
        // A block cannot begin with a blank, and blanks at a line's end would be lost to the eye.
        return text[0] is not (' ' or '\n') && !text.Contains(" \n", StringComparison.Ordinal) && text[^1] != ' ' ? ScalarStyle.Literal : ScalarStyle.DoubleQuoted;
    }

    private static bool IsSomethingElse(string text)
    {
        if (text is "<<" or "=" || (text.Length > 1 && text.TrimStart('+', '-') is ['.', 'n' or 'N' or 'i' or 'I', ..]))
            return true;
        // Dates and sexagesimal numbers (1:30) are text here, but something else to other readers of YAML 1.1.
        var isDate = text.Length >= 8 && char.IsAsciiDigit(text[0]) && text.AsSpan(4).StartsWith("-");
        var isSexagesimal = text.Contains(':', StringComparison.Ordinal) && text.AsSpan().IndexOfAnyExcept("0123456789_:.+-") < 0;
        return isDate || isSexagesimal || YamlScalar.ResolvePlain(text) is not JsonValue value || value.GetValueKind() != JsonValueKind.String;
    }
}
