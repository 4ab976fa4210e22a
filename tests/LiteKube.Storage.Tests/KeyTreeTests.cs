using CsCheck;
using LiteKube.Storage.Index;

namespace LiteKube.Storage.Tests;

public sealed class KeyTreeTests
{
    /// <summary>Few distinct names, so that runs of inserts and removals fill, split, empty and join nodes at every depth.</summary>
    private static readonly Gen<(int From, int Count, bool Removes)[]> Runs =
        Gen.Select(Gen.Int[0, 6000], Gen.Int[1, 1500], Gen.Bool).Array[1, 12];

    [Fact]
    public void A_tree_under_edit_equals_a_sorted_dictionary_and_its_snapshots_never_change()
    {
        Gen.Select(Runs, Gen.Int[0, 3000]).Sample(
            (runs, loaded) =>
            {
                var model = new SortedDictionary<string, StoredValue>(StringComparer.Ordinal);
                for (var i = 0; i < loaded; i++)
                    model[Name(i * 2)] = Value(i * 2, revision: 1);
                var tree = KeyTree.FromSorted([.. model.Values]);
                var snapshots = new List<(KeyTree Tree, StoredValue[] Values)>();
                var revision = 1L;
                foreach (var (from, count, removes) in runs)
                {
                    snapshots.Add((tree, [.. model.Values]));
                    var editor = new KeyTreeEditor(tree);
                    for (var i = from; i < from + count; i++)
                    {
                        if (removes)
                        {
                            Assert.Equal(model.Remove(Name(i)), editor.Remove(Name(i)));
                            continue;
                        }

                        var value = Value(i, ++revision);
                        model[value.Key] = value;
                        editor.Set(value);
                    }

                    tree = editor.ToTree();
                }

                snapshots.Add((tree, [.. model.Values]));
                foreach (var (snapshot, values) in snapshots)
                    AssertHolds(snapshot, values);
            },
            iter: 100);
    }

    [Fact]
    public void Deleting_most_keys_leaves_few_nodes()
    {
        var values = Enumerable.Range(0, 10_000).Select(i => Value(i, 1)).OrderBy(v => v.Key, StringComparer.Ordinal).ToArray();
        var editor = new KeyTreeEditor(KeyTree.FromSorted(values));
        foreach (var value in values.Where((_, index) => index % 20 != 0))
            editor.Remove(value.Key);

        var leaves = Leaves(editor.ToTree().Root).Count();

        // 500 keys are left of some 280 leaves full of them.
        Assert.InRange(leaves, 500 / KeyTreeNode.Capacity, 60);
    }

    private static void AssertHolds(KeyTree tree, StoredValue[] values)
    {
        Assert.Equal(values.Length, tree.Count);
        var copied = new StoredValue[values.Length];
        tree.CopyTo(0, copied);
        Assert.True(values.SequenceEqual(copied), "the values are those of the model, in its order");
        for (var i = 0; i < values.Length; i += 97)
        {
            Assert.Same(values[i], tree.Find(values[i].Key));
            Assert.Equal(i, tree.Rank(values[i].Key));
            Assert.Null(tree.Find(values[i].Key + "-"));
            var page = new StoredValue[Math.Min(60, values.Length - i)];
            tree.CopyTo(i, page);
            Assert.True(values.AsSpan(i, page.Length).SequenceEqual(page), "a page is a slice of the whole");
        }

        foreach (var prefix in (string[])["", "/r/a1/", "/r/a1/x2", "/r/z"])
            Assert.Equal(values.Count(v => v.Key.StartsWith(prefix, StringComparison.Ordinal)), tree.CountOf(prefix));
    }

    private static IEnumerable<KeyTreeNode> Leaves(KeyTreeNode node) =>
        node is KeyTreeBranch branch ? branch.Children.Take(branch.Size).SelectMany(Leaves) : [node];

    private static string Name(int i) => $"/r/a{i % 3}/x{i}";

    private static StoredValue Value(int i, long revision) => new(Name(i), ReadOnlyMemory<byte>.Empty, 1, revision);
}
