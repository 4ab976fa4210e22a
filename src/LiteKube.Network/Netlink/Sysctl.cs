namespace LiteKube.Network.Netlink;

/// <summary>Kernel settings by their file under /proc/sys; those of net/ belong to the calling thread's namespace.</summary>
internal static class Sysctl
{
    private static string PathOf(string key) => "/proc/sys/" + key;

    /// <param name="key">With slashes: "net/ipv4/ip_forward".</param>
    /// <returns>null when this kernel has no such setting.</returns>
    public static string? Read(string key) => File.Exists(PathOf(key)) ? File.ReadAllText(PathOf(key)).Trim() : null;

    /// <summary>Writes when different. Returns the old value when it was changed, null when nothing was done.</summary>
    public static string? Ensure(string key, string value)
    {
        var old = Read(key);
        if (old is null || old == value)
            return null;
        try
        {
            File.WriteAllText(PathOf(key), value);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new IOException($"cannot set {key.Replace('/', '.')} to {value} (it is {old}): {e.Message}; set it in /etc/sysctl.d or run as root", e);
        }
        return old;
    }
}
