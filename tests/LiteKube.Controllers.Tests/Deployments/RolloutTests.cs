using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using LiteKube.Controllers.Deployments;
using LiteKube.Controllers.ReplicaSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Deployments;

/// <summary>Deployment and ReplicaSet controllers together, with a kubelet that makes every pod ready.</summary>
public sealed class RolloutTests : ControllerTest
{
    [Fact]
    public async Task A_deployment_rolls_out_updates_and_goes_back()
    {
        await RunAsync();
        await Kube.Client.CreateAsync(Deployment(3, "one"), default);
        await DoneAsync("one", 3, "1");
        var first = Assert.Single(Kube.All<V1ReplicaSet>("default"));
        Assert.StartsWith("web-", first.Metadata.Name, StringComparison.Ordinal);

        var fewest = await WatchingAsync(() => ChangeAsync(d => d.Spec.Template.Spec.Containers[0].Image = "two"), "two", "2");
        Assert.True(fewest >= 3, $"only {fewest} pods were ready during the update");
        Assert.Equal([0, 3], Kube.All<V1ReplicaSet>("default").Select(s => s.Spec.Replicas!.Value).Order());

        // As kubectl rollout undo: the old template, less its hash.
        await ChangeAsync(d =>
        {
            d.Spec.Template = KubeJson.Clone(first.Spec.Template);
            d.Spec.Template.Metadata.Labels.Remove("pod-template-hash");
        });
        var undone = await DoneAsync("one", 3, "3");
        Assert.Equal(2, Kube.All<V1ReplicaSet>("default").Count);
        var back = Kube.Find<V1ReplicaSet>("default", first.Metadata.Name)!;
        Assert.Equal(("3", "1"), (back.Metadata.Annotations["deployment.kubernetes.io/revision"], back.Metadata.Annotations["deployment.kubernetes.io/revision-history"]));
        Assert.Contains(undone.Status.Conditions, c => c is { Type: "Progressing", Status: "True", Reason: "NewReplicaSetAvailable" });
        Assert.Contains(undone.Status.Conditions, c => c is { Type: "Available", Status: "True" });
    }

    [Fact]
    public async Task Scaling_up_and_to_nothing_makes_exactly_as_many_pods()
    {
        await RunAsync();
        await Kube.Client.CreateAsync(Deployment(2, "one"), default);
        await DoneAsync("one", 2, "1");
        await ChangeAsync(d => d.Spec.Replicas = 10);
        await DoneAsync("one", 10, "1");
        await ChangeAsync(d => d.Spec.Replicas = 0);
        await DoneAsync("one", 0, "1");
        Assert.Equal(10, Kube.Requests.Count(r => r == "POST /api/v1/namespaces/default/pods"));
    }

    [Fact]
    public async Task Recreate_starts_no_new_pod_before_the_last_old_one_has_ended()
    {
        await RunAsync();
        var deployment = Deployment(3, "one");
        deployment.Spec.Strategy = new V1DeploymentStrategy { Type = "Recreate" };
        await Kube.Client.CreateAsync(deployment, default);
        await DoneAsync("one", 3, "1");
        var mixed = false;
        using var watch = Informers.Get<V1Pod>().AddHandler(new InformerHandler<V1Pod>(OnAdd: pod =>
            mixed |= pod.Spec.Containers[0].Image == "two" && Informers.Get<V1Pod>().List("default").Any(p => p.Spec.Containers[0].Image == "one")));
        await ChangeAsync(d => d.Spec.Template.Spec.Containers[0].Image = "two");
        await DoneAsync("two", 3, "2");
        Assert.False(mixed, "old and new pods ran together");
    }

    [Fact]
    public async Task Orphans_that_match_are_adopted_and_pods_relabelled_are_let_go_and_replaced()
    {
        await RunAsync();
        await Kube.Client.CreateAsync(Deployment(2, "one"), default);
        await DoneAsync("one", 2, "1");
        var set = Assert.Single(Kube.All<V1ReplicaSet>("default"));
        var pod = Kube.All<V1Pod>("default")[0];
        pod.Metadata.Labels["app"] = "debug";
        await Kube.Client.UpdateAsync(pod, default);
        await Kube.WaitForAllAsync<V1Pod>("default", pods => pods.Count(p => p.Metadata.OwnerReferences?.Count > 0 && p.Metadata.Labels["app"] == "web") == 2, "a replacement");
        await Kube.WaitForAsync<V1Pod>("default", pod.Metadata.Name, p => p!.Metadata.OwnerReferences is not { Count: > 0 }, "the pod is released");
        await SeenAsync<V1Pod>("default", pod.Metadata.Name, p => p!.Metadata.OwnerReferences is not { Count: > 0 });

        pod = Kube.Find<V1Pod>("default", pod.Metadata.Name)!;
        pod.Metadata.Labels["app"] = "web";
        await Kube.Client.UpdateAsync(pod, default);
        await Kube.WaitForAllAsync<V1Pod>("default", pods => pods.Count == 2 && pods.All(p => p.Metadata.OwnerReferences?.SingleOrDefault()?.Uid == set.Metadata.Uid), "the pod is adopted and one too many goes");
    }

    /// <summary>A history of the simulation: the set's controller had lost its watch of pods, and all four were ready by then.</summary>
    [Fact]
    public async Task Pods_that_are_ready_and_not_yet_counted_are_not_taken_for_unhealthy()
    {
        await StartAsync(new DeploymentController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        var deployment = Deployment(4, "one");
        deployment.Spec.Strategy.RollingUpdate = new() { MaxSurge = "2", MaxUnavailable = "1" };
        deployment = await Kube.Client.CreateAsync(deployment, default);
        var old = (await Kube.WaitForAllAsync<V1ReplicaSet>("default", sets => sets.Count == 1, "the set of image one"))[0];
        for (var i = 0; i < 4; i++)
        {
            var pod = Build.Pod($"web-{i}");
            pod.Metadata.OwnerReferences = [Owners.ReferenceTo(old, "apps/v1", "ReplicaSet")];
            Kube.Seed(pod);
        }
        // A rollout that has just begun and is overtaken by the next.
        var second = KubeJson.Clone(old);
        (second.Metadata.Name, second.Metadata.Uid, second.Spec.Replicas) = ("web-second", null, 2);
        second.Metadata.CreationTimestamp = old.Metadata.CreationTimestamp!.Value.AddMinutes(1);
        second.Spec.Template.Spec.Containers[0].Image = "two";
        Kube.Seed(second);
        await SeenAsync<V1ReplicaSet>("default", "web-second", s => s is not null);
        await ChangeAsync(d => d.Spec.Template.Spec.Containers[0].Image = "three");

        var shrunk = await Kube.WaitForAsync<V1ReplicaSet>("default", old.Metadata.Name, s => s!.Spec.Replicas < 4, "the first set gets smaller");
        Assert.Equal(3, shrunk!.Spec.Replicas);
    }

    private async Task RunAsync()
    {
        await StartAsync(new ControllerRunner("kubelet", new Kubelet(Kube.Client, Informers), NullLoggerFactory.Instance, TimeProvider.System, workers: 4).Watch(Informers.Get<V1Pod>()));
        await StartAsync(new ReplicaController<V1ReplicaSet>(new ReplicaSetKind(), Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new DeploymentController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
    }

    /// <returns>The fewest ready pods that were there at any time.</returns>
    private async Task<int> WatchingAsync(Func<Task> change, string image, string revision)
    {
        var fewest = int.MaxValue;
        void Count() => fewest = Math.Min(fewest, Informers.Get<V1Pod>().List("default").Count(p => p.Status?.Conditions?.Any(c => c is { Type: "Ready", Status: "True" }) == true));
        using var watch = Informers.Get<V1Pod>().AddHandler(new InformerHandler<V1Pod>(OnUpdate: (_, _) => Count(), OnDelete: _ => Count()));
        await change();
        await DoneAsync(image, 3, revision);
        return fewest;
    }

    private async Task<V1Deployment> DoneAsync(string image, int replicas, string revision)
    {
        var done = await Kube.WaitForAsync<V1Deployment>("default", "web",
            d => d?.Status is { } s && s.ObservedGeneration == d.Metadata.Generation && (s.UpdatedReplicas ?? 0) == replicas && (s.AvailableReplicas ?? 0) == replicas && (s.Replicas ?? 0) == replicas
                && d.Metadata.Annotations["deployment.kubernetes.io/revision"] == revision && s.Conditions.Any(c => c.Reason == "NewReplicaSetAvailable"),
            $"{replicas} pods of image {image} at revision {revision}");
        await Kube.WaitForAllAsync<V1Pod>("default", pods => pods.Count == replicas && pods.All(p => p.Spec.Containers[0].Image == image), $"just {replicas} pods of image {image}");
        return done!;
    }

    private async Task ChangeAsync(Action<V1Deployment> change)
    {
        while (true)
        {
            var deployment = Kube.Find<V1Deployment>("default", "web")!;
            change(deployment);
            try
            {
                await Kube.Client.UpdateAsync(deployment, default);
                return;
            }
            catch (KubeApiException e) when (e.IsConflict)
            {
                continue;
            }
        }
    }

    private static V1Deployment Deployment(int replicas, string image) => new()
    {
        ApiVersion = "apps/v1",
        Kind = "Deployment",
        Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default" },
        Spec = new V1DeploymentSpec
        {
            Replicas = replicas,
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "web" } },
            Strategy = new V1DeploymentStrategy { Type = "RollingUpdate", RollingUpdate = new V1RollingUpdateDeployment { MaxSurge = "1", MaxUnavailable = "0" } },
            ProgressDeadlineSeconds = 600,
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "web" } },
                Spec = new V1PodSpec { Containers = [new V1Container { Name = "c", Image = image }] },
            },
        },
    };

    private sealed class Kubelet(IKubeClient client, ISharedInformers informers) : IReconciler
    {
        public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
        {
            if (informers.Get<V1Pod>().Find(key) is not { } pod || pod.Status?.Phase == "Running")
                return ReconcileResult.Done;
            var running = KubeJson.Clone(pod);
            running.Status = new V1PodStatus { Phase = "Running", Conditions = [new V1PodCondition { Type = "Ready", Status = "True", LastTransitionTime = Build.Epoch }] };
            try
            {
                await client.UpdateStatusAsync(running, cancellationToken);
            }
            catch (KubeApiException e) when (e.IsNotFound)
            {
                return ReconcileResult.Done;
            }
            return ReconcileResult.Done;
        }
    }
}
