using System.Text;

namespace LiteKube.Network.Dns;

/// <summary>
/// A domain name in wire form with its case as written; equal by ASCII letters without case (RFC 4343). Labels may hold
/// any bytes.
/// </summary>
internal sealed class DnsName : IEquatable<DnsName>
{
    public const int MaxLength = 255;
    public const int MaxLabelLength = 63;

    private readonly byte[] _wire;

    private DnsName(byte[] wire)
    {
        _wire = wire;
        Labels = Split(wire);
    }

    /// <summary>Length-prefixed labels with the root's zero at the end.</summary>
    public ReadOnlySpan<byte> Wire => _wire;

    /// <summary>In lower case, leftmost first; bytes as Latin-1.</summary>
    public string[] Labels { get; }

    /// <param name="text">Labels joined by dots, with or without the dot at the end.</param>
    /// <exception cref="FormatException">A label or the name is too long, or a label is empty.</exception>
    public static DnsName Parse(string text) => TryParse(text) ?? throw new FormatException($"\"{text}\" is no domain name");

    public static DnsName? TryParse(string text)
    {
        var trimmed = text.EndsWith('.') ? text[..^1] : text;
        return TryCreate(trimmed.Length == 0 ? [] : trimmed.Split('.'));
    }

    public static DnsName? TryCreate(IReadOnlyList<string> labels)
    {
        var wire = new byte[labels.Sum(label => label.Length + 1) + 1];
        if (wire.Length > MaxLength)
            return null;
        var offset = 0;
        foreach (var label in labels)
        {
            if (label.Length is 0 or > MaxLabelLength || label.Any(c => c > 255))
                return null;
            wire[offset++] = (byte)label.Length;
            offset += Encoding.Latin1.GetBytes(label, wire.AsSpan(offset));
        }
        return new DnsName(wire);
    }

    /// <summary>
    /// Reads a name at <paramref name="offset"/> and moves it behind. Every compression pointer must point before the
    /// place it was met at, so that no packet can make this loop.
    /// </summary>
    /// <returns>null when malformed.</returns>
    public static DnsName? Read(ReadOnlySpan<byte> message, ref int offset)
    {
        Span<byte> wire = stackalloc byte[MaxLength];
        var length = 0;
        var position = offset;
        var limit = offset;
        var jumped = false;
        while (true)
        {
            if (position >= message.Length)
                return null;
            var size = message[position];
            if (size >= 0xc0)
            {
                if (position + 1 >= message.Length)
                    return null;
                var target = (size & 0x3f) << 8 | message[position + 1];
                if (!jumped)
                    offset = position + 2;
                jumped = true;
                if (target >= limit)
                    return null;
                position = limit = target;
                continue;
            }
            if (size > MaxLabelLength || position + 1 + size > message.Length || length + 1 + size > MaxLength)
                return null;
            message.Slice(position, size + 1).CopyTo(wire[length..]);
            length += size + 1;
            position += size + 1;
            if (size == 0)
                break;
        }
        if (!jumped)
            offset = position;
        return new DnsName(wire[..length].ToArray());
    }

    /// <summary>Whether this is <paramref name="zone"/> or below it.</summary>
    public bool IsWithin(DnsName zone) =>
        Labels.Length >= zone.Labels.Length && Labels.AsSpan(Labels.Length - zone.Labels.Length).SequenceEqual(zone.Labels);

    /// <summary>The labels before <paramref name="zone"/>'s.</summary>
    public ReadOnlySpan<string> Below(DnsName zone) => Labels.AsSpan(0, Labels.Length - zone.Labels.Length);

    public bool Equals(DnsName? other) => other is not null && Labels.AsSpan().SequenceEqual(other.Labels);
    public override bool Equals(object? obj) => Equals(obj as DnsName);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var label in Labels)
            hash.Add(label, StringComparer.Ordinal);
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join('.', Labels) + ".";

    private static string[] Split(byte[] wire)
    {
        var labels = new List<string>(6);
        for (var offset = 0; wire[offset] != 0; offset += wire[offset] + 1)
        {
            labels.Add(string.Create(wire[offset], (wire, offset), static (span, state) =>
            {
                for (var i = 0; i < span.Length; i++)
                {
                    var c = (char)state.wire[state.offset + 1 + i];
                    span[i] = c is >= 'A' and <= 'Z' ? (char)(c | 0x20) : c;
                }
            }));
        }
        return [.. labels];
    }
}
