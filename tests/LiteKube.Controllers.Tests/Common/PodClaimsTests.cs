using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Common;

public sealed class PodClaimsTests : ControllerTest
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web" };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_a_pod_of_the_owner_is_one_of_those_that_it_awaits(bool isOwned)
    {
        var set = Kube.Seed(new V1ReplicaSet
        {
            ApiVersion = "apps/v1",
            Kind = "ReplicaSet",
            Metadata = new() { Name = "web", NamespaceProperty = "default", Uid = "uid-web" },
            Spec = new() { Replicas = 1, Selector = new() { MatchLabels = Labels } },
        });
        await SeenAsync<V1ReplicaSet>("default", "web", s => s is not null);
        var (sets, expectations) = (Informers.Get<V1ReplicaSet>(), new Expectations(Time));
        var claims = new PodClaims<V1ReplicaSet>(Kube.Client, sets, OwnedPods.Get(Informers), "apps/v1", "ReplicaSet", s => LabelSelector.From(s.Spec.Selector));
        claims.Watch(new ControllerRunner("test", new Idle(), NullLoggerFactory.Instance, Time), expectations);
        expectations.ExpectCreations(ObjectKey.Of(set), 1);

        var pod = Build.Pod("one");
        pod.Metadata.Labels = Labels;
        if (isOwned)
            pod.Metadata.OwnerReferences = [Owners.ReferenceTo(set, "apps/v1", "ReplicaSet")];
        Kube.Seed(pod);
        // A handler of later: the ones before it have run when it does.
        await SeenAsync<V1Pod>("default", "one", p => p is not null);

        Assert.Equal(isOwned, expectations.AreMet(ObjectKey.Of(set), out _));
    }

    [Fact]
    public async Task While_many_pods_of_one_owner_change_it_is_looked_at_now_and_then()
    {
        const int Pods = 500;
        var set = Kube.Seed(new V1ReplicaSet
        {
            ApiVersion = "apps/v1",
            Kind = "ReplicaSet",
            Metadata = new() { Name = "web", NamespaceProperty = "default", Uid = "uid-web" },
            Spec = new() { Replicas = Pods, Selector = new() { MatchLabels = Labels } },
        });
        for (var i = 0; i < Pods; i++)
            Kube.Seed(Owned($"pod-{i}", set));
        await SeenAsync<V1ReplicaSet>("default", "web", s => s is not null);
        await SeenAsync<V1Pod>("default", $"pod-{Pods - 1}", p => p is not null);
        var expectations = new Expectations(Time);
        var claims = new PodClaims<V1ReplicaSet>(Kube.Client, Informers.Get<V1ReplicaSet>(), OwnedPods.Get(Informers), "apps/v1", "ReplicaSet", s => LabelSelector.From(s.Spec.Selector));
        var runner = new ControllerRunner("test", new Idle(), NullLoggerFactory.Instance, Time);
        claims.Watch(runner, expectations);
        Time.Advance(TimeSpan.FromSeconds(1));
        while (runner.Queue.TryTake(out var first))
            runner.Queue.Done(first);

        Kube.Seed(Owned("one-more", set));
        await SeenAsync<V1Pod>("default", "one-more", p => p is not null);
        Assert.False(runner.Queue.TryTake(out _));
        Time.Advance(TimeSpan.FromMilliseconds(21));
        Assert.True(runner.Queue.TryTake(out var key));
        runner.Queue.Done(key);

        // What its controller itself waits for ends the pause.
        expectations.ExpectCreations(key, 1);
        Kube.Seed(Owned("awaited", set));
        await SeenAsync<V1Pod>("default", "awaited", p => p is not null);
        Assert.True(runner.Queue.TryTake(out key));
        Assert.Equal(ObjectKey.Of(set), key);
    }

    private static V1Pod Owned(string name, V1ReplicaSet set)
    {
        var pod = Build.Pod(name);
        (pod.Metadata.Labels, pod.Metadata.OwnerReferences) = (Labels, [Owners.ReferenceTo(set, "apps/v1", "ReplicaSet")]);
        return pod;
    }

    private sealed class Idle : IReconciler
    {
        public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken) => Task.FromResult(ReconcileResult.Done);
    }
}
