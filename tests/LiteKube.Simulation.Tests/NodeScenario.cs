using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.NodeLifecycle;
using LiteKube.Controllers.PodGarbageCollection;
using LiteKube.Controllers.TaintEviction;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Nodes that fall silent, come back, are tainted, deleted and registered anew, with pods that bear it for ever, for a
/// minute or not at all: none is evicted before its time, and none is left on a node that is gone.
/// </summary>
internal sealed class NodeScenario : Scenario
{
    private const int Nodes = 3;
    private const int MaxPods = 10;
    private const int TolerationSeconds = 60;
    private const string Maintenance = "example.com/maintenance";
    private const string Unreachable = "node.kubernetes.io/unreachable";
    private static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(10);

    /// <summary>For so long a controller may not know that a taint is gone, or a node back.</summary>
    private static readonly TimeSpan Noticed = TimeSpan.FromMinutes(3);

    private readonly HashSet<string> _silent = [];
    private readonly Dictionary<(string Node, string Taint), (DateTimeOffset Since, DateTimeOffset Last)> _tainted = [];
    private readonly Dictionary<string, (DateTimeOffset Since, DateTimeOffset Last)> _missing = [];
    private Dictionary<string, V1Pod> _before = [];
    private DateTimeOffset _lastBeat;
    private int _made;

    /// <summary>Longer than any toleration and grace together; more would only be heartbeats.</summary>
    public override TimeSpan SettlingTime => TimeSpan.FromMinutes(10);

    public override IEnumerable<IComponent> Controllers(Life life) =>
    [
        new NodeLifecycleController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers),
        new TaintEvictionController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers),
        new PodGarbageCollector(life.Client, life.Informers, life.Time).CreateRunner(life.Loggers),
    ];

    protected override void SetUp()
    {
        for (var i = 0; i < Nodes; i++)
            Register($"node-{i}");
        Remember();
    }

    public override void Act()
    {
        var name = $"node-{Random.Next(Nodes)}";
        var node = Kube.Find<V1Node>(null, name);
        var pod = Pick(World.Pods);
        switch (Random.Next(40))
        {
            case 0 or 1 when _silent.Add(name):
                Simulation.Trace($"{name} falls silent");
                break;
            case 2 when _silent.Remove(name):
                Simulation.Trace($"{name} is heard again");
                break;
            case 3 when node is not null && _silent.Contains(name):
                Delete(node);
                // That it was back in between may have gone unnoticed.
                _missing.TryAdd(name, (Now, Now));
                break;
            case 4 or 5 when node is null:
                _silent.Remove(name);
                Register(name);
                break;
            case 6 when node is not null:
                Change(node, n => n.Spec.Taints = IsTainted(n, Maintenance)
                    ? [.. n.Spec.Taints.Where(t => t.Key != Maintenance)]
                    : [.. n.Spec.Taints ?? [], new() { Key = Maintenance, Effect = "NoExecute" }]);
                break;
            case < 14 when node is not null && World.Pods.Count < MaxPods:
                MakePod(name);
                break;
            case 14 when pod is not null:
                World.Delete(pod);
                break;
            default:
                if (pod is not null)
                    Advance(pod);
                break;
        }
        Heartbeat();
        Remember();
    }

    public override bool Serve()
    {
        Heartbeat();
        var any = false;
        foreach (var pod in World.Pods)
            any |= Advance(pod);
        Remember();
        return any;
    }

    public override void CheckAlways()
    {
        var now = World.Pods.ToDictionary(p => p.Metadata.Uid);
        foreach (var old in _before.Values)
        {
            var next = now.GetValueOrDefault(old.Metadata.Uid);
            var isTerminating = old.Metadata.DeletionTimestamp is not null;
            // What has ended needs no kubelet any more to go.
            if (next is null && (isTerminating || old.IsUnfinished()))
                Require(IsAbandoned(old.Spec.NodeName) || !old.IsUnfinished(), $"{old.Metadata.Name} was removed and its node {old.Spec.NodeName} is there");
            else if (!isTerminating && (next is null || next.Metadata.DeletionTimestamp is not null))
                Require(IsAbandoned(old.Spec.NodeName) || _tainted.Any(t => t.Key.Node == old.Spec.NodeName && StayOf(old, t.Key.Taint) is { } stay && Now - t.Value.Since >= stay), $"{old.Metadata.Name} was evicted before its time");
        }
        Remember();
    }

    public override void CheckSettled()
    {
        var isAnyHeard = Kube.All<V1Node>().Any(n => !_silent.Contains(n.Metadata.Name));
        foreach (var node in Kube.All<V1Node>())
        {
            var name = node.Metadata.Name;
            var isHeard = !_silent.Contains(name);
            var ready = node.Status.Conditions.Single(c => c.Type == "Ready").Status;
            Require(ready == (isHeard ? "True" : "Unknown"), $"{name} is said to be {ready} and is {(isHeard ? "heard" : "silent")}");
            Require(HasTaint(node, "NoSchedule") == !isHeard, $"{name} is not tainted as it stands");
            Require(HasTaint(node, "NoExecute") == (!isHeard && isAnyHeard), $"{name} does not send its pods away as it should");
        }
        foreach (var pod in World.Pods)
        {
            var node = Kube.Find<V1Node>(null, pod.Spec.NodeName);
            Require(node is not null, $"{pod.Metadata.Name} is left of node {pod.Spec.NodeName}, which is gone");
            var mustGo = (node!.Spec.Taints ?? []).Any(t => t.Effect == "NoExecute" && StayOf(pod, t.Key) is not null);
            Require(!mustGo || pod.Metadata.DeletionTimestamp is not null, $"{pod.Metadata.Name} stays on {pod.Spec.NodeName} in spite of its taints");
            Require(!mustGo || _silent.Contains(pod.Spec.NodeName), $"{pod.Metadata.Name} was evicted and its kubelet does not end it");
        }

        static bool HasTaint(V1Node node, string effect) => node.Spec.Taints?.Any(t => t.Key == Unreachable && t.Effect == effect) == true;
    }

    /// <summary>Null for as long as it likes.</summary>
    private static TimeSpan? StayOf(V1Pod pod, string taint) =>
        pod.Spec.Tolerations?.FirstOrDefault(t => t.Key == taint) is not { } toleration ? TimeSpan.Zero
            : toleration.TolerationSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static bool IsTainted(V1Node node, string key) => node.Spec.Taints?.Any(t => t.Key == key) == true;

    private bool IsAbandoned(string node) => _missing.TryGetValue(node, out var missing) && missing.Last - missing.Since >= Quarantine;

    private void MakePod(string node)
    {
        List<V1Toleration>? tolerations = Random.Next(3) switch
        {
            0 => null,
            1 => [new() { Key = Unreachable, OperatorProperty = "Exists", TolerationSeconds = TolerationSeconds }, new() { Key = Maintenance, OperatorProperty = "Exists", TolerationSeconds = TolerationSeconds }],
            _ => [new() { Key = Unreachable, OperatorProperty = "Exists" }, new() { Key = Maintenance, OperatorProperty = "Exists" }],
        };
        var pod = NewPod($"pod-{++_made}", new Dictionary<string, string>());
        World.Change(pod, p => (p.Spec.NodeName, p.Spec.Tolerations) = (node, tolerations));
    }

    private void Register(string name)
    {
        Write(new V1Node { Metadata = new() { Name = name }, Spec = new(), Status = new() { Conditions = [Ready()] } });
        Renew(name);
    }

    private V1NodeCondition Ready() => new() { Type = "Ready", Status = "True", LastHeartbeatTime = Now.UtcDateTime, LastTransitionTime = Now.UtcDateTime };

    /// <summary>Kubelets that live renew their lease, and say that they are ready where it was doubted.</summary>
    private void Heartbeat()
    {
        if (Now - _lastBeat < Beat)
            return;
        _lastBeat = Now;
        foreach (var node in Kube.All<V1Node>().Where(n => !_silent.Contains(n.Metadata.Name)))
        {
            Renew(node.Metadata.Name);
            if (node.Status.Conditions.Any(c => c.Type == "Ready" && c.Status != "True"))
                Change(node, n => n.Status.Conditions = [Ready()]);
        }
    }

    private void Renew(string name)
    {
        var lease = Kube.Find<V1Lease>("kube-node-lease", name) ?? new V1Lease { Metadata = new() { Name = name, NamespaceProperty = "kube-node-lease" }, Spec = new() };
        lease.Spec.RenewTime = Now.UtcDateTime;
        Write(lease);
    }

    /// <summary>What is on a silent node, or on none any more, has no kubelet.</summary>
    private bool Advance(V1Pod pod) => !_silent.Contains(pod.Spec.NodeName) && Kube.Find<V1Node>(null, pod.Spec.NodeName) is not null && World.Advance(pod);

    private void Remember()
    {
        _before = World.Pods.ToDictionary(p => p.Metadata.Uid);
        foreach (var (name, missing) in _missing.ToList())
        {
            if (Kube.Find<V1Node>(null, name) is null)
                _missing[name] = missing with { Last = Now };
            else if (Now - missing.Last > Noticed)
                _missing.Remove(name);
        }
        foreach (var node in Kube.All<V1Node>())
        {
            foreach (var taint in (node.Spec.Taints ?? []).Where(t => t.Effect == "NoExecute"))
            {
                var key = (node.Metadata.Name, taint.Key);
                var isKnown = _tainted.TryGetValue(key, out var known) && Now - known.Last < Noticed;
                _tainted[key] = (isKnown ? known.Since : Now, Now);
            }
        }
    }
}
