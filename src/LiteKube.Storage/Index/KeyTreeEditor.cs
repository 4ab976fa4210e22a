namespace LiteKube.Storage.Index;

/// <summary>
/// Makes the next state of a <see cref="KeyTree"/>: each node is copied at most once however many changes a batch
/// makes, and nothing that readers hold is touched. Dropping an editor undoes its changes. For one thread.
/// </summary>
internal sealed class KeyTreeEditor(KeyTree tree)
{
    private object _owner = new();
    private KeyTreeNode _root = tree.Root;

    public StoredValue? Find(string key) => KeyTree.Find(_root, key);

    /// <summary>Freezes what was done so far; the editor may go on.</summary>
    public KeyTree ToTree()
    {
        _owner = new object();
        return new KeyTree(_root);
    }

    /// <summary>Adds the value, or takes the place of the one with its key.</summary>
    public void Set(StoredValue value)
    {
        var (node, right, low) = Set(_root, value);
        _root = node;
        if (right is null)
            return;
        var root = new KeyTreeBranch(0, _owner);
        root.Insert(0, node, string.Empty);
        root.Insert(1, right, low!);
        root.Count = node.Count + right.Count;
        _root = root;
    }

    public bool Remove(string key)
    {
        if (Find(key) is null)
            return false;
        _root = Remove(_root, key);
        while (_root is KeyTreeBranch { Size: 1 } branch)
            _root = branch.Children[0];
        if (_root is KeyTreeBranch { Size: 0 })
            _root = KeyTree.Empty.Root;
        return true;
    }

    private (KeyTreeNode Node, KeyTreeNode? Right, string? Low) Set(KeyTreeNode node, StoredValue value)
    {
        if (node is KeyTreeLeaf leaf)
            return SetInLeaf(Own(leaf), value);

        var branch = Own((KeyTreeBranch)node);
        var index = branch.ChildFor(value.Key);
        var before = branch.Children[index].Count;
        var (child, right, low) = Set(branch.Children[index], value);
        branch.Children[index] = child;
        branch.Count += child.Count + (right?.Count ?? 0) - before;
        if (right is null)
            return (branch, null, null);

        if (branch.Size < KeyTreeNode.Capacity)
        {
            branch.Insert(index + 1, right, low!);
            return (branch, null, null);
        }

        var half = branch.SplitAt(SplitPoint(branch.Size, index + 1), _owner);
        var halfLow = half.Lows[0];
        // The new child goes beside its sibling; the counts of both halves are already those of their children.
        if (index < branch.Size)
        {
            branch.Insert(index + 1, right, low!);
            branch.Count += right.Count;
        }
        else
        {
            half.Insert(index - branch.Size + 1, right, low!);
            half.Count += right.Count;
        }

        return (branch, half, halfLow);
    }

    private (KeyTreeNode Node, KeyTreeNode? Right, string? Low) SetInLeaf(KeyTreeLeaf leaf, StoredValue value)
    {
        var index = leaf.IndexOf(value.Key);
        if (index >= 0)
        {
            leaf.Items[index] = value;
            return (leaf, null, null);
        }

        index = ~index;
        if (leaf.Size < KeyTreeNode.Capacity)
        {
            leaf.Insert(index, value);
            return (leaf, null, null);
        }

        var right = leaf.SplitAt(SplitPoint(leaf.Size, index), _owner);
        if (index <= leaf.Size)
            leaf.Insert(index, value);
        else
            right.Insert(index - leaf.Size, value);
        return (leaf, right, right.FirstKey);
    }

    // Names that count up arrive at the right edge; splitting there leaves the left node nearly full.
    private static int SplitPoint(int size, int index) => index == size ? size - (size / 8) : size / 2;

    private KeyTreeNode Remove(KeyTreeNode node, string key)
    {
        if (node is KeyTreeLeaf leaf)
        {
            leaf = Own(leaf);
            leaf.RemoveAt(leaf.IndexOf(key));
            return leaf;
        }

        var branch = Own((KeyTreeBranch)node);
        var index = branch.ChildFor(key);
        var child = Remove(branch.Children[index], key);
        branch.Children[index] = child;
        branch.Count--;
        if (child.Size == 0)
            branch.RemoveAt(index);
        else if (child.Size < KeyTreeNode.Capacity / 4)
            Merge(branch, index);
        return branch;
    }

    /// <summary>Joins a small child with a neighbour when the two leave room for more.</summary>
    private void Merge(KeyTreeBranch branch, int index)
    {
        var left = index > 0 ? index - 1 : index;
        if (left + 1 >= branch.Size)
            return;
        var (first, second) = (branch.Children[left], branch.Children[left + 1]);
        if (first.Size + second.Size > KeyTreeNode.Capacity * 3 / 4)
            return;
        if (first is KeyTreeLeaf firstLeaf)
        {
            firstLeaf = Own(firstLeaf);
            firstLeaf.Append((KeyTreeLeaf)second);
            branch.Children[left] = firstLeaf;
        }
        else
        {
            var firstBranch = Own((KeyTreeBranch)first);
            firstBranch.Append((KeyTreeBranch)second, branch.Lows[left + 1]);
            branch.Children[left] = firstBranch;
        }

        branch.RemoveAt(left + 1);
    }

    private KeyTreeLeaf Own(KeyTreeLeaf leaf) => leaf.Owner == _owner ? leaf : leaf.CopyFor(_owner);

    private KeyTreeBranch Own(KeyTreeBranch branch) => branch.Owner == _owner ? branch : branch.CopyFor(_owner);
}
