using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Testing;

namespace LiteKube.Simulation.Tests;

/// <summary>What a simulation is about: the controllers under test, the users and nodes around them, and what must hold.</summary>
internal abstract class Scenario
{
    protected const string Ns = "default";

    protected Simulation Simulation { get; private set; } = null!;
    protected PodWorld World { get; private set; } = null!;
    protected InMemoryKube Kube => Simulation.Kube;
    protected Random Random => Simulation.Random;
    protected DateTimeOffset Now => Simulation.Time.GetUtcNow();

    public void Begin(Simulation simulation)
    {
        (Simulation, World) = (simulation, new PodWorld(simulation));
        SetUp();
    }

    /// <summary>Longer than expectations wait (5 minutes) and than the longest back-off that a history leads to.</summary>
    public virtual TimeSpan SettlingTime => TimeSpan.FromMinutes(40);

    /// <summary>The controllers of one life of the program.</summary>
    public abstract IEnumerable<IComponent> Controllers(Life life);

    /// <summary>The objects with which it begins.</summary>
    protected abstract void SetUp();

    /// <summary>One thing that a user, a scheduler or a kubelet does.</summary>
    public abstract void Act();

    /// <summary>Once the users are done: one round of what nodes go on doing (start pods, end those that terminate); false when there was nothing to do.</summary>
    public virtual bool Serve() => World.AdvanceAll();

    /// <summary>What holds after every write of a controller, whatever went wrong.</summary>
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
        Simulation.Trace($"world writes {typeof(T).Name} {value.Metadata.Name}");
        return Kube.Seed(value);
    }

    /// <summary>Writes a changed spec, as a user does: it is of a new generation.</summary>
    protected T Change<T>(T current, Action<T> change) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var changed = KubeJson.Clone(current);
        change(changed);
        changed.Metadata.Generation++;
        return Write(changed);
    }

    protected void Delete<T>(T value, string? propagationPolicy = null) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        Simulation.Trace($"world deletes {typeof(T).Name} {value.Metadata.Name} {propagationPolicy}");
        Kube.Remove<T>(value.Metadata.NamespaceProperty, value.Metadata.Name, null, propagationPolicy);
    }

    protected T? Pick<T>(IReadOnlyList<T> from) where T : class => from.Count == 0 ? null : from[Random.Next(from.Count)];

    protected RecentValues Recent(int value) => new(Simulation.Time, value);

    protected static V1ObjectMeta Named(string name, string? uid = null) => new() { Name = name, NamespaceProperty = Ns, Uid = uid };

    /// <summary>Pods of one container, whose image tells templates apart.</summary>
    protected static V1PodTemplateSpec Template(IDictionary<string, string> labels, string image = "v1") =>
        new() { Metadata = new() { Labels = labels }, Spec = new() { Containers = [new() { Name = "c", Image = image }] } };

    /// <summary>A pod that no controller made.</summary>
    protected V1Pod NewPod(string name, IDictionary<string, string> labels) =>
        Write(new V1Pod { Metadata = new() { Name = name, NamespaceProperty = Ns, Labels = labels }, Spec = Template(labels).Spec });
}

internal sealed class InvariantException(string message) : Exception(message);
