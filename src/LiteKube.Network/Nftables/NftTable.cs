using System.Collections.Immutable;

namespace LiteKube.Network.Nftables;

/// <param name="Declaration">For a base chain: "type nat hook prerouting priority -100; policy accept;". Empty for others.</param>
internal sealed record NftChain(string Declaration, ImmutableArray<string> Rules)
{
    public static NftChain Of(params ReadOnlySpan<string> rules) => new("", [.. rules]);

    public bool Equals(NftChain? other) => other is not null && Declaration == other.Declaration && Rules.AsSpan().SequenceEqual(other.Rules.AsSpan());
    public override int GetHashCode() => HashCode.Combine(Declaration, Rules.Length);
}

/// <param name="Kind">"set" or "map".</param>
/// <param name="Declaration">"type ipv4_addr . inet_proto . inet_service : verdict;".</param>
/// <param name="Elements">Key to value; the value is empty in a set.</param>
internal sealed record NftSet(string Kind, string Declaration, IReadOnlyDictionary<string, string> Elements);

/// <summary>The content of one table of the ip family: what should be in the kernel, or what we know to be there.</summary>
internal sealed record NftTable(string Name, IReadOnlyDictionary<string, NftChain> Chains, IReadOnlyDictionary<string, NftSet> Sets)
{
    public static NftTable Empty(string name) => new(name, new Dictionary<string, NftChain>(), new Dictionary<string, NftSet>());
}
