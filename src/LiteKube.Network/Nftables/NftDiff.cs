using System.Text;

namespace LiteKube.Network.Nftables;

/// <param name="Script">One transaction for `nft -f`; empty when there is nothing to do.</param>
/// <param name="Result">What the kernel holds afterwards. Differs from what was wanted by emptied chains and sets that wait for their deletion.</param>
internal sealed record NftDelta(string Script, NftTable Result, bool IsComplete);

/// <summary>
/// The smallest transaction from one content of a table to another. A chain or set that was still referred to is
/// emptied first and deleted by the next transaction: kernels before 6.2 refuse to delete a chain together with the
/// map element that points to it.
/// </summary>
internal static class NftDiff
{
    private const int ElementsPerLine = 200;

    /// <summary>Replaces the table whatever it holds, atomically.</summary>
    public static NftDelta Full(NftTable wanted)
    {
        var delta = Compute(NftTable.Empty(wanted.Name), wanted);
        return delta with { Script = $"add table ip {wanted.Name}\ndelete table ip {wanted.Name}\nadd table ip {wanted.Name}\n{delta.Script}" };
    }

    public static NftDelta Compute(NftTable current, NftTable wanted)
    {
        var script = new StringBuilder();
        var table = wanted.Name;
        foreach (var (name, set) in wanted.Sets)
        {
            if (!current.Sets.ContainsKey(name))
                Line(script, $"add {set.Kind} ip {table} {name} {{ {set.Declaration} }}");
        }
        foreach (var (name, chain) in wanted.Chains)
        {
            if (!current.Chains.ContainsKey(name))
                Line(script, chain.Declaration.Length == 0 ? $"add chain ip {table} {name}" : $"add chain ip {table} {name} {{ {chain.Declaration} }}");
        }
        foreach (var (name, set) in current.Sets)
            DeleteElements(script, table, name, set, wanted.Sets.GetValueOrDefault(name));
        foreach (var (name, chain) in wanted.Chains)
        {
            var existing = current.Chains.GetValueOrDefault(name);
            if (existing is not null && existing.Rules.AsSpan().SequenceEqual(chain.Rules.AsSpan()))
                continue;
            if (existing is { Rules.Length: > 0 })
                Line(script, $"flush chain ip {table} {name}");
            foreach (var rule in chain.Rules)
                Line(script, $"add rule ip {table} {name} {rule}");
        }
        foreach (var (name, set) in wanted.Sets)
            AddElements(script, table, name, set, current.Sets.GetValueOrDefault(name));
        return Remove(script, current, wanted);
    }

    private static NftDelta Remove(StringBuilder script, NftTable current, NftTable wanted)
    {
        var chains = wanted.Chains.ToDictionary(StringComparer.Ordinal);
        var sets = wanted.Sets.ToDictionary(StringComparer.Ordinal);
        var referred = References(current);
        var complete = true;
        foreach (var (name, chain) in current.Chains.Where(pair => !wanted.Chains.ContainsKey(pair.Key)))
        {
            if (chain.Rules.Length > 0)
                Line(script, $"flush chain ip {wanted.Name} {name}");
            if (chain.Declaration.Length == 0 && chain.Rules.Length == 0 && !referred.Contains(name))
            {
                Line(script, $"delete chain ip {wanted.Name} {name}");
                continue;
            }
            chains[name] = chain with { Rules = [] };
            complete = false;
        }
        foreach (var (name, set) in current.Sets.Where(pair => !wanted.Sets.ContainsKey(pair.Key)))
        {
            if (!referred.Contains("@" + name))
            {
                Line(script, $"delete {set.Kind} ip {wanted.Name} {name}");
                continue;
            }
            sets[name] = set with { Elements = new Dictionary<string, string>() };
            complete = false;
        }
        return new NftDelta(script.ToString(), new NftTable(wanted.Name, chains, sets), complete);
    }

    /// <summary>Names of chains that rules and elements jump to, and of sets that rules look into ("@name").</summary>
    private static HashSet<string> References(NftTable table)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var rule in table.Chains.Values.SelectMany(chain => chain.Rules).Concat(table.Sets.Values.SelectMany(set => set.Elements.Values)))
        {
            var previous = "";
            foreach (var word in rule.Split([' ', ',', '}'], StringSplitOptions.RemoveEmptyEntries))
            {
                if (word[0] == '@' || previous is "goto" or "jump")
                    names.Add(word);
                previous = word;
            }
        }
        return names;
    }

    private static void DeleteElements(StringBuilder script, string table, string name, NftSet current, NftSet? wanted)
    {
        var gone = current.Elements.Where(pair => wanted is null || !wanted.Elements.TryGetValue(pair.Key, out var value) || value != pair.Value).Select(pair => pair.Key);
        foreach (var keys in gone.Order(StringComparer.Ordinal).Chunk(ElementsPerLine))
            Line(script, $"delete element ip {table} {name} {{ {string.Join(", ", keys)} }}");
    }

    private static void AddElements(StringBuilder script, string table, string name, NftSet wanted, NftSet? current)
    {
        var added = wanted.Elements.Where(pair => current is null || !current.Elements.TryGetValue(pair.Key, out var value) || value != pair.Value);
        foreach (var pairs in added.OrderBy(pair => pair.Key, StringComparer.Ordinal).Chunk(ElementsPerLine))
            Line(script, $"add element ip {table} {name} {{ {string.Join(", ", pairs.Select(pair => pair.Value.Length == 0 ? pair.Key : $"{pair.Key} : {pair.Value}"))} }}");
    }

    private static void Line(StringBuilder script, string line) => script.Append(line).Append('\n');
}
