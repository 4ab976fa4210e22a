using System.Runtime.InteropServices;

namespace LiteKube.Hosting;

/// <summary>Credentials and sockets belong to root; the group litekube, where it exists, gets what its members need.</summary>
internal static partial class FileAccessRights
{
    public const string GroupName = "litekube";

    /// <summary>Gives <paramref name="path"/> the owner's rights and, when the group exists, the group's.</summary>
    public static void ShareWithGroup(string path, UnixFileMode owner, UnixFileMode group)
    {
        if (FindGroup() is { } id && chown(path, unchecked((uint)-1), id) == 0)
            File.SetUnixFileMode(path, owner | group);
        else
            File.SetUnixFileMode(path, owner);
    }

    private static uint? FindGroup()
    {
        foreach (var line in File.ReadLines("/etc/group"))
        {
            var fields = line.Split(':');
            if (fields.Length >= 3 && fields[0] == GroupName && uint.TryParse(fields[2], out var id))
                return id;
        }
        return null;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int chown(string path, uint owner, uint group);
}
