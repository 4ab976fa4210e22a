using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Client.Queues;
using LiteKube.Testing;

namespace LiteKube.Simulation.Tests;

/// <summary>What a simulation is about: the controllers under test, the users and nodes around them, and what must hold.</summary>
internal abstract class Scenario
{
    protected Simulation Simulation { get; private set; } = null!;
    protected InMemoryKube Kube => Simulation.Kube;
    protected Random Random => Simulation.Random;

    public void Begin(Simulation simulation)
    {
        Simulation = simulation;
        SetUp();
    }

    /// <summary>The controllers of one life of the program.</summary>
    public abstract IEnumerable<ControllerRunner> CreateControllers(IKubeClient client, ISharedInformers informers, IEventRecorder events, TimeProvider time);

    /// <summary>The objects with which it begins.</summary>
    protected abstract void SetUp();

    /// <summary>One thing that a user, a scheduler or a kubelet does.</summary>
    public abstract void Act();

    /// <summary>Once the users are done: one round of what nodes go on doing (start pods, end those that terminate); false when there was nothing to do.</summary>
    public abstract bool Serve();

    /// <summary>What holds after every write, whatever went wrong.</summary>
    /// <exception cref="InvariantException">It does not.</exception>
    public abstract void CheckAlways();

    /// <summary>What everything came to, once nothing went wrong any more.</summary>
    /// <exception cref="InvariantException">It did not.</exception>
    public abstract void CheckSettled();

    protected static void Require(bool holds, string what)
    {
        if (!holds)
            throw new InvariantException(what);
    }

    /// <summary>Stores the object as another client's write: it bypasses the faults.</summary>
    protected T Write<T>(T value) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        Simulation.Trace($"world writes {value.Kind} {value.Metadata.Name}");
        return Kube.Seed(value);
    }

    protected T? Pick<T>(IReadOnlyList<T> from) where T : class => from.Count == 0 ? null : from[Random.Next(from.Count)];
}

internal sealed class InvariantException(string message) : Exception(message);
