namespace LiteKube.Apis.Apply;

/// <summary>One step below a node of a field set.</summary>
/// <param name="IsMember">The field at this step is in the set.</param>
/// <param name="Children">What below it is in the set; never empty.</param>
internal readonly record struct FieldSetEntry(PathElement Element, bool IsMember, FieldSet? Children);

/// <summary>
/// A set of field paths, as a tree. Immutable; operations give back an operand itself when it is the answer, so that a
/// caller sees by reference that nothing changed.
/// </summary>
public sealed class FieldSet
{
    public static readonly FieldSet Empty = new([]);

    internal FieldSet(FieldSetEntry[] entries) => Entries = entries;

    /// <summary>In order of their elements, each once, none of them without effect.</summary>
    internal FieldSetEntry[] Entries { get; }

    /// <summary>The schema that the set is known to fit: sets are shared, and schemas seldom change.</summary>
    internal IMergeSchema? ReconciledFor { get; set; }

    public bool IsEmpty => Entries.Length == 0;

    /// <summary>How many paths are members.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var entry in Entries) count += (entry.IsMember ? 1 : 0) + (entry.Children?.Count ?? 0);
            return count;
        }
    }

    public static FieldSet Of(params ReadOnlySpan<PathElement[]> paths)
    {
        var set = Empty;
        foreach (var path in paths) set = set.Union(Single(path));
        return set;
    }

    /// <summary>Of dotted paths of fields.</summary>
    public static FieldSet OfFields(params ReadOnlySpan<string> paths)
    {
        var set = Empty;
        foreach (var path in paths) set = set.Union(Single([.. path.Split('.').Select(PathElement.Field)]));
        return set;
    }

    public bool Contains(params ReadOnlySpan<PathElement> path)
    {
        var set = this;
        for (var i = 0; i < path.Length; i++)
        {
            var at = set.IndexOf(path[i]);
            if (at < 0) return false;
            if (i == path.Length - 1) return set.Entries[at].IsMember;
            if (set.Entries[at].Children is not { } children) return false;
            set = children;
        }

        return false;
    }

    public FieldSet Union(FieldSet other)
    {
        if (other.IsEmpty || ReferenceEquals(this, other)) return this;
        if (IsEmpty) return other;
        var (a, b) = (Entries, other.Entries);
        var merged = new List<FieldSetEntry>(a.Length + b.Length);
        var isLeft = true;
        for (int i = 0, j = 0; i < a.Length || j < b.Length;)
        {
            var order = i == a.Length ? 1 : j == b.Length ? -1 : a[i].Element.CompareTo(b[j].Element);
            if (order < 0)
            {
                merged.Add(a[i++]);
                continue;
            }

            if (order > 0)
            {
                isLeft = false;
                merged.Add(b[j++]);
                continue;
            }

            var (x, y) = (a[i++], b[j++]);
            var children = x.Children is null ? y.Children : y.Children is null ? x.Children : x.Children.Union(y.Children);
            isLeft &= (x.IsMember || !y.IsMember) && ReferenceEquals(children, x.Children);
            merged.Add(new(x.Element, x.IsMember || y.IsMember, children));
        }

        return isLeft ? this : new(merged.ToArray());
    }

    public FieldSet Intersect(FieldSet other)
    {
        if (ReferenceEquals(this, other)) return this;
        var (a, b) = (Entries, other.Entries);
        List<FieldSetEntry>? common = null;
        for (int i = 0, j = 0; i < a.Length && j < b.Length;)
        {
            var order = a[i].Element.CompareTo(b[j].Element);
            if (order != 0)
            {
                _ = order < 0 ? i++ : j++;
                continue;
            }

            var (x, y) = (a[i++], b[j++]);
            var children = x.Children is null || y.Children is null ? null : NullIfEmpty(x.Children.Intersect(y.Children));
            if ((x.IsMember && y.IsMember) || children is not null) (common ??= []).Add(new(x.Element, x.IsMember && y.IsMember, children));
        }

        return common is null ? Empty : new(common.ToArray());
    }

    /// <summary>Without the paths in <paramref name="other"/>; what lies below them stays.</summary>
    public FieldSet Except(FieldSet other) => Subtract(other, isRecursive: false);

    /// <summary>Without the paths in <paramref name="other"/> and everything below them.</summary>
    public FieldSet ExceptBelow(FieldSet other) => Subtract(other, isRecursive: true);

    /// <summary>Every named field of a declared type on the way to a member is a member as well.</summary>
    internal FieldSet WithNamedFields(IMergeSchema? schema)
    {
        var entries = new FieldSetEntry[Entries.Length];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = Entries[i];
            var child = schema.Below(entry.Element, out var isDeclared);
            entries[i] = entry with { IsMember = entry.IsMember || isDeclared, Children = entry.Children?.WithNamedFields(child) };
        }

        return new(entries);
    }

    public bool SetEquals(FieldSet other)
    {
        if (ReferenceEquals(this, other)) return true;
        if (Entries.Length != other.Entries.Length) return false;
        for (var i = 0; i < Entries.Length; i++)
        {
            var (a, b) = (Entries[i], other.Entries[i]);
            if (a.IsMember != b.IsMember || !a.Element.Equals(b.Element) || a.Children is null != b.Children is null) return false;
            if (a.Children is not null && !a.Children.SetEquals(b.Children!)) return false;
        }

        return true;
    }

    public bool IsSubsetOf(FieldSet other) => Except(other).IsEmpty;

    /// <summary>The members' paths as they are printed: those of a level first, then what lies below.</summary>
    public IEnumerable<string> Paths() => Paths("");

    public override string ToString() => string.Join('\n', Paths());

    /// <summary>What lies below an element; null: nothing does.</summary>
    internal FieldSet? Below(PathElement element) => IndexOf(element) is var at and >= 0 ? Entries[at].Children : null;

    internal int IndexOf(PathElement element)
    {
        var (low, high) = (0, Entries.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = Entries[middle].Element.CompareTo(element);
            if (order == 0) return middle;
            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        return -1;
    }

    internal static FieldSet Single(ReadOnlySpan<PathElement> path)
    {
        FieldSet? set = null;
        for (var i = path.Length - 1; i >= 0; i--) set = new([new(path[i], set is null, set)]);
        return set ?? Empty;
    }

    private static FieldSet? NullIfEmpty(FieldSet? set) => set is null || set.IsEmpty ? null : set;

    private FieldSet Subtract(FieldSet other, bool isRecursive)
    {
        if (ReferenceEquals(this, other)) return Empty;
        var (a, b) = (Entries, other.Entries);
        List<FieldSetEntry>? left = null;
        var taken = 0;
        for (int i = 0, j = 0; i < a.Length && j < b.Length;)
        {
            var order = a[i].Element.CompareTo(b[j].Element);
            if (order != 0)
            {
                _ = order < 0 ? i++ : j++;
                continue;
            }

            var (x, y) = (a[i], b[j]);
            var children = isRecursive && y.IsMember ? null
                : x.Children is null || y.Children is null ? x.Children
                : NullIfEmpty(x.Children.Subtract(y.Children, isRecursive));
            var isMember = x.IsMember && !y.IsMember;
            if (isMember != x.IsMember || !ReferenceEquals(children, x.Children))
            {
                left ??= new(a.Length);
                left.AddRange(a.AsSpan(taken, i - taken));
                if (isMember || children is not null) left.Add(new(x.Element, isMember, children));
                taken = i + 1;
            }

            i++;
            j++;
        }

        if (left is null) return this;
        left.AddRange(a.AsSpan(taken));
        return left.Count == 0 ? Empty : new(left.ToArray());
    }

    private IEnumerable<string> Paths(string prefix)
    {
        foreach (var entry in Entries)
        {
            if (entry.IsMember) yield return prefix + entry.Element;
        }

        foreach (var entry in Entries)
        {
            foreach (var path in entry.Children?.Paths(prefix + entry.Element) ?? []) yield return path;
        }
    }
}

/// <summary>The level of a set that is being made: entries in any order, each element once or more.</summary>
internal struct FieldSetNode
{
    private List<FieldSetEntry>? _entries;
    private bool _isUnsorted;

    /// <summary>The node itself is in the set.</summary>
    public bool IsMember { get; set; }

    public readonly bool IsEmpty => !IsMember && _entries is null;

    public void Add(PathElement element, in FieldSetNode below)
    {
        if (below.IsEmpty) return;
        _entries ??= [];
        _isUnsorted |= _entries.Count > 0 && _entries[^1].Element.CompareTo(element) >= 0;
        _entries.Add(new(element, below.IsMember, below._entries is null ? null : below.Build()));
    }

    public readonly FieldSet Build()
    {
        if (_entries is null) return FieldSet.Empty;
        if (!_isUnsorted) return new(_entries.ToArray());
        _entries.Sort(static (a, b) => a.Element.CompareTo(b.Element));
        var kept = new List<FieldSetEntry>(_entries.Count);
        foreach (var entry in _entries)
        {
            if (kept.Count == 0 || !kept[^1].Element.Equals(entry.Element))
            {
                kept.Add(entry);
                continue;
            }

            var last = kept[^1];
            kept[^1] = new(last.Element, last.IsMember || entry.IsMember, last.Children is null ? entry.Children : entry.Children is null ? last.Children : last.Children.Union(entry.Children));
        }

        return new(kept.ToArray());
    }
}
