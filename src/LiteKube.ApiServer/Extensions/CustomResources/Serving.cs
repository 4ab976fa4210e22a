using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>What one CRD brings to the table of resources, until it changes.</summary>
internal sealed class Serving(Definition definition, IReadOnlyList<ServedResource> served, ServedResource stored, CancellationTokenSource life) : IDisposable
{
    private CancellationTokenSource? _life = life;

    public static IDisposable Nothing { get; } = new None();

    public Definition Definition => definition;
    public IReadOnlyList<ServedResource> Served => served;

    /// <summary>In the version that is stored.</summary>
    public ServedResource Stored => stored;

    /// <summary>Hands the watches over to what takes this one's place.</summary>
    public CancellationTokenSource TakeLife() => Interlocked.Exchange(ref _life, null) ?? throw new InvalidOperationException("It was taken before.");

    /// <summary>Ends the watches.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _life, null) is not { } life) return;
        // Not disposed: watches that just open still link to its token; without a timer it holds nothing.
        life.Cancel();
    }

    private sealed class None : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
