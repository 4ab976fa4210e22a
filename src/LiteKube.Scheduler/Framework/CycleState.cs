namespace LiteKube.Scheduler.Framework;

/// <summary>State that a plugin changes when it is asked "what if": each branch of the question gets a copy.</summary>
public interface ICopiedState
{
    object Copy();
}

/// <summary>What plugins remember of one pod from one extension point to the next. One attempt, one thread at a time.</summary>
public sealed class CycleState
{
    private readonly List<(Type Type, object Value)> _values = new(4);

    public CycleState() { }

    private CycleState(CycleState other)
    {
        foreach (var (type, value) in other._values)
            _values.Add((type, value is ICopiedState copied ? copied.Copy() : value));
        SkippedFilters = other.SkippedFilters;
        SkippedScores = other.SkippedScores;
        Filters = other.Filters;
    }

    /// <summary>Plugins whose PreFilter had nothing to do.</summary>
    internal HashSet<string> SkippedFilters { get; } = new(StringComparer.Ordinal);

    /// <summary>The filters that are left, once PreFilter has run: they are gone through for every node.</summary>
    internal IFilterPlugin[]? Filters { get; set; }

    internal HashSet<string> SkippedScores { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the times of single plugins are measured in this cycle: of one in ten, for measuring costs.</summary>
    internal bool IsMeasured { get; init; }

    /// <summary>Each plugin keeps its state under a type of its own.</summary>
    public void Set<T>(T value) where T : class
    {
        for (var i = 0; i < _values.Count; i++)
        {
            if (_values[i].Type == typeof(T))
            {
                _values[i] = (typeof(T), value);
                return;
            }
        }
        _values.Add((typeof(T), value));
    }

    public T? Find<T>() where T : class
    {
        // A handful of entries: a scan beats hashing.
        foreach (var (type, value) in _values)
        {
            if (type == typeof(T))
                return (T)value;
        }
        return null;
    }

    public T Get<T>() where T : class => Find<T>() ?? throw new InvalidOperationException($"{typeof(T).Name} was not written before it was read");

    /// <summary>For "what if" questions, after which this one is as before.</summary>
    public CycleState Copy() => new(this);
}
