using System.Globalization;
using k8s.Models;
using LiteKube.Controllers.StatefulSets;

namespace LiteKube.Controllers.Tests.StatefulSets;

/// <summary>
/// Pods are written as ordinal, state and revision: "0Ra 1Ub" is web-0 ready with revision a and web-1 unready with
/// revision b. States: Ready, Young (ready, not yet available), Unready, Pending, Failed, Succeeded, Terminating.
/// Plans: "create 2b", "delete 1", "claims 1", "conform 1", then "scale 3" and "update 2".
/// </summary>
public sealed class StatefulSetPlanTests
{
    private static readonly DateTimeOffset Now = new(Build.Epoch.AddHours(10));

    [Theory]
    [InlineData("", "create 0b")]
    [InlineData("0Rb", "create 1b")]
    [InlineData("0Rb 1Rb", "create 2b")]
    [InlineData("0Rb 1Rb 2Rb", "")]
    [InlineData("0Pb", "")]
    [InlineData("0Ub", "")]
    [InlineData("0Yb", "")]
    [InlineData("0Tb", "")]
    [InlineData("0Rb 1Rb 2Fb", "delete 2")]
    [InlineData("0Rb 1Sb 2Rb", "delete 1")]
    [InlineData("0Rb 1Fb 2Fb", "delete 1")]
    [InlineData("0Rb 2Rb", "create 1b")]
    public void An_ordered_set_takes_one_step_at_a_time_and_none_past_a_pod_that_is_not_available(string pods, string plan) =>
        Assert.Equal(plan, Plan(Set(3), pods));

    [Theory]
    [InlineData(1, "0Rb 1Rb 2Rb", "scale 2")]
    [InlineData(1, "0Rb 1Rb 2Tb", "")]
    [InlineData(1, "0Rb 1Ub 2Rb", "scale 2")]
    [InlineData(1, "0Rb 1Rb 2Ub", "scale 2")]
    [InlineData(1, "0Rb 1Ub 2Ub", "")]
    [InlineData(1, "0Rb 1Yb 2Yb", "")]
    [InlineData(1, "0Ub 1Rb 2Rb", "")]
    [InlineData(0, "0Rb 1Rb", "scale 1")]
    [InlineData(1, "0Rb 1Ra 2Ra", "scale 2")]
    public void An_ordered_set_scales_down_from_the_top_and_halts_at_an_unhealthy_pod(int replicas, string pods, string plan) =>
        Assert.Equal(plan, Plan(Set(replicas), pods));

    [Theory]
    [InlineData(3, "", "create 0b, create 1b, create 2b")]
    [InlineData(3, "0Ub", "create 1b, create 2b")]
    [InlineData(3, "0Fb 1Tb 2Pb", "delete 0")]
    [InlineData(1, "0Ub 1Ub 2Tb 3Rb", "scale 3, scale 1")]
    [InlineData(1, "0Ra 1Ra", "scale 1, update 0")]
    public void A_parallel_set_waits_for_no_pod(int replicas, string pods, string plan) =>
        Assert.Equal(plan, Plan(Set(replicas, parallel: true), pods));

    [Theory]
    [InlineData("0Ra 1Ra 2Ra", 0, "update 2")]
    [InlineData("0Ra 1Ra 2Rb", 0, "update 1")]
    [InlineData("0Ra 1Ra 2Ub", 0, "")]
    [InlineData("0Ra 1Ra 2Yb", 0, "")]
    [InlineData("0Rb 1Rb 2Rb", 0, "")]
    [InlineData("0Ra 1Ra 2Ra", 2, "update 2")]
    [InlineData("0Ra 1Ra 2Rb", 2, "")]
    [InlineData("0Ra 1Ra 2Ra", 3, "")]
    [InlineData("0Ra 1Ra 2Ra", 9, "")]
    [InlineData("0Ra 2Rb", 2, "create 1a")]
    [InlineData("0Ra 1Ra", 2, "create 2b")]
    public void A_rolling_update_goes_from_the_top_to_the_partition(string pods, int partition, string plan) =>
        Assert.Equal(plan, Plan(Set(3, partition: partition), pods));

    [Theory]
    [InlineData("Ordered", 5, 0, "2", "0Ra 1Ra 2Ra 3Ra 4Ra", "update 4, update 3")]
    [InlineData("Ordered", 5, 0, "40%", "0Ra 1Ra 2Ra 3Ra 4Ra", "update 4, update 3")]
    [InlineData("Ordered", 5, 0, "10%", "0Ra 1Ra 2Ra 3Ra 4Ra", "update 4")]
    [InlineData("Ordered", 5, 3, "4", "0Ra 1Ra 2Ra 3Ra 4Ra", "update 4, update 3")]
    [InlineData("Ordered", 3, 0, "1", "0Ra 1Ra 2Ua", "")]
    [InlineData("Ordered", 3, 0, "2", "0Ra 1Ra 2Ua", "")]
    [InlineData("Parallel", 1, 0, "1", "0Ua", "update 0")]
    [InlineData("Parallel", 3, 0, "1", "0Ra 1Ra 2Ua", "update 2")]
    [InlineData("Parallel", 3, 0, "1", "0Ra 1Ra 2Ya", "update 2")]
    [InlineData("Parallel", 3, 0, "1", "0Ra 1Ra 2Ta", "")]
    [InlineData("Parallel", 3, 0, "1", "0Ra 1Ra 2Ub", "")]
    [InlineData("Parallel", 5, 0, "2", "0Ra 1Ra 2Ra 3Ua 4Ua", "update 4, update 3")]
    [InlineData("Parallel", 5, 0, "3", "0Ra 1Ra 2Ra 3Ua 4Ta", "update 3, update 2")]
    [InlineData("Parallel", 5, 0, "3", "0Ra 1Ra 2Ra 3Ta 4Ua", "update 4, update 2")]
    [InlineData("Parallel", 5, 2, "1", "0Ra 1Ra 2Ua 3Ra 4Ra", "update 2")]
    [InlineData("Parallel", 5, 2, "1", "0Ra 1Ua 2Ra 3Ra 4Ra", "")]
    [InlineData("Parallel", 5, 3, "2", "0Ra 1Ua 2Ra 3Ra 4Ua", "update 4")]
    [InlineData("Parallel", 4, 0, "2", "0Ua 1Ua 2Ra 3Ra", "update 1, update 0")]
    [InlineData("Parallel", 5, 0, "3", "0Ua 1Ua 2Ra 3Ra 4Ra", "update 1, update 0, update 4")]
    public void As_many_pods_are_updated_at_a_time_as_may_be_unavailable(string policy, int replicas, int partition, string maxUnavailable, string pods, string plan)
    {
        var set = Set(replicas, policy == "Parallel", partition);
        set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = maxUnavailable;
        Assert.Equal(plan, Plan(set, pods));
    }

    [Theory]
    [InlineData("", "create 5b")]
    [InlineData("5Rb", "create 6b")]
    [InlineData("0Rb 5Rb 6Rb", "scale 0")]
    [InlineData("5Rb 6Rb 7Rb", "scale 7")]
    [InlineData("5Ra 6Ra", "update 6")]
    public void Ordinals_begin_where_the_set_says(string pods, string plan)
    {
        var set = Set(2);
        set.Spec.Ordinals = new V1StatefulSetOrdinals { Start = 5 };
        Assert.Equal(plan, Plan(set, pods));
    }

    [Fact]
    public void A_pod_has_its_name_labels_network_identity_and_claims()
    {
        var set = Set(1);
        set.Spec.VolumeClaimTemplates = [Claim("data")];
        set.Spec.Template.Spec.Volumes = [new V1Volume { Name = "data", EmptyDir = new V1EmptyDirVolumeSource() }, new V1Volume { Name = "cache", EmptyDir = new V1EmptyDirVolumeSource() }];
        var pod = Assert.Single(Compute(set, "").Replicas).Pod;
        Assert.Equal(("web-0", "web-", "web-0", "svc"), (pod.Metadata.Name, pod.Metadata.GenerateName, pod.Spec.Hostname, pod.Spec.Subdomain));
        Assert.Equal(new Dictionary<string, string> { ["app"] = "web", ["statefulset.kubernetes.io/pod-name"] = "web-0", ["apps.kubernetes.io/pod-index"] = "0", ["controller-revision-hash"] = "b" }, pod.Metadata.Labels);
        Assert.Equal(["data=data-web-0", "cache="], pod.Spec.Volumes.Select(v => $"{v.Name}={v.PersistentVolumeClaim?.ClaimName}"));
        Assert.Equal(("apps/v1", "StatefulSet", "web", true, true), pod.Metadata.OwnerReferences.Select(o => (o.ApiVersion, o.Kind, o.Name, o.Controller!.Value, o.BlockOwnerDeletion!.Value)).Single());
        var claim = Assert.Single(StatefulPods.Claims(set, 0));
        Assert.Equal(("data-web-0", "default", "web", "fast"), (claim.Metadata.Name, claim.Metadata.NamespaceProperty, claim.Metadata.Labels["app"], claim.Metadata.Labels["disk"]));
    }

    [Fact]
    public void A_pending_pod_whose_claim_is_missing_gets_it()
    {
        var set = Set(2);
        set.Spec.VolumeClaimTemplates = [Claim("data")];
        Assert.Equal("claims 0", Plan(set, "0Pb"));
        Assert.Equal("", Plan(set, "0Pb", Claim("data-web-0")));
        Assert.Equal("create 1b", Plan(set, "0Rb"));
    }

    [Fact]
    public void A_pod_whose_labels_were_taken_away_gets_them_back()
    {
        var pods = Pods("0Rb 1Rb").ToList();
        pods[0].Metadata.Labels.Remove("statefulset.kubernetes.io/pod-name");
        Assert.Equal("conform 0", Plan(Set(2), pods));
    }

    [Fact]
    public void It_looks_again_when_the_next_pod_becomes_available()
    {
        Assert.Equal(TimeSpan.FromSeconds(20), Compute(Set(2), "0Yb").Recheck);
        Assert.Null(Compute(Set(2), "0Rb 1Ub").Recheck);
    }

    [Theory]
    [InlineData("web-3", "web", 3)]
    [InlineData("web-a-10", "web-a", 10)]
    [InlineData("web", "", -1)]
    [InlineData("web-", "", -1)]
    [InlineData("web-x", "", -1)]
    [InlineData("web-99999999999", "web", -1)]
    public void A_name_tells_set_and_ordinal(string name, string set, int ordinal) => Assert.Equal((set, ordinal), StatefulPods.Parse(name));

    private static string Plan(V1StatefulSet set, string pods, params V1PersistentVolumeClaim[] claims) => Text(Compute(set, pods, claims));

    private static string Plan(V1StatefulSet set, List<V1Pod> pods) => Text(Compute(set, pods, []));

    private static StatefulSetPlan Compute(V1StatefulSet set, string pods, params V1PersistentVolumeClaim[] claims) => Compute(set, [.. Pods(pods)], claims);

    private static StatefulSetPlan Compute(V1StatefulSet set, List<V1Pod> pods, V1PersistentVolumeClaim[] claims) =>
        StatefulSetPlan.Compute(set, pods, new TemplateRevision("a", set.Spec.Template), new TemplateRevision("b", set.Spec.Template), name => claims.FirstOrDefault(c => c.Metadata.Name == name), Now);

    private static string Text(StatefulSetPlan plan)
    {
        var steps = plan.Replicas.Select(s => s.Action switch
        {
            PodAction.Create => $"create {StatefulPods.Ordinal(s.Pod)}{StatefulPods.Revision(s.Pod)}",
            PodAction.Delete => $"delete {StatefulPods.Ordinal(s.Pod)}",
            PodAction.MakeClaims => $"claims {StatefulPods.Ordinal(s.Pod)}",
            _ => $"conform {StatefulPods.Ordinal(s.Pod)}",
        });
        return string.Join(", ", steps.Concat(plan.ScaleDown.Select(p => $"scale {StatefulPods.Ordinal(p)}")).Concat(plan.Outdated.Select(p => $"update {StatefulPods.Ordinal(p)}")));
    }

    private static V1StatefulSet Set(int replicas, bool parallel = false, int partition = 0) => new()
    {
        Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default", Uid = "uid-web" },
        Spec = new V1StatefulSetSpec
        {
            Replicas = replicas,
            ServiceName = "svc",
            MinReadySeconds = 30,
            PodManagementPolicy = parallel ? "Parallel" : "OrderedReady",
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["app"] = "web" } },
            UpdateStrategy = new V1StatefulSetUpdateStrategy { Type = "RollingUpdate", RollingUpdate = new V1RollingUpdateStatefulSetStrategy { Partition = partition, MaxUnavailable = "1" } },
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "web" } },
                Spec = new V1PodSpec { Containers = [new V1Container { Name = "c", Image = "i" }] },
            },
        },
    };

    private static V1PersistentVolumeClaim Claim(string name) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Labels = new Dictionary<string, string> { ["disk"] = "fast" } },
        Spec = new V1PersistentVolumeClaimSpec { AccessModes = ["ReadWriteOnce"] },
    };

    private static IEnumerable<V1Pod> Pods(string text)
    {
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (ordinal, state, revision) = (int.Parse(word[..^2], CultureInfo.InvariantCulture), word[^2], word[^1]);
            var set = Set(1);
            set.Spec.VolumeClaimTemplates = [Claim("data")];
            var pod = StatefulPods.Build(set, set.Spec.Template, revision.ToString(), ordinal);
            pod.Metadata.Uid = "uid-" + pod.Metadata.Name;
            pod.Metadata.DeletionTimestamp = state == 'T' ? Build.Epoch : null;
            pod.Status = new V1PodStatus
            {
                Phase = state switch { 'P' => "Pending", 'F' => "Failed", 'S' => "Succeeded", _ => "Running" },
                Conditions = [new V1PodCondition { Type = "Ready", Status = state is 'R' or 'Y' or 'T' ? "True" : "False", LastTransitionTime = state == 'Y' ? Now.UtcDateTime.AddSeconds(-10) : Build.Epoch }],
            };
            yield return pod;
        }
    }
}
