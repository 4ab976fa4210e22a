using System.Net;

namespace LiteKube.Network.Dns;

/// <summary>The content of a resolv.conf (resolv.conf(5)).</summary>
public sealed record ResolvConf(IReadOnlyList<string> Nameservers, IReadOnlyList<string> Searches, IReadOnlyList<string> Options)
{
    public static readonly ResolvConf Empty = new([], [], []);

    public static ResolvConf Parse(string text)
    {
        var nameservers = new List<string>();
        string[] searches = [];
        string[] options = [];
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var address, ..]:
                    nameservers.Add(address);
                    break;
                // The last of several counts.
                case ["search" or "domain", .. var names]:
                    searches = names;
                    break;
                case ["options", .. var names]:
                    options = names;
                    break;
            }
        }
        return new ResolvConf(nameservers, searches, options);
    }

    public override string ToString()
    {
        var lines = new List<string>();
        if (Searches.Count > 0)
            lines.Add($"search {string.Join(' ', Searches)}");
        lines.AddRange(Nameservers.Select(server => $"nameserver {server}"));
        if (Options.Count > 0)
            lines.Add($"options {string.Join(' ', Options)}");
        return string.Join('\n', lines) + "\n";
    }

    internal IEnumerable<IPAddress> Addresses => Nameservers.Select(text => IPAddress.TryParse(text, out var address) ? address : null).OfType<IPAddress>();
}

/// <summary>
/// The host's resolvers. A stub on the loopback address (systemd-resolved's 127.0.0.53) means nothing inside a pod, so
/// what systemd-resolved itself asks is taken in its place.
/// </summary>
public sealed class HostResolvConf(string path = HostResolvConf.DefaultPath, string systemdPath = HostResolvConf.SystemdPath)
{
    public const string DefaultPath = "/etc/resolv.conf";
    public const string SystemdPath = "/run/systemd/resolve/resolv.conf";

    /// <summary>Empty when there is no such file: a machine without network.</summary>
    public ResolvConf Read()
    {
        var host = ReadFile(path);
        if (host.Addresses.Any() && host.Addresses.All(IPAddress.IsLoopback) && ReadFile(systemdPath) is { Nameservers.Count: > 0 } upstream)
            return upstream with { Searches = upstream.Searches.Count > 0 ? upstream.Searches : host.Searches };
        return host;
    }

    /// <summary>Every file whose change may change the answer: also where a symbolic link leads.</summary>
    internal IEnumerable<string> Files()
    {
        yield return path;
        if (File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target)
            yield return target.FullName;
        yield return systemdPath;
    }

    private static ResolvConf ReadFile(string file)
    {
        try
        {
            return ResolvConf.Parse(File.ReadAllText(file));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return ResolvConf.Empty;
        }
    }
}
