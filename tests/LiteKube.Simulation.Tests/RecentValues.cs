namespace LiteKube.Simulation.Tests;

/// <summary>
/// What a number of an object's spec was of late. A controller may act on what it last heard, so its limits follow
/// from every value that it can still believe in: for longer than a lost watch takes to come back.
/// </summary>
internal sealed class RecentValues(TimeProvider time, int value)
{
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);
    private readonly List<(DateTimeOffset Until, int Value)> _former = [];

    public int Current { get; private set; } = value;

    public void Set(int value)
    {
        _former.Add((time.GetUtcNow() + Memory, Current));
        Current = value;
    }

    public int Greatest => Math.Max(Current, Former().DefaultIfEmpty(Current).Max());

    public int Least => Math.Min(Current, Former().DefaultIfEmpty(Current).Min());

    private IEnumerable<int> Former() => _former.Where(f => f.Until > time.GetUtcNow()).Select(f => f.Value);
}
