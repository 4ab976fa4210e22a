using System.Globalization;
using System.Text;

namespace LiteKube.Kubelet.Server.Logs;

/// <summary>One record of a CRI log file: <c>TIME STREAM TAGS CONTENT</c>, where the tag P says that its line goes on in the next record.</summary>
internal readonly ref struct CriLogLine
{
    private CriLogLine(ReadOnlySpan<byte> time, ReadOnlySpan<byte> stream, bool isPartial, ReadOnlySpan<byte> content)
    {
        Time = time;
        Stream = stream;
        IsPartial = isPartial;
        Content = content;
    }

    /// <summary>RFC 3339 with up to nanoseconds, as written.</summary>
    public ReadOnlySpan<byte> Time { get; }
    public ReadOnlySpan<byte> Stream { get; }
    public bool IsPartial { get; }

    /// <summary>Without the line end.</summary>
    public ReadOnlySpan<byte> Content { get; }

    /// <param name="record">Without its line end.</param>
    public static bool TryParse(ReadOnlySpan<byte> record, out CriLogLine line)
    {
        line = default;
        if (!TryCut(ref record, out var time) || !TryCut(ref record, out var stream) || !TryCut(ref record, out var tags))
            return false;
        if (!stream.SequenceEqual("stdout"u8) && !stream.SequenceEqual("stderr"u8))
            return false;
        // Tags are separated by colons; the first one says partial or full.
        line = new CriLogLine(time, stream, tags.Length > 0 && tags[0] == (byte)'P', record);
        return true;
    }

    public bool IsBefore(DateTimeOffset moment) =>
        DateTimeOffset.TryParse(Encoding.ASCII.GetString(Time), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time < moment;

    /// <summary>The time with all nine digits, as the kubelet prints it.</summary>
    public string FixedTime()
    {
        var text = Encoding.ASCII.GetString(Time);
        var seconds = text.IndexOf('T', StringComparison.Ordinal) + 9;
        if (seconds > text.Length || seconds < 9)
            return text;
        var end = seconds;
        if (end < text.Length && text[end] == '.')
        {
            for (end++; end < text.Length && char.IsAsciiDigit(text[end]);)
                end++;
        }
        var digits = end > seconds ? text[(seconds + 1)..end] : "";
        return $"{text[..seconds]}.{digits.PadRight(9, '0')}{text[end..]}";
    }

    private static bool TryCut(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> field)
    {
        var space = rest.IndexOf((byte)' ');
        if (space < 0)
        {
            // An empty line's record may end with its tag.
            field = rest;
            rest = default;
            return field.Length > 0;
        }
        field = rest[..space];
        rest = rest[(space + 1)..];
        return true;
    }
}
