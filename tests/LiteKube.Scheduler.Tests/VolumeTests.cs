using k8s.Models;
using LiteKube.Scheduler.Queue;

namespace LiteKube.Scheduler.Tests;

/// <summary>Pods that wait for their claims. No backoff: what is tested is what they wait for, not how long.</summary>
public sealed class VolumeTests() : SchedulerTest(new SchedulerOptions { Queue = new QueueOptions(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(5)) })
{
    public override Task InitializeAsync()
    {
        Kube.Seed(Make.Node("a"));
        Kube.Seed(Make.Node("b"));
        Kube.Seed(new V1StorageClass { Metadata = new V1ObjectMeta { Name = "later" }, Provisioner = "example.com/disks", VolumeBindingMode = "WaitForFirstConsumer" });
        return StartAsync();
    }

    [Fact]
    public async Task A_pod_waits_for_its_claim_to_exist_and_to_be_bound_and_goes_where_the_volume_is()
    {
        await CreateAsync(Pod());
        await ReasonAsync("persistentvolumeclaim \"data\" not found");
        await Kube.Client.CreateAsync(Claim(), default);
        await ReasonAsync("pod has unbound immediate PersistentVolumeClaims");
        await Kube.Client.CreateAsync(Volume("b"), default);
        await BindAsync();
        Assert.Equal("b", (await BoundAsync("p")).Spec.NodeName);
    }

    [Fact]
    public async Task A_claim_that_waits_for_its_consumer_is_told_the_node_and_the_pod_is_bound_after_it()
    {
        await Kube.Client.CreateAsync(Claim("later"), default);
        await CreateAsync(Pod());
        var claim = await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "data",
            claim => claim?.Metadata.Annotations?.ContainsKey("volume.kubernetes.io/selected-node") == true, "the claim is told its node");
        var node = claim!.Metadata.Annotations["volume.kubernetes.io/selected-node"];
        Assert.True(string.IsNullOrEmpty(Kube.Find<V1Pod>("default", "p")!.Spec.NodeName));
        await Kube.Client.CreateAsync(Volume(node), default);
        await BindAsync();
        Assert.Equal(node, (await BoundAsync("p")).Spec.NodeName);
    }

    [Fact]
    public async Task A_claim_for_one_pod_at_a_time_keeps_a_second_pod_waiting_until_the_first_is_gone()
    {
        var claim = Claim();
        claim.Spec.AccessModes = ["ReadWriteOncePod"];
        await Kube.Client.CreateAsync(Volume("a"), default);
        await Kube.Client.CreateAsync(claim, default);
        await BindAsync();
        var first = Pod();
        first.Metadata.Name = first.Metadata.Uid = "first";
        first.Spec.NodeName = "a";
        Kube.Seed(first);
        await CreateAsync(Pod());
        await Kube.WaitForAsync<V1Pod>("default", "p",
            pod => pod?.Status?.Conditions?.Any(c => c.Message.StartsWith("0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.", StringComparison.Ordinal)) == true, "the pod waits for the claim");
        await DeleteAsync("first");
        await BoundAsync("p");
    }

    private async Task BindAsync()
    {
        var claim = Kube.Find<V1PersistentVolumeClaim>("default", "data")!;
        claim.Spec.VolumeName = "pv";
        claim.Metadata.Annotations ??= new Dictionary<string, string>(StringComparer.Ordinal);
        claim.Metadata.Annotations["pv.kubernetes.io/bind-completed"] = "yes";
        await Kube.Client.UpdateAsync(claim, default);
    }

    private Task ReasonAsync(string reason) => NotScheduledAsync("p", $"0/2 nodes are available: {reason}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");

    private static V1Pod Pod() => Make.Pod("p", with: pod => pod.Spec.Volumes = [new V1Volume { Name = "data", PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "data" } }]);

    private static V1PersistentVolumeClaim Claim(string? storageClass = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = "data", NamespaceProperty = "default" },
        Spec = new V1PersistentVolumeClaimSpec { StorageClassName = storageClass },
    };

    private static V1PersistentVolume Volume(string node) => new()
    {
        Metadata = new V1ObjectMeta { Name = "pv" },
        Spec = new V1PersistentVolumeSpec
        {
            NodeAffinity = new V1VolumeNodeAffinity
            {
                Required = new V1NodeSelector
                {
                    NodeSelectorTerms = [new V1NodeSelectorTerm { MatchExpressions = [new V1NodeSelectorRequirement { Key = "kubernetes.io/hostname", OperatorProperty = "In", Values = [node] }] }],
                },
            },
        },
    };
}
