using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;
using LiteKube.Scheduler.Plugins;
using LiteKube.Scheduler.Preemption;
using LiteKube.Scheduler.Queue;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace LiteKube.Scheduler.Tests;

/// <summary>What one decision costs on a thousand nodes, with every default plugin, without the API server.</summary>
public sealed class ScaleTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Nodes = 1000;
    private readonly InMemoryKube _kube = new();
    private SharedInformers? _informers;

    public async ValueTask DisposeAsync()
    {
        if (_informers is not null)
            await _informers.DisposeAsync();
    }

    /// <summary>
    /// Work, not time: a machine may be busy. A decision must not look at each pod of the cluster, so what it allocates
    /// with thirty pods on each node may be little more than with three.
    /// </summary>
    [Fact]
    public void A_decision_costs_little_more_with_thirty_thousand_pods_than_with_three_thousand()
    {
        _informers = new SharedInformers(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        var cache = new SchedulerCache(TimeProvider.System);
        var snapshot = new Snapshot();
        var nominator = new Nominator();
        var algorithm = new SchedulingAlgorithm(Plugins(snapshot, nominator), new SchedulerProfile(), nominator, seed: 1);
        for (var i = 0; i < Nodes; i++)
        {
            cache.SetNode(Make.Node($"node-{i}", cpu: "32", memory: "256Gi", with: node =>
            {
                node.Metadata.Labels["type"] = "simulated";
                node.Metadata.Labels["topology.kubernetes.io/zone"] = $"zone-{i % 3}";
            }));
        }
        var few = Place(3000);
        Place(24_000);
        var many = Place(3000);
        Assert.True(many.Bytes < few.Bytes * 2, $"{few.Bytes} bytes a pod at first, {many.Bytes} in the end");

        (double Bytes, double Microseconds) Place(int count)
        {
            var pods = Enumerable.Range(0, count).Select(_ => Make.Info(Pod())).ToList();
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            var cpu = Environment.CpuUsage.TotalTime;
            foreach (var pod in pods)
            {
                cache.Update(snapshot);
                var node = algorithm.Schedule(new CycleState(), pod, snapshot, out _);
                cache.Assume(pod, node!);
            }
            var result = ((double)(GC.GetAllocatedBytesForCurrentThread() - bytes) / count, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count);
            output.WriteLine($"{cache.Sizes.Pods} pods: {result.Item1:0} bytes and {result.Item2:0} µs of CPU a pod");
            return result;
        }
    }

    private int _pods;

    private V1Pod Pod() => Make.Pod($"pod-{++_pods}", "100m", "64Mi", pod =>
    {
        pod.Metadata.Labels["app"] = "web";
        pod.Metadata.Labels["pod-template-hash"] = "abc";
        pod.Metadata.OwnerReferences = [new V1OwnerReference { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "web", Controller = true, Uid = "rs" }];
        pod.Spec.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal) { ["type"] = "simulated" };
        pod.Spec.Volumes = [new V1Volume { Name = "token", Projected = new V1ProjectedVolumeSource() }];
        pod.Spec.Tolerations = [new V1Toleration { Key = "node.kubernetes.io/not-ready", OperatorProperty = "Exists", Effect = "NoExecute", TolerationSeconds = 300 }];
    });

    private PluginSet Plugins(Snapshot snapshot, Nominator nominator)
    {
        _kube.Seed(new V1ReplicaSet
        {
            Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default" },
            Spec = new V1ReplicaSetSpec { Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "web", ["pod-template-hash"] = "abc" } } },
        });
        _informers!.Get<V1ReplicaSet>().WaitForSyncAsync(default).Wait(TimeSpan.FromSeconds(20));
        PluginSet? plugins = null;
        var evaluator = new PreemptionEvaluator(new SchedulerProfile(), nominator, () => plugins!, () => []);
        return plugins = new PluginSet(DefaultPlugins.Create(new PluginParts(new SchedulerProfile(), 1, _kube.Client, _informers, TimeProvider.System, () => snapshot, new DefaultPreemption(evaluator, null!, null))));
    }
}
