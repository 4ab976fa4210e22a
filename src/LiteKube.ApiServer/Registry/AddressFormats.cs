using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LiteKube.ApiServer.Registry;

/// <summary>Addresses and ranges as Kubernetes reads them (KEP-4858): each check gives the complaint in its words, or null.</summary>
internal static class AddressFormats
{
    private const string NoAddress = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    private const string NoRange = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

    /// <summary>For fields that have always taken any spelling of an address, except those that programs disagree about.</summary>
    public static string? Address(string text) => TryParse(text, out var address, out var hasLeadingZeros) switch
    {
        false => NoAddress,
        _ when hasLeadingZeros => "must not have leading 0s",
        _ when address.IsIPv4MappedToIPv6 => "must not be an IPv4-mapped IPv6 address",
        _ => null,
    };

    /// <summary>For newer fields: the one spelling of an address that it prints as.</summary>
    public static string? Canonical(string text)
    {
        if (Address(text) is { } complaint) return complaint;
        var canonical = IPAddress.Parse(text).ToString();
        return canonical == text ? null : $"must be in canonical form ({GoText.Quote(canonical)})";
    }

    /// <summary>As <see cref="Address"/>, for ranges.</summary>
    public static string? Range(string text)
    {
        if (!TryParseRange(text, out var address, out var bits, out var hasLeadingZeros)) return NoRange;
        if (hasLeadingZeros) return "must not have leading 0s in IP or prefix length";
        if (address.IsIPv4MappedToIPv6) return "must not have an IPv4-mapped IPv6 address";
        return Masked(address, bits).Equals(address) ? null : "must not have bits set beyond the prefix length";
    }

    /// <summary>As <see cref="Canonical"/>, for ranges.</summary>
    public static string? CanonicalRange(string text)
    {
        if (Range(text) is { } complaint) return complaint;
        var range = IPNetwork.Parse(text).ToString();
        return range == text ? null : $"must be in canonical form ({GoText.Quote(range)})";
    }

    /// <summary>What is wrong with an address with the length of its network, as an interface has it; null: nothing.</summary>
    public static string? InterfaceAddress(string text)
    {
        if (!TryParseRange(text, out var address, out var bits, out _)) return "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
        var canonical = $"{address}/{bits}";
        return text == canonical ? null : $"must be in canonical form ({GoText.Quote(canonical)})";
    }

    public static bool IsAddress(string text) => TryParse(text, out _, out _);

    public static bool IsIPv6(string text) => text.Contains(':', StringComparison.Ordinal);

    /// <summary>Why traffic must not be sent there (unspecified, loopback, link-local), or null.</summary>
    public static IEnumerable<string> SpecialUses(string text)
    {
        if (!TryParse(text, out var address, out _))
        {
            yield return "must be a valid IP address";
            yield break;
        }
        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)) yield return $"may not be unspecified ({text})";
        if (IPAddress.IsLoopback(address)) yield return "may not be in the loopback range (127.0.0.0/8, ::1/128)";
        var bytes = address.GetAddressBytes();
        if (address.IsIPv6LinkLocal || (bytes.Length == 4 && bytes[0] == 169 && bytes[1] == 254)) yield return "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
        if ((bytes.Length == 16 && bytes[0] == 0xff && (bytes[1] & 0x0f) == 2) || (bytes.Length == 4 && bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0))
            yield return "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
    }

    public static bool TryParseRange(string text, out IPAddress address, out int bits, out bool hasLeadingZeros)
    {
        (address, bits, hasLeadingZeros) = (IPAddress.None, 0, false);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryParse(text[..slash], out address, out hasLeadingZeros)) return false;
        var length = text.AsSpan(slash + 1);
        if (!int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out bits) || bits > (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)) return false;
        hasLeadingZeros |= length.Length > 1 && length[0] == '0';
        return true;
    }

    public static bool Contains(IPAddress range, int bits, IPAddress address) =>
        range.AddressFamily == address.AddressFamily && Masked(address, bits).Equals(Masked(range, bits));

    private static bool TryParse(string text, out IPAddress address, out bool hasLeadingZeros)
    {
        (address, hasLeadingZeros) = (IPAddress.None, false);
        if (IsIPv6(text)) return !text.Contains('%', StringComparison.Ordinal) && !text.Contains('[', StringComparison.Ordinal) && IPAddress.TryParse(text, out address!);
        Span<byte> bytes = stackalloc byte[4];
        var count = 0;
        foreach (var part in text.AsSpan().Split('.'))
        {
            var octet = text.AsSpan()[part];
            // Not octal, as inet_aton would have it.
            if (count == 4 || octet.Length == 0 || !byte.TryParse(octet, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
            hasLeadingZeros |= octet.Length > 1 && octet[0] == '0';
            bytes[count++] = value;
        }
        if (count != 4) return false;
        address = new IPAddress(bytes);
        return true;
    }

    private static IPAddress Masked(IPAddress address, int bits)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(bits - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff00 >> kept);
        }
        return new IPAddress(bytes);
    }
}
