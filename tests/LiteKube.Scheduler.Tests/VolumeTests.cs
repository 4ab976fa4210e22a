using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Scheduler.Queue;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Scheduler.Tests;

public sealed class VolumeTests : IAsyncLifetime
{
    // No backoff: what is tested is what the pod waits for, not how long.
    private readonly FakeTimeProvider _time = new(DateTimeOffset.Parse("2025-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly InMemoryKube _kube = new();
    private SharedInformers _informers = null!;
    private EventBroadcaster _events = null!;
    private Scheduler _scheduler = null!;

    public async Task InitializeAsync()
    {
        _informers = new SharedInformers(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _events = new EventBroadcaster(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _scheduler = new Scheduler(new SchedulerOptions { Queue = new QueueOptions(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(5)) }, _kube.Client, _informers, _events, NullLoggerFactory.Instance, _time);
        _kube.Seed(Make.Node("a"));
        _kube.Seed(Make.Node("b"));
        _kube.Seed(new V1StorageClass { Metadata = new V1ObjectMeta { Name = "later" }, Provisioner = "example.com/disks", VolumeBindingMode = "WaitForFirstConsumer" });
        await _scheduler.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _scheduler.StopAsync(default);
        await _informers.DisposeAsync();
        await _events.DisposeAsync();
    }

    [Fact]
    public async Task A_pod_waits_for_its_claim_to_exist_and_to_be_bound_and_goes_where_the_volume_is()
    {
        await _kube.Client.CreateAsync(Pod(), default);
        await ReasonAsync("persistentvolumeclaim \"data\" not found");
        await _kube.Client.CreateAsync(Claim(), default);
        await ReasonAsync("pod has unbound immediate PersistentVolumeClaims");
        await _kube.Client.CreateAsync(Volume("b"), default);
        await BindAsync();
        Assert.Equal("b", (await BoundAsync()).Spec.NodeName);
    }

    [Fact]
    public async Task A_claim_that_waits_for_its_consumer_is_told_the_node_and_the_pod_is_bound_after_it()
    {
        await _kube.Client.CreateAsync(Claim("later"), default);
        await _kube.Client.CreateAsync(Pod(), default);
        var claim = await _kube.WaitForAsync<V1PersistentVolumeClaim>("default", "data",
            claim => claim?.Metadata.Annotations?.ContainsKey("volume.kubernetes.io/selected-node") == true, "the claim is told its node");
        var node = claim!.Metadata.Annotations["volume.kubernetes.io/selected-node"];
        Assert.True(string.IsNullOrEmpty(_kube.Find<V1Pod>("default", "p")!.Spec.NodeName));
        await _kube.Client.CreateAsync(Volume(node), default);
        await BindAsync();
        Assert.Equal(node, (await BoundAsync()).Spec.NodeName);
    }

    [Fact]
    public async Task A_claim_for_one_pod_at_a_time_keeps_a_second_pod_waiting_until_the_first_is_gone()
    {
        var claim = Claim();
        claim.Spec.AccessModes = ["ReadWriteOncePod"];
        await _kube.Client.CreateAsync(Volume("a"), default);
        await _kube.Client.CreateAsync(claim, default);
        await BindAsync();
        var first = Pod();
        first.Metadata.Name = first.Metadata.Uid = "first";
        first.Spec.NodeName = "a";
        _kube.Seed(first);
        await _kube.Client.CreateAsync(Pod(), default);
        await _kube.WaitForAsync<V1Pod>("default", "p",
            pod => pod?.Status?.Conditions?.Any(c => c.Message.StartsWith("0/2 nodes are available: 2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.", StringComparison.Ordinal)) == true, "the pod waits for the claim");
        await _kube.Client.DeleteAsync<V1Pod>("default", "first", new DeleteOptions(GracePeriodSeconds: 0), default);
        await BoundAsync();
    }

    [Fact]
    public async Task A_pod_that_asks_for_devices_is_not_run_without_them()
    {
        await _kube.Client.CreateAsync(Make.Pod("p", with: pod => pod.Spec.ResourceClaims = [new V1PodResourceClaim { Name = "gpu" }]), default);
        await ReasonAsync("resource claims are not supported by this scheduler");
    }

    private async Task BindAsync()
    {
        var claim = _kube.Find<V1PersistentVolumeClaim>("default", "data")!;
        claim.Spec.VolumeName = "pv";
        claim.Metadata.Annotations ??= new Dictionary<string, string>(StringComparer.Ordinal);
        claim.Metadata.Annotations["pv.kubernetes.io/bind-completed"] = "yes";
        await _kube.Client.UpdateAsync(claim, default);
    }

    private Task ReasonAsync(string reason) => _kube.WaitForAsync<V1Pod>("default", "p",
        pod => pod?.Status?.Conditions?.Any(c => c.Message == $"0/2 nodes are available: {reason}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.") == true, reason);

    private async Task<V1Pod> BoundAsync() =>
        (await _kube.WaitForAsync<V1Pod>("default", "p", pod => !string.IsNullOrEmpty(pod?.Spec.NodeName), "the pod is bound"))!;

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
