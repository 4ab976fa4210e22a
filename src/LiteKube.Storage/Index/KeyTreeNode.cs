namespace LiteKube.Storage.Index;

/// <summary>A node of a <see cref="KeyTree"/>. Frozen once its editor is done; until then only the editor that owns it changes it.</summary>
internal abstract class KeyTreeNode(object? owner)
{
    /// <summary>Entries a node holds at most. A write copies about three nodes of this many references (some 2 KB).</summary>
    public const int Capacity = 48;

    public object? Owner { get; } = owner;

    /// <summary>Entries in this node itself.</summary>
    public int Size { get; protected set; }

    /// <summary>Keys in this subtree.</summary>
    public abstract int Count { get; set; }

    public abstract string FirstKey { get; }
}

internal sealed class KeyTreeLeaf : KeyTreeNode
{
    public KeyTreeLeaf(int size, object? owner)
        : base(owner)
    {
        // A leaf from loading or reading takes what it needs; one under edit has room for the next entry.
        Items = new StoredValue[owner is null ? size : Capacity];
        Size = size;
    }

    public StoredValue[] Items { get; }

    public override int Count
    {
        get => Size;
        set => throw new InvalidOperationException("a leaf's count is its size");
    }

    public override string FirstKey => Items[0].Key;

    /// <summary>The key's position, or the complement of where it belongs.</summary>
    public int IndexOf(string key)
    {
        int low = 0, high = Size - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = string.CompareOrdinal(Items[middle].Key, key);
            if (order == 0)
                return middle;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return ~low;
    }

    public KeyTreeLeaf CopyFor(object owner)
    {
        var copy = new KeyTreeLeaf(Size, owner);
        Items.AsSpan(0, Size).CopyTo(copy.Items);
        return copy;
    }

    public void Insert(int index, StoredValue value)
    {
        Items.AsSpan(index, Size - index).CopyTo(Items.AsSpan(index + 1));
        Items[index] = value;
        Size++;
    }

    public void RemoveAt(int index)
    {
        Items.AsSpan(index + 1, Size - index - 1).CopyTo(Items.AsSpan(index));
        Items[--Size] = null!;
    }

    /// <summary>Moves the entries from <paramref name="index"/> on into a new leaf.</summary>
    public KeyTreeLeaf SplitAt(int index, object owner)
    {
        var right = new KeyTreeLeaf(Size - index, owner);
        Items.AsSpan(index, Size - index).CopyTo(right.Items);
        Items.AsSpan(index, Size - index).Clear();
        Size = index;
        return right;
    }

    public void Append(KeyTreeLeaf other)
    {
        other.Items.AsSpan(0, other.Size).CopyTo(Items.AsSpan(Size));
        Size += other.Size;
    }
}

internal sealed class KeyTreeBranch : KeyTreeNode
{
    public KeyTreeBranch(int size, object? owner)
        : base(owner)
    {
        Children = new KeyTreeNode[owner is null ? size : Capacity];
        Lows = new string[Children.Length];
        Size = size;
    }

    public KeyTreeNode[] Children { get; }

    /// <summary>For each child but the first, a string above every key to its left and not above any of its own.</summary>
    public string[] Lows { get; }

    public override int Count { get; set; }

    public override string FirstKey => Children[0].FirstKey;

    /// <summary>The child that holds the key if any does.</summary>
    public int ChildFor(string key)
    {
        int low = 1, high = Size - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (string.CompareOrdinal(Lows[middle], key) <= 0)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return low - 1;
    }

    public KeyTreeBranch CopyFor(object owner)
    {
        var copy = new KeyTreeBranch(Size, owner) { Count = Count };
        Children.AsSpan(0, Size).CopyTo(copy.Children);
        Lows.AsSpan(0, Size).CopyTo(copy.Lows);
        return copy;
    }

    public void Insert(int index, KeyTreeNode child, string low)
    {
        Children.AsSpan(index, Size - index).CopyTo(Children.AsSpan(index + 1));
        Lows.AsSpan(index, Size - index).CopyTo(Lows.AsSpan(index + 1));
        Children[index] = child;
        Lows[index] = low;
        Size++;
    }

    public void RemoveAt(int index)
    {
        Children.AsSpan(index + 1, Size - index - 1).CopyTo(Children.AsSpan(index));
        Lows.AsSpan(index + 1, Size - index - 1).CopyTo(Lows.AsSpan(index));
        Size--;
        Children[Size] = null!;
        Lows[Size] = null!;
    }

    public KeyTreeBranch SplitAt(int index, object owner)
    {
        var right = new KeyTreeBranch(Size - index, owner);
        Children.AsSpan(index, Size - index).CopyTo(right.Children);
        Lows.AsSpan(index, Size - index).CopyTo(right.Lows);
        Children.AsSpan(index, Size - index).Clear();
        Lows.AsSpan(index, Size - index).Clear();
        Size = index;
        Recount();
        right.Recount();
        return right;
    }

    /// <summary>Takes over the children of the right neighbour, whose separator is <paramref name="low"/>.</summary>
    public void Append(KeyTreeBranch other, string low)
    {
        other.Children.AsSpan(0, other.Size).CopyTo(Children.AsSpan(Size));
        other.Lows.AsSpan(0, other.Size).CopyTo(Lows.AsSpan(Size));
        Lows[Size] = low;
        Size += other.Size;
        Count += other.Count;
    }

    private void Recount()
    {
        Count = 0;
        for (var i = 0; i < Size; i++)
            Count += Children[i].Count;
    }
}
