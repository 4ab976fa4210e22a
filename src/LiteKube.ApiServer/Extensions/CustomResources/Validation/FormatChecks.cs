using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Text.RegularExpressions;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>The formats that Kubernetes checks (kube-openapi's strfmt). Names are compared without their dashes; others say nothing.</summary>
internal static partial class FormatChecks
{
    private static readonly Dictionary<string, Func<string, bool>> Texts = new(StringComparer.Ordinal)
    {
        ["bsonobjectid"] = t => t.Length == 24 && t.All(char.IsAsciiHexDigit),
        ["uri"] = IsRequestUri,
        ["email"] = IsEmail,
        ["hostname"] = IsHostname,
        ["ipv4"] = t => t.Contains('.', StringComparison.Ordinal) && IsAddress(t),
        ["ipv6"] = t => t.Contains(':', StringComparison.Ordinal) && IsAddress(t),
        ["cidr"] = IsCidr,
        ["mac"] = t => Mac().IsMatch(t),
        ["uuid"] = t => Uuid().IsMatch(t),
        ["uuid3"] = t => Uuid().IsMatch(t) && Digits(t)[12] == '3',
        ["uuid4"] = t => IsVariant(t, '4'),
        ["uuid5"] = t => IsVariant(t, '5'),
        ["isbn"] = t => IsIsbn10(t) || IsIsbn13(t),
        ["isbn10"] = IsIsbn10,
        ["isbn13"] = IsIsbn13,
        ["creditcard"] = IsCreditCard,
        ["ssn"] = t => t.Length == 11 && SocialSecurity().IsMatch(t),
        ["hexcolor"] = t => HexColor().IsMatch(t),
        ["rgbcolor"] = t => RgbColor().IsMatch(t),
        ["byte"] = t => Base64().IsMatch(t),
        ["password"] = _ => true,
        ["date"] = IsDate,
        ["duration"] = IsDuration,
        ["datetime"] = IsDateTime,
        ["k8sshortname"] = t => NameRules.CheckDns1123Label(t) is null,
        ["k8slongname"] = t => t.Length <= 253 && LongName().IsMatch(t),
    };

    // Without backtracking: the pattern's alternatives overlap.
    private static readonly Regex Hostname = new(@"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    /// <summary>The format as far as it is checked for the schema's type; empty otherwise.</summary>
    public static string Effective(StructuralSchema schema) => IsRecognized(schema) ? schema.Format : "";

    /// <summary>Whether the format means something on the schema's type; the API warns of others.</summary>
    public static bool IsRecognized(StructuralSchema schema) => (schema.IntOrString ? "" : schema.Type) switch
    {
        _ when schema.Format.Length == 0 => true,
        "" or "string" => Texts.ContainsKey(Normalize(schema.Format)),
        "integer" => schema.Format is "int32" or "int64",
        "number" => schema.Format is "float" or "double",
        _ => false,
    };

    public static bool IsText(string format) => format.Length > 0 && Texts.ContainsKey(Normalize(format));

    public static bool Matches(string format, string text) => Texts[Normalize(format)](text);

    private static string Normalize(string format) => format.Replace("-", "", StringComparison.Ordinal);

    private static string Digits(string uuid) => uuid.Replace("-", "", StringComparison.Ordinal);

    private static bool IsVariant(string text, char version) => Uuid().IsMatch(text) && Digits(text) is var digits && digits[12] == version && char.ToLowerInvariant(digits[16]) is '8' or '9' or 'a' or 'b';

    /// <summary>An absolute URI or an absolute path (Go's url.ParseRequestURI).</summary>
    private static bool IsRequestUri(string text)
    {
        if (text.Length == 0 || text.Any(c => c is < ' ' or '\x7f')) return false;
        if (text[0] == '/' || text == "*") return HasGoodEscapes(text);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || !char.IsAsciiLetter(text[0]) || text[..colon].Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))) return false;
        var rest = text[(colon + 1)..];
        if (!rest.StartsWith("//", StringComparison.Ordinal)) return HasGoodEscapes(rest);
        var host = rest[2..].Split('/', '?')[0];
        return !host.Contains(' ', StringComparison.Ordinal) && HasGoodEscapes(rest);
    }

    private static bool HasGoodEscapes(string text)
    {
        for (var i = text.IndexOf('%', StringComparison.Ordinal); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2])) return false;
        }
        return true;
    }

    private static bool IsEmail(string text) => text.Contains('@', StringComparison.Ordinal) && MailAddress.TryCreate(text, out var address) && address.User.Length > 0 && address.Host.Length > 0;

    private static bool IsHostname(string text) => text.Length <= 255 && Hostname.IsMatch(text) && text.Split('.').All(label => label.Length <= 63);

    private static bool IsAddress(string text) =>
        !text.Contains('%', StringComparison.Ordinal) && (text.Contains(':', StringComparison.Ordinal) ? IPAddress.TryParse(text, out _) && !text.Contains('[', StringComparison.Ordinal) : IsDotted(text));

    // Leading zeros are taken, as decimal: Kubernetes keeps what Go took before 1.17.
    private static bool IsDotted(string text) => text.Split('.') is { Length: 4 } parts && parts.All(p => p.Length is > 0 and < 4 && p.All(char.IsAsciiDigit) && int.Parse(p, CultureInfo.InvariantCulture) < 256);

    private static bool IsCidr(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && IsAddress(text[..slash]) && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
            && bits <= (text.Contains(':', StringComparison.Ordinal) ? 128 : 32);
    }

    private static bool IsDate(string text) => text.Length == 10 && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    private static bool IsDateTime(string text)
    {
        var parts = text.ToLowerInvariant().Split('t');
        return parts.Length >= 2 && IsDate(parts[0]) && TimeOfDay().Match(parts[1]) is { Success: true } match
            && string.CompareOrdinal(match.Groups[1].Value, "23") <= 0 && string.CompareOrdinal(match.Groups[2].Value, "59") <= 0 && string.CompareOrdinal(match.Groups[3].Value, "59") <= 0;
    }

    /// <summary>Go's durations, and Scala's: "3 days 4 hours".</summary>
    private static bool IsDuration(string text)
    {
        if (text is "0" or "+0" or "-0" || GoDuration().IsMatch(text)) return true;
        return ScalaDuration().Matches(text).Any(m => m.Groups[1].Value.ToLowerInvariant() is var unit
            && (unit is "ns" or "us" or "µs" or "ms" or "s" or "m" or "h" or "hr" or "d" or "w" or "wk" || Units.Any(u => unit.StartsWith(u, StringComparison.Ordinal))));
    }

    private static readonly string[] Units = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];

    private static bool IsCreditCard(string text)
    {
        var digits = string.Concat(text.Where(char.IsAsciiDigit));
        if (!CreditCard().IsMatch(digits)) return false;
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            sum += i % 2 == 0 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        }
        return sum % 10 == 0;
    }

    private static bool IsIsbn10(string text)
    {
        var digits = IsbnSpace().Replace(text, "");
        if (digits.Length != 10 || digits[..9].Any(c => !char.IsAsciiDigit(c)) || !(char.IsAsciiDigit(digits[9]) || digits[9] == 'X')) return false;
        var sum = 0;
        for (var i = 0; i < 10; i++) sum += (i + 1) * (digits[i] == 'X' ? 10 : digits[i] - '0');
        return sum % 11 == 0;
    }

    private static bool IsIsbn13(string text)
    {
        var digits = IsbnSpace().Replace(text, "");
        if (digits.Length != 13 || digits.Any(c => !char.IsAsciiDigit(c))) return false;
        var sum = 0;
        for (var i = 0; i < 12; i++) sum += (i % 2 == 0 ? 1 : 3) * (digits[i] - '0');
        return digits[12] - '0' == (10 - sum % 10) % 10;
    }

    [GeneratedRegex(@"^([0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}((:[0-9a-fA-F]{2}){2}|(:[0-9a-fA-F]{2}){14})?|[0-9a-fA-F]{2}(-[0-9a-fA-F]{2}){5}((-[0-9a-fA-F]{2}){2}|(-[0-9a-fA-F]{2}){14})?|[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}((\.[0-9a-fA-F]{4})|(\.[0-9a-fA-F]{4}){7})?)\z")]
    private static partial Regex Mac();

    [GeneratedRegex(@"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\z")]
    private static partial Regex Uuid();

    [GeneratedRegex(@"^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}\z")]
    private static partial Regex SocialSecurity();

    [GeneratedRegex(@"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})\z")]
    private static partial Regex HexColor();

    [GeneratedRegex(@"^rgb\(\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*(,\s*(0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])\s*){2}\)\z")]
    private static partial Regex RgbColor();

    [GeneratedRegex(@"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})\z")]
    private static partial Regex Base64();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z")]
    private static partial Regex LongName();

    [GeneratedRegex(@"^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))\z")]
    private static partial Regex TimeOfDay();

    [GeneratedRegex(@"^[-+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+\z")]
    private static partial Regex GoDuration();

    [GeneratedRegex(@"[0-9]+\s*([A-Za-zµ]+)")]
    private static partial Regex ScalaDuration();

    [GeneratedRegex(@"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})\z")]
    private static partial Regex CreditCard();

    [GeneratedRegex(@"[\s-]+")]
    private static partial Regex IsbnSpace();
}
