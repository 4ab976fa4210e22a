using System.Globalization;
using System.Text;

namespace LiteKube.Cel.Libraries;

/// <summary>A URL, read as Go's net/url does.</summary>
internal sealed class GoUrl(string text, string scheme, string host, string path, string query) : CelObject
{
    public static readonly CelType UrlType = CelType.Struct("kubernetes.URL");

    public override CelType Type => UrlType;

    public string Scheme => scheme;

    public string Host => host;

    public string RawQuery => query;

    public override string ToString() => text;

    public override bool EqualTo(CelObject other) => other is GoUrl url && string.Equals(url.ToString(), text, StringComparison.Ordinal);

    public string Hostname
    {
        get
        {
            if (host.StartsWith('['))
                return host[1..host.IndexOf(']')];
            var colon = host.LastIndexOf(':');
            return colon < 0 ? host : host[..colon];
        }
    }

    public string Port
    {
        get
        {
            var colon = host.LastIndexOf(':');
            return colon < 0 || colon < host.LastIndexOf(']') ? "" : host[(colon + 1)..];
        }
    }

    public string EscapedPath => IsEncodedPath(path) ? path : EscapePath(Unescape(path, plusIsSpace: false) ?? path);

    /// <summary>Parses an absolute URI, or an absolute path.</summary>
    public static bool TryParse(string raw, out GoUrl url, out string error)
    {
        url = null!;
        error = Parse(raw, ref url) is { } reason ? $"parse {GoFormat.Quote(raw)}: {reason}" : "";
        return error.Length == 0;
    }

    private static string? Parse(string raw, ref GoUrl url)
    {
        if (raw.Any(c => c is < ' ' or '\u007f'))
            return "net/url: invalid control character in URL";
        if (raw.Length == 0)
            return "empty url";
        if (raw == "*")
        {
            url = new(raw, "", "", "*", "");
            return null;
        }
        if (!TryScheme(raw, out var scheme, out var rest))
            return scheme.Length == 0 && raw[0] == ':' ? "missing protocol scheme" : "first path segment in URL cannot contain colon";
        rest = Cut(rest, '#', out _);
        rest = Cut(rest, '?', out var query);
        if (!rest.StartsWith('/'))
        {
            if (scheme.Length == 0)
                return "invalid URI for request";
            // Opaque, as in mailto:x: no host and no path.
            url = new(raw, scheme.ToLowerInvariant(), "", "", query);
            return null;
        }
        var host = "";
        if (rest.StartsWith("//", StringComparison.Ordinal) && !(scheme.Length == 0 && rest.StartsWith("///", StringComparison.Ordinal)) && scheme.Length > 0)
        {
            var end = rest.IndexOf('/', 2);
            var authority = end < 0 ? rest[2..] : rest[2..end];
            rest = end < 0 ? "" : rest[end..];
            if (ParseAuthority(authority, out host) is { } wrong)
                return wrong;
        }
        if (BadEscape(rest) is { } bad)
            return $"invalid URL escape {GoFormat.Quote(bad)}";
        url = new(raw, scheme.ToLowerInvariant(), host, rest, query);
        return null;
    }

    private static string Cut(string text, char at, out string after)
    {
        var index = text.IndexOf(at);
        after = index < 0 ? "" : text[(index + 1)..];
        return index < 0 ? text : text[..index];
    }

    private static bool TryScheme(string raw, out string scheme, out string rest)
    {
        (scheme, rest) = ("", raw);
        for (var i = 0; i < raw.Length; i++)
        {
            var c = raw[i];
            if (char.IsAsciiLetter(c))
                continue;
            if (char.IsAsciiDigit(c) || c is '+' or '-' or '.')
            {
                if (i == 0)
                    return true;
                continue;
            }
            if (c != ':')
                return true;
            if (i == 0)
                return false;
            (scheme, rest) = (raw[..i], raw[(i + 1)..]);
            return true;
        }
        return true;
    }

    private static string? ParseAuthority(string authority, out string host)
    {
        var at = authority.LastIndexOf('@');
        host = authority[(at + 1)..];
        if (at >= 0 && authority[..at].Any(c => !(char.IsAsciiLetterOrDigit(c) || "-._:~!$&'()*+,;=%@".Contains(c, StringComparison.Ordinal))))
            return "net/url: invalid userinfo";
        if (BadEscape(host) is { } bad)
            return $"invalid URL escape {GoFormat.Quote(bad)}";
        if (host.StartsWith('['))
        {
            var close = host.LastIndexOf(']');
            if (close < 0)
                return "missing ']' in host";
            return ValidPort(host[(close + 1)..]) ? null : $"invalid port {GoFormat.Quote(host[(close + 1)..])} after host";
        }
        var colon = host.LastIndexOf(':');
        if (colon >= 0 && !ValidPort(host[colon..]))
            return $"invalid port {GoFormat.Quote(host[colon..])} after host";
        foreach (var c in host)
        {
            if (c < 0x80 && !char.IsAsciiLetterOrDigit(c) && !"-_.~!$&'()*+,;=:[]<>\"%".Contains(c, StringComparison.Ordinal))
                return $"invalid character {GoFormat.Quote(c.ToString())} in host name";
        }
        host = Unescape(host, plusIsSpace: false) ?? host;
        return null;
    }

    private static bool ValidPort(string port) => port.Length == 0 || (port[0] == ':' && port.Skip(1).All(char.IsAsciiDigit));

    private static string? BadEscape(string text)
    {
        for (var i = text.IndexOf('%'); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                return text.Substring(i, Math.Min(3, text.Length - i));
        }
        return null;
    }

    private static string? Unescape(string text, bool plusIsSpace)
    {
        if (BadEscape(text) is not null)
            return null;
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                bytes.Add(byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 2;
            }
            else if (text[i] == '+' && plusIsSpace)
            {
                bytes.Add((byte)' ');
            }
            else
            {
                Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var length);
                bytes.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
                i += length - 1;
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static bool IsEncodedPath(string path) => path.All(c => char.IsAsciiLetterOrDigit(c) || "-_.~!$&'()*+,;=:@[]/%".Contains(c, StringComparison.Ordinal));

    private static string EscapePath(string path)
    {
        var builder = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(path))
        {
            if (b < 0x80 && (char.IsAsciiLetterOrDigit((char)b) || "-_.~$&+,/:;=@".Contains((char)b, StringComparison.Ordinal)))
                builder.Append((char)b);
            else
                builder.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return builder.ToString();
    }

    /// <summary>The query as a map from names to lists of values; malformed pairs are left out.</summary>
    public CelValue Query()
    {
        var lists = new Dictionary<string, List<CelValue>>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            if (pair.Contains(';', StringComparison.Ordinal))
                continue;
            var name = Unescape(Cut(pair, '=', out var rawValue), plusIsSpace: true);
            var value = Unescape(rawValue, plusIsSpace: true);
            if (name is null || value is null)
                continue;
            if (!lists.TryGetValue(name, out var values))
                lists[name] = values = [];
            values.Add(CelValue.String(value));
        }
        var map = new CelValueMap();
        foreach (var (name, values) in lists)
            map.TryAdd(CelValue.String(name), CelValue.List([.. values]));
        return CelValue.Map(map);
    }
}
