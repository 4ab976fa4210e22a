using System.Net;
using System.Text.Json;
using LiteKube.Network.Nftables;
using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Setup;

/// <summary>
/// Copes with a host firewall that drops what it does not know (ufw, Docker). An accept in a table of our own ends
/// only that table's evaluation, so where iptables has restrictive FORWARD or INPUT chains the accept must stand in them.
/// </summary>
internal sealed class HostFirewall(NetworkOptions options, ILogger logger)
{
    private string Comment => $"litekube-{options.Instance}";

    /// <summary>Inserts the accept rules that are needed and missing. Returns what was inserted.</summary>
    public async Task<IReadOnlyList<string>> EnsureAsync(CancellationToken cancellationToken)
    {
        var inserted = new List<string>();
        foreach (var tool in Tools())
        {
            var rules = (await HostTool.RunAsync(tool, ["-w", "5", "-S"], null, cancellationToken)).Split('\n');
            foreach (var rule in MissingRules(rules, options.PodCidr, options.Bridge, Comment))
            {
                await HostTool.RunAsync(tool, ["-w", "5", "-I", .. rule.Split(' ')], null, cancellationToken);
                inserted.Add($"{tool} -I {rule}");
                Log.FirewallRuleInserted(logger, rule.Split(' ')[0], tool, rule);
            }
        }
        return inserted;
    }

    /// <summary>Removes every rule that carries our comment. Returns what was removed.</summary>
    public async Task<IReadOnlyList<string>> RemoveAsync(CancellationToken cancellationToken)
    {
        var removed = new List<string>();
        foreach (var tool in Tools())
        {
            foreach (var rule in await OwnRulesAsync(tool, cancellationToken))
            {
                await HostTool.RunAsync(tool, ["-w", "5", "-D", .. rule.Split(' ')], null, cancellationToken);
                removed.Add($"{tool} {rule}");
            }
        }
        return removed;
    }

    public async Task<IReadOnlyList<string>> RemainingAsync(CancellationToken cancellationToken)
    {
        var remaining = new List<string>();
        foreach (var tool in Tools())
            remaining.AddRange((await OwnRulesAsync(tool, cancellationToken)).Select(rule => $"{tool} rule {rule}"));
        return remaining;
    }

    /// <summary>What no rule of ours can mend: other nftables tables that drop forwarded packets.</summary>
    public async Task<IReadOnlyList<string>> WarningsAsync(CancellationToken cancellationToken)
    {
        var json = await HostTool.RunAsync("nft", ["-j", "list", "chains"], null, cancellationToken);
        using var document = JsonDocument.Parse(json);
        var warnings = new List<string>();
        foreach (var item in document.RootElement.GetProperty("nftables").EnumerateArray())
        {
            if (!item.TryGetProperty("chain", out var chain) || !chain.TryGetProperty("hook", out var hook))
                continue;
            var (family, table, name) = (chain.GetProperty("family").GetString(), chain.GetProperty("table").GetString(), chain.GetProperty("name").GetString());
            var drops = chain.TryGetProperty("policy", out var policy) && policy.GetString() == "drop";
            if (hook.GetString() is not ("forward" or "input") || family is not ("ip" or "inet"))
                continue;
            if (table == "firewalld" && name == "filter_FORWARD")
                warnings.Add($"firewalld runs and may reject pod traffic; run: firewall-cmd --permanent --zone=trusted --add-source={options.PodCidr} && firewall-cmd --reload");
            // iptables' own tables are mended by EnsureAsync.
            else if (drops && !(family == "ip" && table == "filter"))
                warnings.Add($"nftables chain {family} {table} {name} drops what it does not accept; add to it: ip saddr {options.PodCidr} accept; ip daddr {options.PodCidr} accept");
        }
        return warnings;
    }

    internal static IEnumerable<string> MissingRules(IReadOnlyList<string> listing, IPNetwork pods, string bridge, string comment)
    {
        string[] wanted =
        [
            $"FORWARD -s {pods} -m comment --comment {comment} -j ACCEPT",
            $"FORWARD -d {pods} -m comment --comment {comment} -j ACCEPT",
            // Pods need the host's DNS and API server.
            $"INPUT -s {pods} -i {bridge} -m comment --comment {comment} -j ACCEPT",
        ];
        foreach (var rule in wanted)
        {
            var chain = rule.Split(' ')[0];
            var restricts = listing.Contains($"-P {chain} DROP", StringComparer.Ordinal)
                || listing.Any(line => line.StartsWith($"-A {chain} ", StringComparison.Ordinal) && !line.Contains("--comment litekube-", StringComparison.Ordinal));
            if (restricts && !listing.Contains($"-A {rule}", StringComparer.Ordinal))
                yield return rule;
        }
    }

    private async Task<List<string>> OwnRulesAsync(string tool, CancellationToken cancellationToken) =>
        (await HostTool.RunAsync(tool, ["-w", "5", "-S"], null, cancellationToken)).Split('\n')
            .Where(line => line.StartsWith("-A ", StringComparison.Ordinal) && line.Contains($"--comment {Comment} ", StringComparison.Ordinal))
            .Select(line => line[3..]).ToList();

    // Debian's iptables works on nftables; rules of an older, legacy iptables are in force beside them.
    private static IEnumerable<string> Tools()
    {
        if (HostTool.Find("iptables") is not null)
            yield return "iptables";
        const string legacyTables = "/proc/net/ip_tables_names";
        if (HostTool.Find("iptables-legacy") is not null && File.Exists(legacyTables) && File.ReadLines(legacyTables).Contains("filter"))
            yield return "iptables-legacy";
    }
}
