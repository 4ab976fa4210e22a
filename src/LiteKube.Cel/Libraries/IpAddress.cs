using System.Globalization;

namespace LiteKube.Cel.Libraries;

/// <summary>An address of 4 or 16 bytes, read as strictly as Go's netip does.</summary>
internal sealed class IpAddress(byte[] bytes) : CelObject
{
    public static readonly CelType IpType = CelType.Opaque("net.IP");

    public override CelType Type => IpType;

    public ReadOnlySpan<byte> Bytes => bytes;

    public bool IsV4 => bytes.Length == 4;

    protected internal override long CostSize => bytes.Length;

    public override bool EqualTo(CelObject other) => other is IpAddress address && address.Bytes.SequenceEqual(bytes);

    public bool IsUnspecified => bytes.All(b => b == 0);

    public bool IsLoopback => IsV4 ? bytes[0] == 127 : bytes[15] == 1 && bytes.Take(15).All(b => b == 0);

    public bool IsLinkLocalUnicast => IsV4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;

    public bool IsLinkLocalMulticast => IsV4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xff && (bytes[1] & 0x0f) == 0x02;

    private bool IsMulticast => IsV4 ? (bytes[0] & 0xf0) == 0xe0 : bytes[0] == 0xff;

    public bool IsGlobalUnicast => !(IsV4 && bytes.All(b => b == 255)) && !IsUnspecified && !IsLoopback && !IsMulticast && !IsLinkLocalUnicast;

    public override string ToString() => IsV4 ? string.Join('.', bytes) : Text6();

    /// <summary>The canonical text of RFC 5952: lower case, the longest run of zeros left out.</summary>
    private string Text6()
    {
        var groups = new int[8];
        for (var i = 0; i < 8; i++)
            groups[i] = bytes[2 * i] << 8 | bytes[2 * i + 1];
        var (runStart, runLength) = (-1, 1);
        for (var i = 0; i < 8; i++)
        {
            var j = i;
            while (j < 8 && groups[j] == 0)
                j++;
            if (j - i > runLength)
                (runStart, runLength) = (i, j - i);
        }
        if (runStart < 0)
            return Join(groups);
        return $"{Join(groups[..runStart])}::{Join(groups[(runStart + runLength)..])}";
    }

    private static string Join(int[] groups) => string.Join(':', groups.Select(g => g.ToString("x", CultureInfo.InvariantCulture)));

    /// <summary>Parses an address that has no zone and is no IPv4 address in IPv6 clothes.</summary>
    public static bool TryParse(string text, out IpAddress address, out string error)
    {
        address = null!;
        error = "";
        var zone = text.IndexOf('%');
        var isV6 = text.AsSpan().IndexOfAny('.', ':', '%') is var mark and >= 0 && text[mark] == ':';
        var parsed = isV6 ? Parse6(zone < 0 ? text : text[..zone]) : Parse4(text);
        if (parsed is null || (zone >= 0 && zone == text.Length - 1))
            error = $"IP Address {GoFormat.Quote(text)} parse error during conversion from string: ParseAddr({GoFormat.Quote(text)}): {Reason(text)}";
        else if (zone >= 0)
            error = $"IP address {GoFormat.Quote(text)} with zone value is not allowed";
        else if (IsMapped(parsed))
            error = $"IPv4-mapped IPv6 address {GoFormat.Quote(text)} is not allowed";
        else
            address = new(parsed);
        return error.Length == 0;
    }

    private static string Reason(string text) => text.AsSpan().IndexOfAny('.', ':') is var mark and >= 0
        ? text[mark] == '.' ? ReasonFor4(text) : "unexpected character or length in IPv6 address"
        : "unable to parse IP";

    private static string ReasonFor4(string text)
    {
        var fields = text.Split('.');
        if (fields.Any(f => f.Length > 0 && !f.All(char.IsAsciiDigit)))
            return "unexpected character";
        if (fields.Any(f => f.Length > 1 && f[0] == '0'))
            return "IPv4 field has octet with leading zero";
        if (fields.Any(f => f.Length > 3 || (f.Length > 0 && int.Parse(f, CultureInfo.InvariantCulture) > 255)))
            return "IPv4 field has value >255";
        return fields.Length < 4 ? "IPv4 address too short" : fields.Length > 4 ? "IPv4 address too long" : "IPv4 field must have at least one digit";
    }

    public static bool IsMapped(byte[] bytes) => bytes.Length == 16 && bytes.Take(10).All(b => b == 0) && bytes[10] == 0xff && bytes[11] == 0xff;

    public static byte[]? Parse4(string text)
    {
        var fields = text.Split('.');
        if (fields.Length != 4)
            return null;
        var result = new byte[4];
        for (var i = 0; i < 4; i++)
        {
            if (fields[i].Length is 0 or > 3 || (fields[i].Length > 1 && fields[i][0] == '0') || !byte.TryParse(fields[i], NumberStyles.None, CultureInfo.InvariantCulture, out result[i]))
                return null;
        }
        return result;
    }

    public static byte[]? Parse6(string text)
    {
        var gap = text.IndexOf("::", StringComparison.Ordinal);
        if (gap >= 0 && text.IndexOf("::", gap + 1, StringComparison.Ordinal) >= 0)
            return null;
        var head = Groups(gap < 0 ? text : text[..gap], mayEndIn4: gap < 0);
        var tail = gap < 0 ? [] : Groups(text[(gap + 2)..], mayEndIn4: true);
        if (head is null || tail is null)
            return null;
        var length = head.Count + tail.Count;
        if (gap < 0 ? length != 16 : length > 14)
            return null;
        return [.. head, .. new byte[16 - length], .. tail];
    }

    private static List<byte>? Groups(string text, bool mayEndIn4)
    {
        List<byte> bytes = [];
        if (text.Length == 0)
            return bytes;
        var fields = text.Split(':');
        for (var i = 0; i < fields.Length; i++)
        {
            if (i == fields.Length - 1 && mayEndIn4 && fields[i].Contains('.', StringComparison.Ordinal))
            {
                if (Parse4(fields[i]) is not { } last)
                    return null;
                bytes.AddRange(last);
                break;
            }
            if (fields[i].Length is 0 or > 4 || !ushort.TryParse(fields[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var group))
                return null;
            bytes.Add((byte)(group >> 8));
            bytes.Add((byte)group);
        }
        return bytes;
    }
}

/// <summary>A network: an address and how many of its bits name the network.</summary>
internal sealed class CidrRange(IpAddress address, int bits) : CelObject
{
    public static readonly CelType CidrType = CelType.Opaque("net.CIDR");

    public override CelType Type => CidrType;

    public IpAddress Address => address;

    public int Bits => bits;

    protected internal override long CostSize => (bits + 7) / 8;

    public override bool EqualTo(CelObject other) => other is CidrRange range && range.Bits == bits && range.Address.EqualTo(address);

    public override string ToString() => $"{address}/{bits}";

    public CidrRange Masked() => new(new IpAddress(Mask(address.Bytes)), bits);

    private byte[] Mask(ReadOnlySpan<byte> bytes)
    {
        var masked = bytes.ToArray();
        for (var i = 0; i < masked.Length; i++)
        {
            var kept = Math.Clamp(bits - 8 * i, 0, 8);
            masked[i] &= (byte)(0xff << (8 - kept));
        }
        return masked;
    }

    public bool Contains(IpAddress other) => other.IsV4 == address.IsV4 && Mask(other.Bytes).AsSpan().SequenceEqual(Mask(address.Bytes));

    public bool Contains(CidrRange other) => bits <= other.Bits && Contains(other.Address);

    public static bool TryParse(string text, out CidrRange range, out string error)
    {
        range = null!;
        var slash = text.LastIndexOf('/');
        var reason = slash < 0 ? "no '/'" : "";
        var bits = -1;
        byte[]? bytes = null;
        if (slash >= 0)
        {
            var prefix = text[..slash];
            bytes = prefix.Contains(':', StringComparison.Ordinal) ? IpAddress.Parse6(prefix) : IpAddress.Parse4(prefix);
            var length = text[(slash + 1)..];
            var plain = length.Length is > 0 and <= 3 && length.All(char.IsAsciiDigit) && (length.Length == 1 || length[0] != '0');
            if (prefix.Contains('%', StringComparison.Ordinal))
                reason = "IPv6 zones cannot be present in a prefix";
            else if (bytes is null)
                reason = $"ParseAddr({GoFormat.Quote(prefix)}): unable to parse IP";
            else if (!plain)
                reason = $"bad bits after slash: {GoFormat.Quote(length)}";
            else if ((bits = int.Parse(length, CultureInfo.InvariantCulture)) > bytes.Length * 8)
                reason = "prefix length out of range";
        }
        error = reason.Length > 0 ? $"network address parse error during conversion from string: netip.ParsePrefix({GoFormat.Quote(text)}): {reason}"
            : IpAddress.IsMapped(bytes!) ? $"IPv4-mapped IPv6 address {GoFormat.Quote(text)} is not allowed" : "";
        if (error.Length > 0)
            return false;
        range = new(new IpAddress(bytes!), bits);
        return true;
    }
}
