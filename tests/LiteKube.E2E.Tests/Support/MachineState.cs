namespace LiteKube.E2E.Tests.Support;

/// <summary>Everything in an <see cref="Enclosure"/> that a program could leave behind, a line each.</summary>
internal static class MachineState
{
    private const string Look = """
        ps -eo args= | grep -v -e '^ps ' -e '^sh -c' -e '^nsenter' -e '^sed ' -e '^find ' | sed 's/^/process /'
        sed 's/^[0-9]* [0-9]* [^ ]* \([^ ]*\) \([^ ]*\) .* - \([^ ]*\) .*/mount \2 (\3 \1)/' /proc/self/mountinfo
        ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/interface \1/'
        ip -o addr | sed 's/^[0-9]*: //; s/ *valid_lft.*//; s/^/address /'
        ip route show table all | sed 's/^/route /'
        ip rule | sed 's/^/rule /'
        nft list tables | sed 's/^/nftables /'
        iptables-save 2>/dev/null | grep '^-A' | sed 's/^/iptables /'
        find /run /var/lib /var/log | sed 's/^/file /'
        """;

    public static async Task<IReadOnlyList<string>> OfAsync(Enclosure enclosure) =>
        [.. (await enclosure.ShellAsync(Look)).Success().Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    /// <summary>Cgroups are the whole machine's, and others come and go at any time: those that carry one of the ids, of a pod or a container.</summary>
    public static IReadOnlyList<string> Cgroups(IEnumerable<string> ids)
    {
        var names = ids.SelectMany(id => (string[])[id, id.Replace('-', '_')]).ToList();
        return [.. Directory.EnumerateDirectories("/sys/fs/cgroup", "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(path => names.Exists(name => Path.GetFileName(path.AsSpan()).Contains(name, StringComparison.Ordinal)))];
    }

    /// <summary>The cgroups above those, up to the one that all of this instance's pods share.</summary>
    public static IEnumerable<string> WithParents(IEnumerable<string> cgroups) =>
        cgroups.SelectMany(Parents).Distinct(StringComparer.Ordinal);

    private static IEnumerable<string> Parents(string cgroup)
    {
        for (var path = cgroup; path.Contains("/kubepods", StringComparison.Ordinal); path = Path.GetDirectoryName(path)!)
            yield return path;
    }
}
