using System.Text.Json.Nodes;
using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel;

/// <summary>A list; adapters over foreign data give their elements lazily.</summary>
public abstract class CelList
{
    public abstract int Count { get; }

    /// <summary>The element at a position that must be in range. It may be an error when the data does not fit its schema.</summary>
    public abstract CelValue this[int index] { get; }

    /// <summary>Concatenation; lists that are sets or keyed by a property merge instead.</summary>
    public virtual CelValue Add(CelList other)
    {
        if (Count == 0)
            return CelValue.List(other);
        if (other.Count == 0)
            return CelValue.List(this);
        WorkLimit.Spend((long)Count + other.Count);
        var items = new CelValue[Count + other.Count];
        for (var i = 0; i < Count; i++)
            items[i] = this[i];
        for (var i = 0; i < other.Count; i++)
            items[Count + i] = other[i];
        return CelValue.List(new ArrayCelList(items));
    }

    public virtual bool EqualTo(CelList other)
    {
        if (Count != other.Count)
            return false;
        WorkLimit.Spend(Count);
        for (var i = 0; i < Count; i++)
        {
            if (!ValueEquality.AreEqual(this[i], other[i]))
                return false;
        }
        return true;
    }

    public virtual bool Contains(in CelValue value)
    {
        WorkLimit.Spend(Count);
        for (var i = 0; i < Count; i++)
        {
            if (ValueEquality.AreEqual(this[i], value))
                return true;
        }
        return false;
    }

    /// <summary>The list as JSON, or null to have it built from the elements.</summary>
    protected internal virtual JsonNode? ToJson() => null;
}

/// <summary>A list of values that an expression made.</summary>
internal sealed class ArrayCelList(CelValue[] items) : CelList
{
    public static readonly ArrayCelList Empty = new([]);

    public override int Count => items.Length;

    public override CelValue this[int index] => items[index];
}

/// <summary>The accumulator of map() and filter(): appended to in place, since nothing but the step of its comprehension sees it.</summary>
internal sealed class ListBuilder : CelList
{
    private readonly List<CelValue> _items = [];

    public override int Count => _items.Count;

    public override CelValue this[int index] => _items[index];

    public void Append(CelList other)
    {
        WorkLimit.Spend(other.Count);
        for (var i = 0; i < other.Count; i++)
            _items.Add(other[i]);
    }

    public CelValue Build() => CelValue.List(new ArrayCelList([.. _items]));
}
