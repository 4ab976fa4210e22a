using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>
/// A value that tells one list element from another: a key field's, or a set's element. Ordered as structured-merge-diff
/// orders values: numbers, text, booleans, then the rest, of which null is last.
/// </summary>
internal readonly struct KeyValue : IEquatable<KeyValue>, IComparable<KeyValue>
{
    private enum Form : byte
    {
        Integer,
        Fraction,
        Text,
        Boolean,
        /// <summary>Lists and maps: by their text, since nothing declares them as keys.</summary>
        Other,
        Null,
    }

    private readonly Form _form;
    private readonly long _integer;
    private readonly double _fraction;
    private readonly string? _text;

    private KeyValue(Form form, long integer = 0, double fraction = 0, string? text = null) => (_form, _integer, _fraction, _text) = (form, integer, fraction, text);

    public static KeyValue Of(string text) => new(Form.Text, text: text);

    public static KeyValue Of(JsonNode? node)
    {
        if (node is null) return new(Form.Null);
        if (node is not JsonValue value) return new(Form.Other, text: System.Text.Encoding.UTF8.GetString(ObjectWriter.Write(node)));
        switch (value.GetValueKind())
        {
            case JsonValueKind.String:
                return new(Form.Text, text: value.GetValue<string>());
            case JsonValueKind.True:
            case JsonValueKind.False:
                return new(Form.Boolean, value.GetValueKind() == JsonValueKind.True ? 1 : 0);
            case JsonValueKind.Null:
                return new(Form.Null);
        }

        if (value.TryGetValue(out int int32)) return new(Form.Integer, int32);
        if (value.TryGetValue(out long int64)) return new(Form.Integer, int64);
        var number = value.TryGetValue(out double real) ? real : double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture);
        // 80.0 names the element that 80 names.
        return number == Math.Floor(number) && Math.Abs(number) < 1L << 53 ? new(Form.Integer, (long)number) : new(Form.Fraction, fraction: number);
    }

    /// <summary>As JSON, in Go's escapes.</summary>
    public void Write(Utf8Buffer buffer)
    {
        switch (_form)
        {
            case Form.Integer:
                System.Buffers.Text.Utf8Formatter.TryFormat(_integer, buffer.Reserve(20), out var written);
                buffer.Advance(written);
                break;
            case Form.Text:
                GoJsonWriter.WriteString(buffer, _text);
                break;
            default:
                buffer.Add(System.Text.Encoding.UTF8.GetBytes(ToString()));
                break;
        }
    }

    public bool Equals(KeyValue other) => _form == other._form && _integer == other._integer && _fraction.Equals(other._fraction) && string.Equals(_text, other._text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is KeyValue other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_form, _integer, _fraction, _text is null ? 0 : string.GetHashCode(_text, StringComparison.Ordinal));

    public int CompareTo(KeyValue other)
    {
        if (_form <= Form.Fraction && other._form <= Form.Fraction && _form != other._form) return Number.CompareTo(other.Number);
        if (_form != other._form) return _form.CompareTo(other._form);
        return _form switch
        {
            Form.Integer or Form.Boolean => _integer.CompareTo(other._integer),
            Form.Fraction => _fraction.CompareTo(other._fraction),
            _ => string.CompareOrdinal(_text, other._text),
        };
    }

    /// <summary>As paths print it: text in quotes.</summary>
    public override string ToString() => _form switch
    {
        Form.Integer => _integer.ToString(CultureInfo.InvariantCulture),
        Form.Fraction => GoText.Float(_fraction),
        Form.Boolean => _integer != 0 ? "true" : "false",
        Form.Text => GoText.Quote(_text!),
        Form.Other => _text!,
        _ => "null",
    };

    private double Number => _form == Form.Integer ? _integer : _fraction;
}
