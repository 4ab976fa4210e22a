using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Namespaces;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Namespaces that are filled, deleted and made anew: their pods end before anything that pods may need, nothing is
/// left behind, and what is in a living namespace stays. One of them holds something that never goes.
/// </summary>
internal sealed class NamespaceScenario : Scenario
{
    private const string Hold = "example.com/hold";
    private const string Stuck = "stuck";
    private static readonly string[] Names = ["a", "b", Stuck];

    /// <summary>What is there after the last write of anybody, by uid.</summary>
    private Dictionary<string, IKubernetesObject<V1ObjectMeta>> _before = [];
    private int _made;

    /// <summary>What is stuck is looked at every ten seconds.</summary>
    public override TimeSpan SettlingTime => TimeSpan.FromMinutes(10);

    public override IEnumerable<IComponent> Controllers(Life life) => [new NamespaceController(life.Client, life.Informers, life.Time).CreateRunner(life.Loggers)];

    protected override void SetUp()
    {
        Kube.Serve<V1Pod>().Serve<V1ConfigMap>().Serve<V1Secret>().Serve<V1ReplicaSet>().Serve<V1Namespace>(namespaced: false).Serve<V1Node>(namespaced: false);
        foreach (var name in Names)
            MakeNamespace(name);
        Write(new V1Secret { Metadata = new() { Name = "held", NamespaceProperty = Stuck, Finalizers = [Hold] } });
        Write(new V1Node { Metadata = new() { Name = "node-1" } });
        Remember();
    }

    public override void Act()
    {
        var ns = Pick(Names)!;
        var found = Kube.Find<V1Namespace>(null, ns);
        switch (Random.Next(14))
        {
            case 0 or 1 when found is { Metadata.DeletionTimestamp: null }:
                Delete(found);
                break;
            case < 4 when found is null:
                MakeNamespace(ns);
                break;
            // Nothing new is admitted to a namespace that is being deleted.
            case < 8 when found is { Metadata.DeletionTimestamp: null }:
                MakeContent(ns);
                break;
            case < 10:
                Release(Pick(Held()));
                break;
            default:
                if (Pick(Pods()) is { } pod)
                    World.Advance(pod);
                break;
        }
        Remember();
    }

    public override bool Serve()
    {
        var held = Held().FirstOrDefault();
        Release(held);
        var any = held is not null;
        foreach (var pod in Pods())
            any |= World.Advance(pod);
        // In the end all but one are deleted.
        foreach (var ns in Kube.All<V1Namespace>().Where(n => n.Metadata.DeletionTimestamp is null && n.Metadata.Name != "b"))
        {
            any = true;
            Delete(ns);
        }
        Remember();
        return any;
    }

    public override void CheckAlways()
    {
        var now = Content().ToDictionary(o => o.Metadata.Uid);
        foreach (var old in _before.Values.Where(o => o.Metadata.DeletionTimestamp is null))
        {
            if (now.GetValueOrDefault(old.Metadata.Uid) is { Metadata.DeletionTimestamp: null })
                continue;
            var (name, ns) = (old.Metadata.Name, old.Metadata.NamespaceProperty);
            Require(Kube.Find<V1Namespace>(null, ns)?.Metadata.DeletionTimestamp is not null, $"{name} was deleted and its namespace {ns} is not");
            Require(old is V1Pod || !Pods().Any(p => p.Metadata.NamespaceProperty == ns), $"{name} was deleted while {ns} has pods");
        }
        foreach (var left in now.Values)
            Require(Kube.Find<V1Namespace>(null, left.Metadata.NamespaceProperty) is not null, $"{left.Metadata.Name} is left of namespace {left.Metadata.NamespaceProperty}, which is gone");
        Remember();
    }

    public override void CheckSettled()
    {
        Require(Kube.Find<V1Namespace>(null, "a") is null, "namespace a does not go");
        Require(Kube.Find<V1Namespace>(null, "b") is not { Metadata.DeletionTimestamp: not null }, "namespace b does not go");
        Require(Kube.Find<V1Node>(null, "node-1") is not null, "a node was deleted, which is in no namespace");
        var stuck = Kube.Find<V1Namespace>(null, Stuck);
        Require(stuck is not null, "the namespace went whose content is held");
        var conditions = (stuck!.Status.Conditions ?? []).ToDictionary(c => c.Type, c => $"{c.Status} {c.Reason} {c.Message}");
        Require(stuck.Status.Phase == "Terminating", "the stuck namespace is not Terminating");
        RequireCondition("NamespaceContentRemaining", "True SomeResourcesRemain Some resources are remaining: secrets. has 1 resource instances");
        RequireCondition("NamespaceFinalizersRemaining", $"True SomeFinalizersRemain Some content in the namespace has finalizers remaining: {Hold} in 1 resource instances");
        RequireCondition("NamespaceDeletionContentFailure", "False ContentDeleted All content successfully deleted, may be waiting on finalization");
        RequireCondition("NamespaceDeletionDiscoveryFailure", "False ResourcesDiscovered All resources successfully discovered");

        void RequireCondition(string type, string wanted) => Require(conditions.GetValueOrDefault(type) == wanted, $"{type} is: {conditions.GetValueOrDefault(type)}");
    }

    private void MakeNamespace(string name) =>
        Write(new V1Namespace { Metadata = new() { Name = name }, Spec = new() { Finalizers = ["kubernetes"] }, Status = new() { Phase = "Active" } });

    private void MakeContent(string ns)
    {
        var metadata = new V1ObjectMeta { Name = $"object-{++_made}", NamespaceProperty = ns, Finalizers = Random.Next(5) == 0 ? [Hold] : null };
        switch (Random.Next(4))
        {
            case 0: Write(new V1ConfigMap { Metadata = metadata }); break;
            case 1: Write(new V1Secret { Metadata = metadata }); break;
            case 2: Write(new V1ReplicaSet { Metadata = metadata }); break;
            default: Write(new V1Pod { Metadata = metadata, Spec = Template(new Dictionary<string, string>()).Spec }); break;
        }
    }

    private void Release(IKubernetesObject<V1ObjectMeta>? value)
    {
        if (value is null)
            return;
        value.Metadata.Finalizers = null;
        switch (value)
        {
            case V1Pod pod: Release(pod); break;
            case V1ConfigMap map: Release(map); break;
            case V1Secret secret: Release(secret); break;
            case V1ReplicaSet set: Release(set); break;
        }

        // The last finalizer takes what was deleted with it; a pod that runs has its grace yet.
        void Release<T>(T released) where T : class, IKubernetesObject<V1ObjectMeta>
        {
            Write(released);
            if (released.Metadata.DeletionTimestamp is not null)
                Delete(released);
        }
    }

    private void Remember() => _before = Content().ToDictionary(o => o.Metadata.Uid);

    private IReadOnlyList<V1Pod> Pods() => Kube.All<V1Pod>();

    private List<IKubernetesObject<V1ObjectMeta>> Held() => [.. Content().Where(o => o.Metadata.Finalizers is { Count: > 0 } && o.Metadata.Name != "held")];

    private IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Content() => [.. Pods(), .. Kube.All<V1ConfigMap>(), .. Kube.All<V1Secret>(), .. Kube.All<V1ReplicaSet>()];
}
