using System.Text.Json.Nodes;
using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel;

/// <summary>A map; adapters over foreign data give their entries lazily.</summary>
public abstract class CelMap
{
    public abstract int Count { get; }

    public abstract IEnumerable<CelValue> Keys { get; }

    /// <summary>Finds an entry. A key of a type that this map cannot hold is simply absent.</summary>
    public abstract bool TryGet(in CelValue key, out CelValue value);

    public virtual bool EqualTo(CelMap other)
    {
        if (Count != other.Count)
            return false;
        WorkLimit.Spend(Count);
        foreach (var key in Keys)
        {
            if (!TryGet(key, out var mine) || !other.TryGet(key, out var theirs) || !ValueEquality.AreEqual(mine, theirs))
                return false;
        }
        return true;
    }

    /// <summary>The map as JSON, or null to have it built from the entries.</summary>
    protected internal virtual JsonNode? ToJson() => null;
}

/// <summary>A map that an expression or the host made. Numeric keys are equal across int, uint and double.</summary>
public sealed class CelValueMap : CelMap
{
    private readonly Dictionary<CelValue, CelValue> _entries = new(KeyComparer.Instance);

    public override int Count => _entries.Count;

    public override IEnumerable<CelValue> Keys => _entries.Keys;

    public override bool TryGet(in CelValue key, out CelValue value) => _entries.TryGetValue(key, out value);

    /// <summary>Adds an entry unless its key exists.</summary>
    public bool TryAdd(in CelValue key, in CelValue value) => _entries.TryAdd(key, value);

    internal static bool IsKey(in CelValue key) => key.Kind is CelKind.String or CelKind.Int or CelKind.Uint or CelKind.Bool or CelKind.Double;

    private sealed class KeyComparer : IEqualityComparer<CelValue>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(CelValue x, CelValue y) => ValueEquality.AreEqual(x, y);

        public int GetHashCode(CelValue value) => ValueEquality.KeyHash(value);
    }
}

/// <summary>A value of a type that the language does not know itself: a struct with fields, or an opaque value with functions only.</summary>
public abstract class CelObject
{
    public abstract CelType Type { get; }

    /// <summary>Reads a field; false when it is not set.</summary>
    public virtual bool TryGetField(string name, out CelValue value)
    {
        value = default;
        return false;
    }

    public abstract bool EqualTo(CelObject other);

    /// <summary>The size that cost accounting uses.</summary>
    protected internal virtual long CostSize => 1;

    /// <summary>Whether this is the zero value, which optional.ofNonZeroValue leaves out.</summary>
    protected internal virtual bool IsZero => false;

    /// <summary>The value as JSON, or null when it has no such form.</summary>
    protected internal virtual JsonNode? ToJson() => null;
}
