namespace LiteKube.Simulation.Tests;

/// <summary>
/// All asynchronous work of a simulation, on one thread: what is ready to go on waits here, and chance picks which one
/// does. Each flow has at most one step waiting, so its own order holds while those of different flows mix in every way.
/// </summary>
internal sealed class SimulatedThread(Random random) : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Step, object? State)> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public bool IsIdle => _ready.Count == 0;

    public override void Post(SendOrPostCallback d, object? state)
    {
        // Work that left the thread would come back at a time that no seed repeats.
        if (Environment.CurrentManagedThreadId != _thread)
            Environment.FailFast($"a step of the simulation was continued on another thread:\n{Environment.StackTrace}");
        _ready.Add((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing in a simulation waits for another step.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Lets one of the waiting steps run; false when none waits.</summary>
    public bool RunOne()
    {
        if (_ready.Count == 0)
            return false;
        var index = random.Next(_ready.Count);
        var (step, state) = _ready[index];
        _ready[index] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        step(state);
        return true;
    }
}
