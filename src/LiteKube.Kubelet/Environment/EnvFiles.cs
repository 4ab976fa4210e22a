using System.ComponentModel;
using System.Text;
using k8s.Models;
using LiteKube.Kubelet.Volumes;

namespace LiteKube.Kubelet.Environment;

/// <summary>Variables out of a file that an init container wrote into an emptyDir (fileKeyRef, KEP-3721).</summary>
internal static class EnvFiles
{
    private const int MaxFileBytes = 64 << 10;

    /// <summary>Null when the file or the key is not there and need not be.</summary>
    /// <exception cref="ConfigException">It had to be there, or the path leaves the volume.</exception>
    public static string? Read(string volumeDir, V1FileKeySelector selector)
    {
        var isOptional = selector.Optional == true;
        string text;
        try
        {
            // A container wrote what lies here: its links must not lead out of its volume.
            using var root = Libc.OpenAt(Libc.AtFdCwd, volumeDir, Libc.OPath | Libc.ODirectory);
            using var file = Libc.OpenAt2(root, selector.Path, Libc.ORdOnly | Libc.ONonBlock, Libc.ResolveBeneath | Libc.ResolveNoMagicLinks);
            if (!Libc.Stat(file).IsRegular)
                throw new ConfigException("couldn't parse env file");
            var buffer = new byte[MaxFileBytes + 1];
            var length = RandomAccess.Read(file, buffer, 0);
            if (length > MaxFileBytes)
                throw new ConfigException($"couldn't parse env file: it is larger than {MaxFileBytes} bytes");
            text = Encoding.UTF8.GetString(buffer, 0, length);
        }
        catch (Win32Exception e) when (e.NativeErrorCode == Libc.ENoEnt && isOptional)
        {
            return null;
        }
        catch (Win32Exception e)
        {
            throw new ConfigException("couldn't parse env file", e);
        }
        return Find(text, selector.Key) ?? (isOptional ? null : throw new ConfigException($"environment variable key \"{selector.Key}\" not found in file \"{selector.Path}\""));
    }

    /// <summary><c>NAME=value</c> or <c>NAME='value'</c> by line; lines that begin with # are comments. The last one counts.</summary>
    internal static string? Find(string text, string key)
    {
        string? found = null;
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Trim();
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || line[0] == '#' || line[..equals].TrimEnd() != key)
                continue;
            var value = line[(equals + 1)..].Trim();
            found = value.Length >= 2 && value[0] == '\'' && value[^1] == '\'' ? value[1..^1] : value;
        }
        return found;
    }
}
