using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Namespaces;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Namespaces;

public sealed class NamespaceControllerTests : IAsyncLifetime
{
    private readonly InMemoryKube _kube = new InMemoryKube().Serve<V1Namespace>(namespaced: false).Serve<V1Node>(namespaced: false)
        .Serve<V1Pod>().Serve<V1ConfigMap>().Serve<V1Secret>().Serve<V1Deployment>().Serve("example.com", "v1", "widgets", "Widget");
    private readonly SharedInformers _informers;
    private readonly IComponent _runner;

    public NamespaceControllerTests()
    {
        _informers = new SharedInformers(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
        _runner = new NamespaceController(_kube.Client, _informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance);
        _kube.Seed(new V1Namespace { Metadata = new V1ObjectMeta { Name = "n" }, Spec = new V1NamespaceSpec { Finalizers = ["kubernetes"] }, Status = new V1NamespaceStatus { Phase = "Active" } });
        _kube.Seed(new V1ConfigMap { Metadata = new V1ObjectMeta { Name = "other", NamespaceProperty = "default" } });
    }

    public Task InitializeAsync() => _runner.StartAsync(default);

    public async Task DisposeAsync()
    {
        await _runner.StopAsync(default);
        await _informers.DisposeAsync();
    }

    [Fact]
    public async Task Everything_in_a_deleted_namespace_goes_and_then_the_namespace()
    {
        _kube.Seed(new V1ConfigMap { Metadata = Named("c") });
        _kube.Seed(new V1Deployment { Metadata = Named("d"), Spec = new V1DeploymentSpec() });
        _kube.SeedJson("example.com", "v1", "widgets", "n", """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"}}""");
        await DeleteNamespaceAsync();
        await _kube.WaitForAsync<V1Namespace>(null, "n", value => value is null, "the namespace is gone");
        Assert.Empty(_kube.All<V1ConfigMap>("n"));
        Assert.Empty(_kube.All<V1Deployment>("n"));
        Assert.Equal(404, (await _kube.SendAsync(new KubeRequest("GET", "/apis/example.com/v1/namespaces/n/widgets/w"), default)).StatusCode);
        Assert.NotNull(_kube.Find<V1ConfigMap>("default", "other"));
    }

    [Fact]
    public async Task Running_pods_get_their_grace_and_everything_else_waits_for_them()
    {
        _kube.Seed(new V1Pod { Metadata = Named("p"), Spec = new V1PodSpec { NodeName = "node", TerminationGracePeriodSeconds = 20 }, Status = new V1PodStatus { Phase = "Running" } });
        _kube.Seed(new V1Secret { Metadata = Named("s") });
        await DeleteNamespaceAsync();
        var waiting = await _kube.WaitForAsync<V1Namespace>(null, "n", value => Condition(value, "NamespaceContentRemaining") is { Status: "True" }, "the condition that content remains");
        Assert.Equal("Some resources are remaining: pods. has 1 resource instances", Condition(waiting, "NamespaceContentRemaining")!.Message);
        Assert.Equal("SomeResourcesRemain", Condition(waiting, "NamespaceContentRemaining")!.Reason);
        Assert.Equal(20, _kube.Find<V1Pod>("n", "p")!.Metadata.DeletionGracePeriodSeconds);
        Assert.NotNull(_kube.Find<V1Secret>("n", "s"));

        await _kube.Client.DeleteAsync<V1Pod>("n", "p", new DeleteOptions(GracePeriodSeconds: 0), default);
        await _kube.WaitForAsync<V1Namespace>(null, "n", value => value is null, "the namespace is gone after its pod");
        Assert.Null(_kube.Find<V1Secret>("n", "s"));
    }

    [Fact]
    public async Task Finalizers_that_hold_content_are_named_until_they_are_removed()
    {
        var held = Named("held");
        held.Finalizers = ["example.com/keep"];
        _kube.Seed(new V1ConfigMap { Metadata = held });
        await DeleteNamespaceAsync();
        var waiting = await _kube.WaitForAsync<V1Namespace>(null, "n", value => Condition(value, "NamespaceFinalizersRemaining") is { Status: "True" }, "the condition that finalizers remain");
        Assert.Equal("Some content in the namespace has finalizers remaining: example.com/keep in 1 resource instances", Condition(waiting, "NamespaceFinalizersRemaining")!.Message);
        Assert.Equal("ContentDeleted", Condition(waiting, "NamespaceDeletionContentFailure")!.Reason);

        await _kube.Client.PatchAsync<V1ConfigMap>("n", "held", KubePatch.Merge("""{"metadata":{"finalizers":null}}"""u8.ToArray()), null, default);
        await _kube.WaitForAsync<V1Namespace>(null, "n", value => value is null, "the namespace is gone after the finalizer");
    }

    [Fact]
    public async Task A_resource_that_fails_is_named_and_does_not_keep_the_others()
    {
        _kube.Seed(new V1ConfigMap { Metadata = Named("c") });
        _kube.Seed(new V1Deployment { Metadata = Named("d"), Spec = new V1DeploymentSpec() });
        _kube.Intercept = request => request is { Method: "GET", PathAndQuery: "/apis/example.com/v1" } ? InMemoryKube.Failure(503, "ServiceUnavailable", "the widget server is down")
            : request.Method == "DELETE" && request.PathAndQuery.Contains("/configmaps", StringComparison.Ordinal) ? InMemoryKube.Failure(500, "InternalError", "no luck") : null;
        await DeleteNamespaceAsync();
        var waiting = await _kube.WaitForAsync<V1Namespace>(null, "n", value => Condition(value, "NamespaceDeletionContentFailure") is { Status: "True" }, "the condition that deletion failed");
        Assert.Contains("configmaps: no luck", Condition(waiting, "NamespaceDeletionContentFailure")!.Message, StringComparison.Ordinal);
        Assert.Contains("example.com/v1: the widget server is down", Condition(waiting, "NamespaceDeletionDiscoveryFailure")!.Message, StringComparison.Ordinal);
        Assert.Equal("DiscoveryFailed", Condition(waiting, "NamespaceDeletionDiscoveryFailure")!.Reason);
        Assert.Null(_kube.Find<V1Deployment>("n", "d"));

        _kube.Intercept = null;
        await _kube.WaitForAsync<V1Namespace>(null, "n", value => value is null, "the namespace is gone once the server works");
    }

    [Fact]
    public async Task While_the_API_of_pods_cannot_be_discovered_nothing_else_is_deleted()
    {
        _kube.Seed(new V1Pod { Metadata = Named("p"), Spec = new V1PodSpec { NodeName = "node" }, Status = new V1PodStatus { Phase = "Running" } });
        _kube.Seed(new V1Deployment { Metadata = Named("d"), Spec = new V1DeploymentSpec() });
        _kube.Intercept = request => request is { Method: "GET", PathAndQuery: "/api/v1" } ? InMemoryKube.Failure(500, "InternalError", "no luck") : null;
        await DeleteNamespaceAsync();
        var waiting = await _kube.WaitForAsync<V1Namespace>(null, "n", value => Condition(value, "NamespaceDeletionDiscoveryFailure") is { Status: "True" }, "the condition that discovery failed");
        Assert.Contains("v1: no luck", Condition(waiting, "NamespaceDeletionDiscoveryFailure")!.Message, StringComparison.Ordinal);
        Assert.NotNull(_kube.Find<V1Deployment>("n", "d"));
    }

    private static V1NamespaceCondition? Condition(V1Namespace? value, string type) => value?.Status?.Conditions?.FirstOrDefault(c => c.Type == type);

    private static V1ObjectMeta Named(string name) => new() { Name = name, NamespaceProperty = "n" };

    private Task DeleteNamespaceAsync() => _kube.Client.DeleteAsync<V1Namespace>(null, "n", new DeleteOptions(), default);
}
