namespace LiteKube.Storage.Watch;

/// <summary>One event, boxed so that readers take it with one atomic read.</summary>
internal sealed class LogEvent(in StoreEvent storeEvent)
{
    public StoreEvent Event { get; } = storeEvent;
}

/// <summary>
/// The newest events, shared by all readers. The writer alone appends and trims; a reader that asks for an event gets
/// it or learns that it is no longer here. Each slot proves itself by its revision, so readers take no lock.
/// </summary>
internal sealed class EventRing
{
    private const int EventOverheadBytes = 160;

    private readonly int _maxEvents;
    private readonly long _maxBytes;
    private LogEvent?[] _slots = new LogEvent?[256];
    private long _first;
    private long _next;
    private long _bytes;

    public EventRing(long afterRevision, int maxEvents, long maxBytes)
    {
        _first = _next = afterRevision + 1;
        _maxEvents = Math.Max(1, maxEvents);
        _maxBytes = maxBytes;
    }

    /// <summary>The oldest revision that is here (or the next one, when none is).</summary>
    public long First => Volatile.Read(ref _first);

    public LogEvent? Find(long revision)
    {
        var slots = Volatile.Read(ref _slots);
        var found = Volatile.Read(ref slots[revision & (slots.Length - 1)]);
        return found is not null && found.Event.Revision == revision ? found : null;
    }

    /// <summary>Adds the next event, letting go the oldest when there are too many.</summary>
    public void Append(in StoreEvent storeEvent)
    {
        Invariant.That(storeEvent.Revision == _next, "revisions are dense");
        if (_next - _first == _slots.Length)
            Grow();
        Volatile.Write(ref _slots[_next & (_slots.Length - 1)], new LogEvent(storeEvent));
        _next++;
        _bytes += Cost(storeEvent);
        while (_next - _first > _maxEvents || (_bytes > _maxBytes && _next > _first))
            DropFirst();
    }

    public void DropThrough(long revision)
    {
        while (_first <= revision && _first < _next)
            DropFirst();
    }

    private void DropFirst()
    {
        ref var slot = ref _slots[_first & (_slots.Length - 1)];
        _bytes -= Cost(slot!.Event);
        Volatile.Write(ref slot, null);
        Volatile.Write(ref _first, _first + 1);
    }

    private void Grow()
    {
        var grown = new LogEvent?[_slots.Length * 2];
        for (var revision = _first; revision < _next; revision++)
            grown[revision & (grown.Length - 1)] = _slots[revision & (_slots.Length - 1)];
        Volatile.Write(ref _slots, grown);
    }

    // What an event alone keeps alive is the value it superseded; its own value is current, or the next event's previous one.
    private static long Cost(in StoreEvent storeEvent) =>
        EventOverheadBytes
        + (storeEvent.Previous?.Bytes.Length ?? 0)
        + (storeEvent.Type == StoreEventType.Delete && !storeEvent.Value.Bytes.Equals(storeEvent.Previous!.Bytes) ? storeEvent.Value.Bytes.Length : 0);
}
