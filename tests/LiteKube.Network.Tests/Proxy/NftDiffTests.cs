using CsCheck;
using LiteKube.Network.Nftables;

namespace LiteKube.Network.Tests.Proxy;

public sealed class NftDiffTests
{
    private static readonly Gen<NftTable> Tables =
        from services in Gen.Dictionary(Gen.Int[0, 8], Gen.Int[1, 3])[0, 6]
        select Table(services);

    private static NftTable Table(IReadOnlyDictionary<int, int> services)
    {
        var chains = services.ToDictionary(s => $"svc/{s.Key}", s => NftChain.Of(Enumerable.Range(0, s.Value).Select(i => $"ip saddr @aff/{s.Key} rule {i}").ToArray()));
        chains["base"] = new NftChain("type nat hook output priority -100; policy accept;", ["vmap @map"]);
        var sets = services.ToDictionary(s => $"aff/{s.Key}", s => new NftSet("set", "type ipv4_addr;", new Dictionary<string, string>()));
        sets["map"] = new NftSet("map", "type ipv4_addr : verdict;", services.ToDictionary(s => $"10.0.0.{s.Key}", s => $"goto svc/{s.Key}"));
        return new NftTable("t", chains, sets);
    }

    [Fact]
    public void Applying_the_difference_leads_from_any_table_to_any_other_and_every_step_is_legal() =>
        Gen.Select(Tables, Tables).Sample((from, to) =>
        {
            var kernel = new FakeKernel();
            kernel.Apply(NftDiff.Full(from).Script);
            var current = from;
            for (var step = 0; step < 3; step++)
            {
                var delta = NftDiff.Compute(current, to);
                kernel.Apply(delta.Script);
                current = delta.Result;
                if (delta.IsComplete)
                    break;
            }
            Assert.Equal("", NftDiff.Compute(current, to).Script);
            var wanted = new FakeKernel();
            wanted.Apply(NftDiff.Full(to).Script);
            Assert.Equal(wanted.Print(), kernel.Print());
        });

    [Fact]
    public void What_is_equal_is_not_touched()
    {
        var from = Table(new Dictionary<int, int> { [1] = 1, [2] = 2 });
        Assert.Equal("", NftDiff.Compute(from, Table(new Dictionary<int, int> { [1] = 1, [2] = 2 })).Script);
        var delta = NftDiff.Compute(from, Table(new Dictionary<int, int> { [1] = 1, [2] = 3 }));
        Assert.Equal("""
            flush chain ip t svc/2
            add rule ip t svc/2 ip saddr @aff/2 rule 0
            add rule ip t svc/2 ip saddr @aff/2 rule 1
            add rule ip t svc/2 ip saddr @aff/2 rule 2

            """.ReplaceLineEndings("\n"), delta.Script);
    }

    [Fact]
    public void A_chain_is_emptied_with_its_element_and_deleted_only_afterwards()
    {
        var from = Table(new Dictionary<int, int> { [1] = 1 });
        var to = Table(new Dictionary<int, int>());
        var first = NftDiff.Compute(from, to);
        Assert.Equal("delete element ip t map { 10.0.0.1 }\nflush chain ip t svc/1\n", first.Script);
        Assert.False(first.IsComplete);
        var second = NftDiff.Compute(first.Result, to);
        Assert.Equal("delete chain ip t svc/1\ndelete set ip t aff/1\n", second.Script);
        Assert.True(second.IsComplete);
    }

    /// <summary>As strict as the kernel: adding what is there, deleting what is not there or still referred to, fails.</summary>
    private sealed class FakeKernel
    {
        private readonly Dictionary<string, List<string>> _chains = [];
        private readonly Dictionary<string, Dictionary<string, string>> _sets = [];

        public void Apply(string script)
        {
            var referredBefore = string.Join('\n', _chains.Values.SelectMany(r => r).Concat(_sets.Values.SelectMany(s => s.Values)));
            foreach (var line in script.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var words = line.Split(' ', 6);
                switch ($"{words[0]} {words[1]}")
                {
                    case "delete table":
                        _chains.Clear();
                        _sets.Clear();
                        break;
                    case "add table":
                        break;
                    case "add chain":
                        Assert.True(_chains.TryAdd(words[4], []), line);
                        break;
                    case "add set" or "add map":
                        Assert.True(_sets.TryAdd(words[4], []), line);
                        break;
                    case "add rule":
                        _chains[words[4]].Add(words[5]);
                        break;
                    case "flush chain":
                        _chains[words[4]].Clear();
                        break;
                    case "delete chain":
                        Assert.DoesNotContain($"goto {words[4]}", referredBefore, StringComparison.Ordinal);
                        Assert.Empty(_chains[words[4]]);
                        Assert.True(_chains.Remove(words[4]), line);
                        break;
                    case "delete set" or "delete map":
                        Assert.DoesNotContain($"@{words[4]} ", referredBefore, StringComparison.Ordinal);
                        Assert.True(_sets.Remove(words[4]), line);
                        break;
                    case "add element":
                        foreach (var element in Elements(words[5]))
                        {
                            Assert.True(_sets[words[4]].TryAdd(element[0], element.ElementAtOrDefault(1) ?? ""), line);
                            if (element.Length > 1)
                                Assert.Contains(element[1]["goto ".Length..], _chains.Keys);
                        }
                        break;
                    case "delete element":
                        foreach (var element in Elements(words[5]))
                            Assert.True(_sets[words[4]].Remove(element[0]), line);
                        break;
                    default:
                        Assert.Fail(line);
                        break;
                }
            }
        }

        private static IEnumerable<string[]> Elements(string text) => text.Trim('{', '}', ' ').Split(", ").Select(e => e.Split(" : "));

        public string Print() => string.Join('\n',
            _chains.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key}: {string.Join("; ", c.Value)}")
                .Concat(_sets.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}: {string.Join(", ", s.Value.OrderBy(e => e.Key, StringComparer.Ordinal))}")));
    }
}
