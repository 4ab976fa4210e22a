using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Endpoints;
using LiteKube.Controllers.EndpointSlices;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.EndpointSlices;

public sealed class EndpointSliceControllerTests : ControllerTest
{
    [Fact]
    public async Task Readiness_reaches_slices_and_endpoints_without_time_passing()
    {
        Kube.Seed(Build.Service());
        Kube.Seed(Build.Pod("a", "10.1.0.1", ready: false));
        await RunAsync();
        await WaitAsync("10.1.0.1:False", "the pod that is not ready");
        await SetReadyAsync("a");
        await WaitAsync("10.1.0.1:True", "the ready pod");
        await Kube.WaitForAsync<V1Endpoints>("default", "web", e => e?.Subsets?.SingleOrDefault()?.Addresses?.SingleOrDefault()?.Ip == "10.1.0.1", "the ready address in Endpoints");

        // A pod that is being deleted is not ready at once, though its kubelet has not ended it.
        await Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(), default);
        Assert.NotNull(Kube.Find<V1Pod>("default", "a"));
        await WaitAsync("10.1.0.1:False", "the terminating pod");
        await Kube.WaitForAsync<V1Endpoints>("default", "web", e => e is { Subsets: null }, "Endpoints without the terminating pod");
        await Kube.Client.DeleteAsync<V1Pod>("default", "a", new DeleteOptions(GracePeriodSeconds: 0), default);
        await WaitAsync("", "no endpoint");
    }

    [Fact]
    public async Task Pods_that_come_in_a_rush_share_one_slice()
    {
        Kube.Seed(Build.Service());
        await RunAsync();
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Kube.Client.CreateAsync(Build.Pod($"p{i}", $"10.1.0.{i}"), default)));
        await Kube.WaitForAllAsync<V1EndpointSlice>("default", s => s.Sum(x => x.Endpoints?.Count ?? 0) == 60, "60 endpoints");
        Assert.Single(Kube.All<V1EndpointSlice>("default"));
    }

    [Fact]
    public async Task Slices_go_with_the_selector_or_the_service_and_those_of_others_stay()
    {
        Kube.Seed(Build.Service());
        Kube.Seed(Build.Pod("a"));
        Kube.Seed(new V1EndpointSlice { AddressType = "IPv4", Endpoints = [], Metadata = new V1ObjectMeta { Name = "mine", NamespaceProperty = "default", Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = "web" } } });
        Kube.Seed(new V1Endpoints { Metadata = new V1ObjectMeta { Name = "by-hand", NamespaceProperty = "default" } });
        await RunAsync();
        await Kube.WaitForAllAsync<V1EndpointSlice>("default", s => s.Count == 2, "the controller's slice");
        var service = Kube.Find<V1Service>("default", "web")!;
        service.Spec.Selector = null;
        await Kube.Client.UpdateAsync(service, default);
        Assert.Equal("mine", (await Kube.WaitForAllAsync<V1EndpointSlice>("default", s => s.Count == 1, "the slice is gone"))[0].Metadata.Name);

        service = Kube.Find<V1Service>("default", "web")!;
        service.Spec.Selector = new Dictionary<string, string> { ["app"] = "web" };
        await Kube.Client.UpdateAsync(service, default);
        await Kube.WaitForAllAsync<V1EndpointSlice>("default", s => s.Count == 2, "the slice is back");
        await Kube.WaitForAsync<V1Endpoints>("default", "web", e => e is not null, "Endpoints");
        await Kube.Client.DeleteAsync<V1Service>("default", "web", new DeleteOptions(), default);
        await Kube.WaitForAllAsync<V1EndpointSlice>("default", s => s.Count == 1, "the slice went with its Service");
        await Kube.WaitForAsync<V1Endpoints>("default", "web", e => e is null, "Endpoints went with their Service");
        Assert.NotNull(Kube.Find<V1Endpoints>("default", "by-hand"));
    }

    private async Task RunAsync()
    {
        await StartAsync(new EndpointSliceController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new EndpointsController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
    }

    private Task WaitAsync(string expected, string what) => Kube.WaitForAllAsync<V1EndpointSlice>("default",
        slices => slices.Count > 0 && string.Join(' ', slices.SelectMany(s => s.Endpoints ?? []).Select(e => $"{e.Addresses[0]}:{e.Conditions.Ready}")) == expected, what);

    private async Task SetReadyAsync(string name)
    {
        var pod = Kube.Find<V1Pod>("default", name)!;
        pod.Status.Conditions[0].Status = "True";
        await Kube.Client.UpdateStatusAsync(pod, default);
    }
}
