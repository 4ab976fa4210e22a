namespace LiteKube.ApiServer.Watch;

/// <summary>
/// How often the frames of one watcher leave. An event after a pause leaves at once; those of a burst wait for one
/// another, the longer the more watchers are busy: every flush is a TLS record, a packet and a wake of the client. One
/// busy watcher is written to every three milliseconds, ten every nine, fifty every twenty. For all watches of a server together.
/// </summary>
internal sealed class WatchPace(TimeProvider clock)
{
    private const double WindowMilliseconds = 25;

    /// <summary>With k watchers that flush whenever they may, the gap settles at the root of this times k.</summary>
    private const double SquaredGapOfOne = WindowMilliseconds / 3;

    private readonly long _windowTicks = (long)(WindowMilliseconds / 1000 * clock.TimestampFrequency);
    private readonly Lock _lock = new();
    private long _window;
    private int _flushes;
    private double _gapMilliseconds;

    /// <summary>The least time between two flushes of one watcher, from what all did in the last full window.</summary>
    public TimeSpan Gap
    {
        get
        {
            lock (_lock)
            {
                Turn();
                return TimeSpan.FromMilliseconds(_gapMilliseconds);
            }
        }
    }

    /// <summary>A watcher's frames have left.</summary>
    public void Flushed()
    {
        lock (_lock)
        {
            Turn();
            _flushes++;
        }
    }

    private void Turn()
    {
        var window = clock.GetTimestamp() / _windowTicks;
        if (window == _window) return;
        // As many flushes with that gap between those of one watcher: so many watchers are busy.
        var busy = window == _window + 1 ? _flushes * Math.Max(_gapMilliseconds, 1) / WindowMilliseconds : 0;
        _gapMilliseconds = Math.Min(Math.Sqrt(busy * SquaredGapOfOne), WindowMilliseconds);
        _flushes = 0;
        _window = window;
    }
}
