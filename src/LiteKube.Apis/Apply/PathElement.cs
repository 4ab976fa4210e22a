using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>
/// One step of a field's path: a field of an object (<c>f:spec</c>), an element of a list by its keys
/// (<c>k:{"name":"web"}</c>), an element of a set (<c>v:"finalizer"</c>), or an element by its place (<c>i:0</c>).
/// </summary>
public sealed class PathElement : IEquatable<PathElement>, IComparable<PathElement>
{
    // The order of the forms is the order in which FieldsV1 lists them.
    private enum Form : byte
    {
        Field,
        Key,
        Value,
        Index,
    }

    private readonly Form _form;
    private readonly string _name;
    private readonly (string Name, KeyValue Value)[] _keys;
    private readonly KeyValue _value;
    private readonly int _index;
    private byte[]? _encoded;

    private PathElement(Form form, string name = "", (string, KeyValue)[]? keys = null, KeyValue value = default, int index = 0) =>
        (_form, _name, _keys, _value, _index) = (form, name, keys ?? [], value, index);

    /// <summary>The name of a field step; null for the others.</summary>
    public string? FieldName => _form == Form.Field ? _name : null;

    public static PathElement Field(string name) => new(Form.Field, name);

    public static PathElement At(int index) => new(Form.Index, index: index);

    /// <summary>A set's element.</summary>
    public static PathElement OfValue(JsonNode? value) => new(Form.Value, value: KeyValue.Of(value));

    internal static PathElement OfKeys((string Name, KeyValue Value)[] keys)
    {
        Array.Sort(keys, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return new(Form.Key, keys: keys);
    }

    /// <summary>From its form in FieldsV1, unescaped; null for a kind of element that is not known.</summary>
    /// <exception cref="FormatException">It has no such form.</exception>
    internal static PathElement? Parse(string text)
    {
        if (text.Length < 2) throw new FormatException("key must be 2 characters long:");
        if (text[1] != ':') throw new FormatException("missing colon: " + text);
        var rest = text[2..];
        switch (text[0])
        {
            case 'f':
                return Field(rest);
            case 'v':
                return OfValue(ParseJson(rest));
            case 'k':
                var fields = ParseJson(rest) as JsonObject ?? throw new FormatException("parsing key as path element: " + text);
                return OfKeys([.. fields.Select(f => (f.Key, KeyValue.Of(f.Value)))]);
            case 'i':
                return int.TryParse(rest, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index) ? At(index) : throw new FormatException("parsing key as path element: " + text);
            default:
                return null;
        }
    }

    /// <summary>As a quoted member name of FieldsV1.</summary>
    internal ReadOnlySpan<byte> Encoded => _encoded ??= Encode();

    public bool Equals(PathElement? other) => other is not null && (ReferenceEquals(this, other) || (_form == other._form && CompareTo(other) == 0));

    public override bool Equals(object? obj) => Equals(obj as PathElement);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(_form);
        hash.Add(_name, StringComparer.Ordinal);
        foreach (var (name, value) in _keys)
        {
            hash.Add(name, StringComparer.Ordinal);
            hash.Add(value);
        }

        hash.Add(_value);
        hash.Add(_index);
        return hash.ToHashCode();
    }

    public int CompareTo(PathElement? other)
    {
        if (other is null) return 1;
        if (ReferenceEquals(this, other)) return 0;
        if (_form != other._form) return _form.CompareTo(other._form);
        switch (_form)
        {
            case Form.Field:
                return string.CompareOrdinal(_name, other._name);
            case Form.Value:
                return _value.CompareTo(other._value);
            case Form.Index:
                return _index.CompareTo(other._index);
            default:
                for (var i = 0; i < _keys.Length && i < other._keys.Length; i++)
                {
                    var order = string.CompareOrdinal(_keys[i].Name, other._keys[i].Name);
                    if (order == 0) order = _keys[i].Value.CompareTo(other._keys[i].Value);
                    if (order != 0) return order;
                }

                return _keys.Length.CompareTo(other._keys.Length);
        }
    }

    /// <summary>As paths are printed: <c>.spec</c>, <c>[name="web"]</c>, <c>[="finalizer"]</c>, <c>[0]</c>.</summary>
    public override string ToString() => _form switch
    {
        Form.Field => "." + _name,
        Form.Key => $"[{string.Join(',', _keys.Select(k => $"{k.Name}={k.Value}"))}]",
        Form.Value => $"[={_value}]",
        _ => string.Create(CultureInfo.InvariantCulture, $"[{_index}]"),
    };

    private byte[] Encode()
    {
        // Most names are plain: their bytes stand as they are.
        if (_form == Form.Field && IsPlain(_name)) return Encoding.ASCII.GetBytes($"\"f:{_name}\"");
        using var inner = new Utf8Buffer();
        switch (_form)
        {
            case Form.Field:
                inner.Add("f:"u8);
                inner.Add(Encoding.UTF8.GetBytes(_name));
                break;
            case Form.Value:
                inner.Add("v:"u8);
                _value.Write(inner);
                break;
            case Form.Index:
                inner.Add(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"i:{_index}")));
                break;
            default:
                inner.Add("k:{"u8);
                for (var i = 0; i < _keys.Length; i++)
                {
                    GoJsonWriter.WriteName(inner, _keys[i].Name, i == 0);
                    _keys[i].Value.Write(inner);
                }

                inner.Add((byte)'}');
                break;
        }

        using var outer = new Utf8Buffer();
        GoJsonWriter.WriteString(outer, Encoding.UTF8.GetString(inner.Written));
        return outer.Written.ToArray();
    }

    private static bool IsPlain(string name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_' or '/')) return false;
        }

        return true;
    }

    private static JsonNode? ParseJson(string text)
    {
        try
        {
            return ObjectDecoder.ParseLenient(Encoding.UTF8.GetBytes(text));
        }
        catch (DecodeException exception)
        {
            throw new FormatException("parsing key as path element: " + exception.Message, exception);
        }
    }
}
