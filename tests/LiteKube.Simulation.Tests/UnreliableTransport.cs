using System.Runtime.CompilerServices;
using LiteKube.Client;
using LiteKube.Testing;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// What stands between one life of the controllers and the server: requests fail before or after they had their
/// effect, watches lag, and once the life is over nothing comes back any more, as after kill -9.
/// </summary>
internal sealed class UnreliableTransport(InMemoryKube server, Faults faults, Action<string> trace) : IKubeTransport
{
    private readonly TaskCompletionSource _never = new();
    private readonly CancellationTokenSource _death = new();

    /// <summary>Writes that had their effect although their writer was told that they failed.</summary>
    public int LostAnswers { get; private set; }

    /// <summary>Ends the life: what is on its way to the server does not arrive, and nothing comes back.</summary>
    public void Kill() => _death.Cancel();

    public async Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        await LagAsync();
        var isWrite = request.Method != "GET";
        if (faults.Happens(faults.RequestFails))
        {
            trace($"fails: {request.Method} {request.PathAndQuery}");
            if (faults.Happens(0.5))
                throw new IOException("the connection was refused");
            return InMemoryKube.Failure(500, "InternalError", "the simulation had it fail");
        }
        KubeResponse response;
        try
        {
            response = await server.SendAsync(request, _death.Token);
        }
        catch (OperationCanceledException) when (_death.IsCancellationRequested)
        {
            await _never.Task;
            throw;
        }
        if (isWrite && response.StatusCode < 300 && faults.Happens(faults.AnswerIsLost))
        {
            LostAnswers++;
            trace($"answer lost: {request.Method} {request.PathAndQuery}");
            throw new IOException("the connection was lost");
        }
        await LagAsync();
        return response;
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await LagAsync();
        if (faults.Happens(faults.RequestFails))
            throw new IOException("the connection was refused");
        await foreach (var line in server.WatchAsync(request, cancellationToken))
        {
            for (var lag = faults.WatchLag(); lag > 0; lag--)
                await LagAsync();
            yield return line;
        }
    }

    private async Task LagAsync()
    {
        await Task.Yield();
        if (_death.IsCancellationRequested)
            await _never.Task;
    }
}

/// <summary>How often what goes wrong. Switched off, everything works.</summary>
internal sealed class Faults(Random random)
{
    public bool AreOn { get; set; } = true;
    public double RequestFails { get; init; } = 0.03;
    public double AnswerIsLost { get; init; } = 0.02;

    /// <summary>Turns of the thread for which an event of a watch is held back, at most.</summary>
    public int MaxWatchLag { get; init; } = 12;

    public bool Happens(double probability) => AreOn && random.NextDouble() < probability;

    public int WatchLag() => AreOn ? random.Next(MaxWatchLag + 1) : 0;
}
