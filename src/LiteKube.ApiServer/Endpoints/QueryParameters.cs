using System.Globalization;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>A query string, read once. Requests have a handful of parameters, so a scan beats a dictionary.</summary>
internal sealed class QueryParameters
{
    public static readonly QueryParameters Empty = new([]);

    private readonly List<(string Key, string Value)> _pairs;

    private QueryParameters(List<(string, string)> pairs) => _pairs = pairs;

    /// <param name="text">With or without the leading question mark.</param>
    public static QueryParameters Parse(ReadOnlySpan<char> text)
    {
        if (text is ['?', .. var rest]) text = rest;
        if (text.Length == 0) return Empty;
        var pairs = new List<(string, string)>();
        foreach (var range in text.Split('&'))
        {
            var pair = text[range];
            if (pair.Length == 0) continue;
            var equals = pair.IndexOf('=');
            pairs.Add(equals < 0 ? (Unescape(pair), "") : (Unescape(pair[..equals]), Unescape(pair[(equals + 1)..])));
        }
        return new(pairs);
    }

    /// <summary>The first value, or null.</summary>
    public string? Get(string key)
    {
        foreach (var (name, value) in _pairs)
        {
            if (name == key) return value;
        }
        return null;
    }

    public List<string> All(string key)
    {
        var values = new List<string>();
        foreach (var (name, value) in _pairs)
        {
            if (name == key) values.Add(value);
        }
        return values;
    }

    public bool Has(string key) => Get(key) is not null;

    /// <summary>As apimachinery converts query text: anything but "0" and "false" is true, also nothing at all.</summary>
    public bool Flag(string key) => Get(key) is { } value && value is not ("0" or "false");

    public long? Number(string key)
    {
        if (Get(key) is not { Length: > 0 } text) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ApiException.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax");
    }

    private static string Unescape(ReadOnlySpan<char> text)
    {
        if (text.IndexOfAny('%', '+') < 0) return text.ToString();
        return Uri.UnescapeDataString(text.ToString().Replace('+', ' '));
    }
}
