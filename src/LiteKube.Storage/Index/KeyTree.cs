namespace LiteKube.Storage.Index;

/// <summary>
/// An immutable sorted map from key to value (a B+tree in ordinal key order that knows the size of each subtree).
/// Every state of it is a snapshot that readers keep without locks; an <see cref="Editor"/> makes the next one by
/// copying only the nodes on the changed paths.
/// </summary>
internal sealed class KeyTree
{
    public static readonly KeyTree Empty = new(new KeyTreeLeaf(0, owner: null));

    internal KeyTree(KeyTreeNode root) => Root = root;

    internal KeyTreeNode Root { get; }

    public int Count => Root.Count;

    /// <summary>Builds the tree from values sorted by ordinal key, each key once.</summary>
    public static KeyTree FromSorted(IReadOnlyList<StoredValue> sorted)
    {
        if (sorted.Count == 0)
            return Empty;
        // Three quarters full: room for inserts before the first splits.
        const int LeafFill = KeyTreeNode.Capacity * 3 / 4;
        var level = new List<KeyTreeNode>((sorted.Count / LeafFill) + 1);
        for (var i = 0; i < sorted.Count; i += LeafFill)
        {
            var leaf = new KeyTreeLeaf(Math.Min(LeafFill, sorted.Count - i), owner: null);
            for (var j = 0; j < leaf.Size; j++)
                leaf.Items[j] = sorted[i + j];
            level.Add(leaf);
        }

        while (level.Count > 1)
        {
            var parents = new List<KeyTreeNode>((level.Count / LeafFill) + 1);
            for (var i = 0; i < level.Count; i += LeafFill)
            {
                var branch = new KeyTreeBranch(Math.Min(LeafFill, level.Count - i), owner: null);
                for (var j = 0; j < branch.Size; j++)
                {
                    branch.Children[j] = level[i + j];
                    branch.Lows[j] = level[i + j].FirstKey;
                    branch.Count += level[i + j].Count;
                }

                parents.Add(branch);
            }

            level = parents;
        }

        return new KeyTree(level[0]);
    }

    /// <summary>The first string in ordinal order after every string with this prefix; null when there is none.</summary>
    public static string? EndOf(string prefix)
    {
        var length = prefix.Length;
        while (length > 0 && prefix[length - 1] == char.MaxValue)
            length--;
        return length == 0 ? null : string.Concat(prefix.AsSpan(0, length - 1), [(char)(prefix[length - 1] + 1)]);
    }

    public StoredValue? Find(string key) => Find(Root, key);

    /// <summary>How many keys sort before <paramref name="key"/>.</summary>
    public int Rank(string key) => Rank(key, inclusive: false);

    /// <summary>How many keys start with <paramref name="prefix"/>.</summary>
    public int CountOf(string prefix)
    {
        var (start, end) = Bounds(prefix, startAfter: null);
        return end - start;
    }

    /// <summary>The positions [start, end) of the keys with the prefix that sort after <paramref name="startAfter"/>.</summary>
    public (int Start, int End) Bounds(string prefix, string? startAfter)
    {
        var start = Rank(prefix, inclusive: false);
        if (startAfter is not null)
            start = Math.Max(start, Rank(startAfter, inclusive: true));
        var end = EndOf(prefix) is { } bound ? Rank(bound, inclusive: false) : Count;
        return (Math.Min(start, end), end);
    }

    /// <summary>Copies the values at the positions from <paramref name="start"/> on, as many as fit.</summary>
    public void CopyTo(int start, Span<StoredValue> destination)
    {
        if (destination.Length > 0)
            CopyTo(Root, start, destination);
    }

    internal static StoredValue? Find(KeyTreeNode node, string key)
    {
        while (node is KeyTreeBranch branch)
            node = branch.Children[branch.ChildFor(key)];
        var leaf = (KeyTreeLeaf)node;
        var index = leaf.IndexOf(key);
        return index >= 0 ? leaf.Items[index] : null;
    }

    private static int CopyTo(KeyTreeNode node, int start, Span<StoredValue> destination)
    {
        if (node is KeyTreeLeaf leaf)
        {
            var length = Math.Min(leaf.Size - start, destination.Length);
            leaf.Items.AsSpan(start, length).CopyTo(destination);
            return length;
        }

        var branch = (KeyTreeBranch)node;
        var copied = 0;
        for (var i = 0; i < branch.Size && copied < destination.Length; i++)
        {
            var child = branch.Children[i];
            if (start >= child.Count)
            {
                start -= child.Count;
                continue;
            }

            copied += CopyTo(child, start, destination[copied..]);
            start = 0;
        }

        return copied;
    }

    private int Rank(string key, bool inclusive)
    {
        var rank = 0;
        var node = Root;
        while (node is KeyTreeBranch branch)
        {
            var child = branch.ChildFor(key);
            for (var i = 0; i < child; i++)
                rank += branch.Children[i].Count;
            node = branch.Children[child];
        }

        var index = ((KeyTreeLeaf)node).IndexOf(key);
        if (index < 0)
            return rank + ~index;
        return rank + index + (inclusive ? 1 : 0);
    }
}
