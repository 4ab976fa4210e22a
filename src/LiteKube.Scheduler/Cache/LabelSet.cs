using System.Collections.Concurrent;

namespace LiteKube.Scheduler.Cache;

/// <summary>
/// The namespace and labels of a pod, equal by content. The pods of one template share theirs, so that a selector is
/// held against a node's few sets instead of its many pods.
/// </summary>
public sealed class LabelSet : IEquatable<LabelSet>
{
    /// <summary>Beyond this the pods hardly share any, and what is kept is let go of.</summary>
    private const int MaxShared = 4096;
    private static readonly ConcurrentDictionary<LabelSet, LabelSet> Shared = new();
    private readonly int _hash;

    private LabelSet(string ns, IDictionary<string, string>? labels)
    {
        Namespace = ns;
        Labels = labels;
        var hash = ns.GetHashCode(StringComparison.Ordinal);
        // Added up, so that the order of the labels does not matter.
        foreach (var (key, value) in labels ?? Empty)
            hash += HashCode.Combine(key, value);
        _hash = hash;
    }

    /// <summary>The same instance for the same content, as far as it is kept: comparing two is then one look.</summary>
    public static LabelSet Of(string ns, IDictionary<string, string>? labels)
    {
        var set = new LabelSet(ns, labels);
        if (Shared.Count >= MaxShared)
            Shared.Clear();
        return Shared.GetOrAdd(set, set);
    }

    public string Namespace { get; }
    public IDictionary<string, string>? Labels { get; }

    public bool Equals(LabelSet? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || _hash != other._hash || Namespace != other.Namespace)
            return false;
        var (left, right) = (Labels ?? Empty, other.Labels ?? Empty);
        if (left.Count != right.Count)
            return false;
        foreach (var (key, value) in left)
        {
            if (!right.TryGetValue(key, out var theirs) || theirs != value)
                return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => _hash;

    private static readonly Dictionary<string, string> Empty = [];
}

/// <summary>How many pods of a node have one <see cref="LabelSet"/>: all of them, and those that are not being deleted.</summary>
public readonly record struct LabelCount(int All, int Staying);
