namespace LiteKube.Cel;

/// <summary>The values of an evaluation's variables. Not shared between threads.</summary>
public sealed class CelActivation
{
    internal static readonly CelActivation Empty = new();

    // A handful of variables at most: a scan is faster than a hash.
    private readonly List<Entry> _entries = [];

    private sealed class Entry(string name, CelValue value, Func<CelValue>? compute)
    {
        public string Name => name;

        public CelValue Value = value;

        public Func<CelValue>? Compute = compute;
    }

    public CelActivation Set(string name, CelValue value)
    {
        _entries.RemoveAll(e => e.Name == name);
        _entries.Add(new(name, value, null));
        return this;
    }

    /// <summary>A value that is computed when it is first used, and then kept.</summary>
    public CelActivation SetLazy(string name, Func<CelValue> compute)
    {
        _entries.RemoveAll(e => e.Name == name);
        _entries.Add(new(name, default, compute));
        return this;
    }

    internal bool TryResolve(string name, out CelValue value)
    {
        foreach (var entry in _entries)
        {
            if (!string.Equals(entry.Name, name, StringComparison.Ordinal))
                continue;
            if (entry.Compute is { } compute)
            {
                entry.Value = compute();
                entry.Compute = null;
            }
            value = entry.Value;
            return true;
        }
        value = default;
        return false;
    }
}

/// <summary>A map of fields that are computed when they are first used, such as the <c>variables</c> of a policy.</summary>
public sealed class CelLazyMap : CelMap
{
    private readonly CelActivation _fields = new();
    private readonly List<string> _names = [];

    public override int Count => _names.Count;

    public override IEnumerable<CelValue> Keys => _names.Select(CelValue.String);

    public CelLazyMap Add(string name, Func<CelValue> compute)
    {
        _names.Add(name);
        _fields.SetLazy(name, compute);
        return this;
    }

    public override bool TryGet(in CelValue key, out CelValue value)
    {
        value = default;
        return key.Kind == CelKind.String && _fields.TryResolve(key.AsString, out value);
    }
}
