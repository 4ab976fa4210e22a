using System.Globalization;
using System.Text;

namespace LiteKube.Kubelet.Volumes;

/// <summary>Mounts below a directory, from <c>/proc/self/mountinfo</c>.</summary>
internal static class Mounts
{
    /// <summary>Mount points below <paramref name="dir"/> (itself included), the deepest and newest first: the order to unmount in.</summary>
    public static IReadOnlyList<string> Below(string dir)
    {
        var prefix = dir.TrimEnd('/') + "/";
        var result = new List<string>();
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            // 36 35 98:0 /mnt1 /mnt2 rw,noatime ...: the fifth field is the mount point.
            var fields = line.Split(' ', 6);
            if (fields.Length < 5)
                continue;
            var point = Unescape(fields[4]);
            if (point == dir || point.StartsWith(prefix, StringComparison.Ordinal))
                result.Add(point);
        }
        result.Reverse();
        return [.. result.OrderByDescending(p => p.Length)];
    }

    /// <summary>Unmounts all below <paramref name="dir"/>, stacked mounts too.</summary>
    public static void DetachBelow(string dir)
    {
        foreach (var point in Below(dir))
            Libc.Unmount(point);
    }

    /// <summary>A tmpfs whose pages stay out of swap where the kernel can do that (Linux 6.4): it holds secrets.</summary>
    public static void Tmpfs(string path, long? sizeBytes)
    {
        var size = sizeBytes is { } bytes ? "size=" + bytes.ToString(CultureInfo.InvariantCulture) : "";
        if (!Libc.TryMount("tmpfs", path, "tmpfs", 0, size.Length == 0 ? "noswap" : size + ",noswap"))
            Libc.Mount("tmpfs", path, "tmpfs", 0, size.Length == 0 ? null : size);
    }

    /// <summary>Spaces and the like are written as three octal digits.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        var bytes = new List<byte>();
        var raw = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '\\' && i + 3 < raw.Length)
            {
                bytes.Add((byte)((raw[i + 1] - '0') * 64 + (raw[i + 2] - '0') * 8 + (raw[i + 3] - '0')));
                i += 3;
            }
            else
            {
                bytes.Add(raw[i]);
            }
        }
        return Encoding.UTF8.GetString([.. bytes]);
    }
}
