using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.ResourceQuotas;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.ResourceQuotas;

public sealed class ResourceQuotaControllerTests : IAsyncLifetime, IEventRecorder
{
    private readonly InMemoryKube _kube = new InMemoryKube().Serve<V1Pod>().Serve<V1ConfigMap>().Serve<V1Service>().Serve<V1PersistentVolumeClaim>().Serve<V1Deployment>().Serve<V1ResourceQuota>();
    private readonly SharedInformers _informers;
    private readonly GarbageCollector _collector;
    private readonly IComponent _runner;

    public ResourceQuotaControllerTests()
    {
        _informers = new SharedInformers(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _collector = new GarbageCollector(_kube.Client, this, NullLoggerFactory.Instance, TimeProvider.System);
        _runner = new ResourceQuotaController(_kube.Client, _informers, _collector, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance);
    }

    public async Task InitializeAsync()
    {
        await _collector.StartAsync(default);
        await _runner.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _runner.StopAsync(default);
        await _collector.StopAsync(default);
        await _informers.DisposeAsync();
    }

    void IEventRecorder.Record(V1ObjectReference about, string type, string reason, string message) => Assert.Fail($"nothing is wrong here: {reason} {message}");

    [Fact]
    public async Task Every_kind_of_use_is_counted_and_given_back()
    {
        Quota("q", null, ("pods", "10"), ("requests.cpu", "2"), ("memory", "1Gi"), ("limits.memory", "2Gi"), ("services", "5"), ("services.nodeports", "5"),
            ("services.loadbalancers", "1"), ("configmaps", "9"), ("count/deployments.apps", "3"), ("persistentvolumeclaims", "2"), ("requests.storage", "10Gi"),
            ("fast.storageclass.storage.k8s.io/requests.storage", "5Gi"));
        Pod("a", "100m", "64Mi");
        Pod("b", "400m", "64Mi");
        _kube.Seed(new V1Service { Metadata = Named("lb"), Spec = new V1ServiceSpec { Type = "LoadBalancer", Ports = [new V1ServicePort { Port = 80 }, new V1ServicePort { Port = 443 }] } });
        _kube.Seed(new V1ConfigMap { Metadata = Named("c") });
        _kube.Seed(new V1Deployment { Metadata = Named("d"), Spec = new V1DeploymentSpec() });
        _kube.Seed(new V1PersistentVolumeClaim
        {
            Metadata = Named("claim"),
            Spec = new V1PersistentVolumeClaimSpec { StorageClassName = "fast", Resources = new V1VolumeResourceRequirements { Requests = Quantities(("storage", "3Gi")) } },
        });
        var quota = await WaitForUsedAsync("q", """
            configmaps=1 count/deployments.apps=1 fast.storageclass.storage.k8s.io/requests.storage=3Gi limits.memory=256Mi memory=128Mi persistentvolumeclaims=1 pods=2 requests.cpu=500m requests.storage=3Gi services=1 services.loadbalancers=1 services.nodeports=2
            """);
        Assert.Equal("1Gi", quota.Status.Hard["memory"].ToString());

        await _kube.Client.DeleteAsync<V1Pod>("n", "a", new DeleteOptions(), default);
        await _kube.Client.DeleteAsync<V1ConfigMap>("n", "c", new DeleteOptions(), default);
        await _kube.Client.PatchAsync<V1Pod>("n", "b", KubePatch.Merge("""{"status":{"phase":"Succeeded"}}"""u8.ToArray()), "status", default);
        await _kube.Client.PatchAsync<V1Service>("n", "lb", KubePatch.Merge("""{"spec":{"type":"ClusterIP"}}"""u8.ToArray()), null, default);
        await WaitForUsedAsync("q", """
            configmaps=0 count/deployments.apps=1 fast.storageclass.storage.k8s.io/requests.storage=3Gi limits.memory=0 memory=0 persistentvolumeclaims=1 pods=0 requests.cpu=0 requests.storage=3Gi services=1 services.loadbalancers=0 services.nodeports=0
            """);
    }

    [Fact]
    public async Task A_scoped_quota_counts_the_pods_of_its_scope_alone()
    {
        Quota("best-effort", ["BestEffort"], ("pods", "5"));
        Quota("terminating", ["Terminating"], ("pods", "5"), ("requests.cpu", "1"));
        _kube.Seed(new V1ResourceQuota
        {
            Metadata = Named("high"),
            Spec = new V1ResourceQuotaSpec
            {
                Hard = Quantities(("pods", "5"), ("configmaps", "5")),
                ScopeSelector = new V1ScopeSelector { MatchExpressions = [new V1ScopedResourceSelectorRequirement { ScopeName = "PriorityClass", OperatorProperty = "In", Values = ["high"] }] },
            },
        });
        _kube.Seed(new V1ConfigMap { Metadata = Named("c") });
        _kube.Seed(new V1Pod { Metadata = Named("none"), Spec = new V1PodSpec { Containers = [new V1Container { Name = "c" }] } });
        Pod("some", "100m", "1Mi");
        _kube.Seed(new V1Pod { Metadata = Named("deadline"), Spec = new V1PodSpec { ActiveDeadlineSeconds = 60, PriorityClassName = "high", Containers = [Container("200m", "1Mi")] } });
        await WaitForUsedAsync("best-effort", "pods=1");
        await WaitForUsedAsync("terminating", "pods=1 requests.cpu=200m");
        await WaitForUsedAsync("high", "configmaps=0 pods=1");
    }

    [Fact]
    public void A_pod_needs_its_containers_and_sidecars_or_its_hungriest_init_container()
    {
        var sidecar = Container("50m", "10Mi");
        sidecar.RestartPolicy = "Always";
        var spec = new V1PodSpec { InitContainers = [sidecar, Container("1", "1Mi")], Containers = [Container("200m", "100Mi")], Overhead = Quantities(("cpu", "10m")) };
        var requests = PodResources.Requests(spec);
        Assert.Equal(("1060m", "110Mi"), (requests["cpu"].ToString(), requests["memory"].ToString()));
        Assert.False(PodResources.Limits(spec).ContainsKey("cpu"));
    }

    private async Task<V1ResourceQuota> WaitForUsedAsync(string name, string used) => (await _kube.WaitForAsync<V1ResourceQuota>("n", name, q =>
        q?.Status?.Used is { } all && string.Join(' ', all.OrderBy(u => u.Key, StringComparer.Ordinal).Select(u => $"{u.Key}={u.Value}")) == used.Trim(), $"{name} shows {used}"))!;

    private void Quota(string name, List<string>? scopes, params (string, string)[] hard) =>
        _kube.Seed(new V1ResourceQuota { Metadata = Named(name), Spec = new V1ResourceQuotaSpec { Hard = Quantities(hard), Scopes = scopes } });

    private V1Pod Pod(string name, string cpu, string memory) => _kube.Seed(new V1Pod { Metadata = Named(name), Spec = new V1PodSpec { Containers = [Container(cpu, memory)] }, Status = new V1PodStatus { Phase = "Running" } });

    private static V1Container Container(string cpu, string memory) => new()
    {
        Name = "c",
        Resources = new V1ResourceRequirements { Requests = Quantities(("cpu", cpu), ("memory", memory)), Limits = Quantities(("memory", "128Mi")) },
    };

    private static Dictionary<string, ResourceQuantity> Quantities(params (string Name, string Amount)[] amounts) => amounts.ToDictionary(a => a.Name, a => new ResourceQuantity(a.Amount));

    private static V1ObjectMeta Named(string name) => new() { Name = name, NamespaceProperty = "n" };
}
