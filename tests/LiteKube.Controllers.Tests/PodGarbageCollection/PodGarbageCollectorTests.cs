using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.PodGarbageCollection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.PodGarbageCollection;

public sealed class PodGarbageCollectorTests : ControllerTest
{
    [Fact]
    public async Task Pods_of_a_node_that_is_gone_fail_and_go_after_a_quarantine()
    {
        Kube.Seed(Build.Pod("a"));
        var collector = new PodGarbageCollector(Kube.Client, Informers, Time);
        await SeenAsync<V1Pod>("default", "a", p => p is not null);
        await Informers.Get<V1Node>().WaitForSyncAsync(default);
        Assert.Equal(TimeSpan.FromSeconds(40), (await collector.ReconcileAsync(new ObjectKey("default", "a"), default)).Requeue);
        Assert.NotNull(Kube.Find<V1Pod>("default", "a"));
        Time.Advance(TimeSpan.FromSeconds(40));
        V1Pod? last = null;
        Kube.Intercept = request =>
        {
            if (request.Method == "DELETE")
                last = Kube.Find<V1Pod>("default", "a");
            return null;
        };
        await collector.ReconcileAsync(new ObjectKey("default", "a"), default);
        Assert.Null(Kube.Find<V1Pod>("default", "a"));
        Assert.Equal("Failed", last!.Status.Phase);
        Assert.Contains(last.Status.Conditions, c => c is { Type: "DisruptionTarget", Reason: "DeletionByPodGC", Message: "PodGC: node no longer exists" });
    }

    [Fact]
    public async Task Each_pod_has_the_whole_quarantine_whenever_a_node_of_that_name_went_missing()
    {
        Kube.Seed(Build.Pod("early"));
        var collector = new PodGarbageCollector(Kube.Client, Informers, Time);
        await SeenAsync<V1Pod>("default", "early", p => p is not null);
        await Informers.Get<V1Node>().WaitForSyncAsync(default);
        await collector.ReconcileAsync(new ObjectKey("default", "early"), default);
        Time.Advance(TimeSpan.FromSeconds(40));
        Kube.Seed(Build.Pod("late"));
        await SeenAsync<V1Pod>("default", "late", p => p is not null);
        Assert.Equal(TimeSpan.FromSeconds(40), (await collector.ReconcileAsync(new ObjectKey("default", "late"), default)).Requeue);
        Assert.NotNull(Kube.Find<V1Pod>("default", "late"));
    }

    [Fact]
    public async Task A_node_that_the_informer_lost_but_the_server_has_keeps_its_pods()
    {
        Kube.Seed(Build.Pod("a"));
        var collector = new PodGarbageCollector(Kube.Client, Informers, Time);
        await SeenAsync<V1Pod>("default", "a", p => p is not null);
        await Informers.Get<V1Node>().WaitForSyncAsync(default);
        await collector.ReconcileAsync(new ObjectKey("default", "a"), default);
        Time.Advance(TimeSpan.FromSeconds(40));
        Kube.Intercept = request => request is { Method: "GET", PathAndQuery: "/api/v1/nodes/node-1" } ? new KubeResponse(200, """{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-1"}}"""u8.ToArray()) : null;
        await collector.ReconcileAsync(new ObjectKey("default", "a"), default);
        Assert.NotNull(Kube.Find<V1Pod>("default", "a"));
    }

    [Fact]
    public async Task Terminating_pods_that_no_kubelet_can_end_go_at_once()
    {
        Kube.Seed(Build.Pod("unscheduled", node: null, terminating: true, phase: "Pending"));
        Kube.Seed(Build.Pod("lost", node: "down", terminating: true));
        Kube.Seed(Build.Pod("waiting", node: "node-1", terminating: true));
        Kube.Seed(Build.Pod("running", node: "down"));
        Kube.Seed(Build.Node("node-1", "True"));
        Kube.Seed(Build.Node("down", "Unknown", Build.Taint("node.kubernetes.io/out-of-service", "NoExecute")));
        await StartAsync(new PodGarbageCollector(Kube.Client, Informers, Time).CreateRunner(NullLoggerFactory.Instance));
        await Kube.WaitForAllAsync<V1Pod>("default", pods => pods.Select(p => p.Metadata.Name).SequenceEqual(["running", "waiting"]), "two pods are left");
    }

    [Fact]
    public async Task Ended_pods_beyond_the_threshold_go_evicted_and_oldest_first()
    {
        for (var i = 0; i < 5; i++)
        {
            var pod = Build.Pod($"p{i}", phase: i % 2 == 0 ? "Succeeded" : "Failed");
            pod.Metadata.CreationTimestamp = Build.Epoch.AddSeconds(i);
            pod.Status.Reason = i == 3 ? "Evicted" : null;
            Kube.Seed(pod);
        }
        Kube.Seed(Build.Pod("running"));
        Kube.Seed(Build.Node("node-1", "True"));
        await StartAsync(new PodGarbageCollector(Kube.Client, Informers, Time, endedThreshold: 3).CreateRunner(NullLoggerFactory.Instance));
        await Kube.WaitForAllAsync<V1Pod>("default", pods => pods.Select(p => p.Metadata.Name).SequenceEqual(["p1", "p2", "p4", "running"]), "the evicted and the oldest are gone");
    }
}
