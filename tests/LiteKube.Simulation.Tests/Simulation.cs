using System.Globalization;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// One random history of a scenario, the same for the same seed: controllers on informers on a server in memory, in
/// time that only the simulation moves. While it lasts watches drop and lag, the history is compacted, requests fail,
/// and the program is killed between any two of its steps. Then nothing fails any more, and all must come right.
/// </summary>
internal sealed class Simulation
{
    private const int Steps = 1200;
    private const int KeptTrace = 120;

    private readonly Queue<string> _trace = new();
    private readonly List<string> _writes = [];
    private readonly Scenario _scenario;
    private readonly SimulatedThread _thread;
    private readonly Faults _faults;
    private readonly int _seed;
    private UnreliableTransport? _transport;
    private Exception? _broken;
    private int _lostBefore;

    private Simulation(Scenario scenario, int seed)
    {
        (_scenario, _seed) = (scenario, seed);
        Random = new Random(seed);
        // In half of the histories a writer can trust what it is told; there the limits hold to the letter.
        _faults = new Faults(Random) { AnswerIsLost = seed % 2 == 0 ? 0 : 0.02 };
        _thread = new SimulatedThread(Random);
        Time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
        Kube = new InMemoryKube(Time);
    }

    public Random Random { get; }
    public FakeTimeProvider Time { get; }
    public InMemoryKube Kube { get; }

    /// <summary>Answers that got lost on their way to any life: each may have led to a write that nobody knows of.</summary>
    public int LostAnswers => _lostBefore + (_transport?.LostAnswers ?? 0);

    /// <exception cref="SimulationFailedException">Names the seed and what happened last.</exception>
    /// <returns>What was written, in order.</returns>
    public static IReadOnlyList<string> Run(Func<Scenario> scenario, int seed)
    {
        var before = SynchronizationContext.Current;
        var simulation = new Simulation(scenario(), seed);
        try
        {
            SynchronizationContext.SetSynchronizationContext(simulation._thread);
            simulation.Play();
            return simulation._writes;
        }
        catch (Exception e) when (e is not SimulationFailedException)
        {
            throw new SimulationFailedException($"seed {seed}: {e.Message}\n{string.Join('\n', simulation._trace)}\n{e}");
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    public void Trace(string what)
    {
        _trace.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{Time.GetUtcNow():HH:mm:ss.fff} {what}"));
        if (_trace.Count > KeptTrace)
            _trace.Dequeue();
    }

    private void Play()
    {
        Kube.Written += OnWritten;
        _scenario.Begin(this);
        Live();
        for (var step = 0; step < Steps; step++)
        {
            if (Random.Next(12) > 0 && _thread.RunOne())
            {
                Check();
                continue;
            }
            Happen();
            Check();
        }
        Settle();
        _scenario.CheckSettled();
    }

    /// <summary>Something from outside: mostly time or a user, at times a fault.</summary>
    private void Happen()
    {
        switch (Random.Next(40))
        {
            case 0:
                Trace("watches drop");
                Kube.DropWatches();
                break;
            case 1:
                Trace("history is compacted, watches drop");
                Kube.Compact();
                Kube.DropWatches();
                break;
            case 2:
                Trace("killed");
                Live();
                break;
            case < 14:
                Time.Advance(TimeSpan.FromMilliseconds(Random.Next(1, Random.Next(4) == 0 ? 60_000 : 2_000)));
                break;
            default:
                _scenario.Act();
                break;
        }
    }

    /// <summary>Begins a new life of the controllers; of one before nothing is heard again.</summary>
    private void Live()
    {
        if (_transport is not null)
        {
            _transport.Kill();
            _lostBefore += _transport.LostAnswers;
        }
        _transport = new UnreliableTransport(Kube, _faults, Trace);
        var client = new KubeClient(_transport);
        var options = new InformerOptions { Spread = Random, Scheduler = TaskScheduler.FromCurrentSynchronizationContext() };
        // Neither stopped nor disposed: a killed program ends nothing in order.
        var informers = new SharedInformers(client, NullLoggerFactory.Instance, Time, options);
        foreach (var controller in _scenario.Controllers(new Life(client, informers, new NoEvents(), Time, Random)))
            controller.StartAsync(CancellationToken.None);
    }

    private void Settle()
    {
        Trace("nothing goes wrong any more");
        _faults.AreOn = false;
        var end = Time.GetUtcNow() + _scenario.SettlingTime;
        while (Time.GetUtcNow() < end)
        {
            for (var turns = 0; _thread.RunOne(); turns++)
            {
                Check();
                if (turns > 200_000)
                    throw new InvariantException("the controllers never come to rest");
            }
            if (!_scenario.Serve())
                Time.Advance(TimeSpan.FromSeconds(5));
            Check();
        }
    }

    private void OnWritten(string method, string path)
    {
        Trace($"{method} {path}");
        _writes.Add($"{method} {path}");
        try
        {
            _scenario.CheckAlways();
        }
        catch (InvariantException e)
        {
            // Not through the code under test, which would take it for an answer of the server.
            _broken ??= e;
        }
    }

    private void Check()
    {
        if (_broken is { } broken)
            throw broken;
    }

    private sealed class NoEvents : IEventRecorder
    {
        public void Record(V1ObjectReference about, string type, string reason, string message)
        {
            // Events have tests of their own.
        }
    }
}

internal sealed class SimulationFailedException(string message) : Exception(message);
