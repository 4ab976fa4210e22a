using k8s.Models;
using LiteKube.Controllers.Endpoints;

namespace LiteKube.Controllers.Tests.Endpoints;

public sealed class EndpointsPlanTests
{
    [Fact]
    public void Ready_and_not_ready_addresses_are_sorted_and_terminating_pods_left_out()
    {
        var value = EndpointsPlan.Compute(Build.Service(), [Build.Pod("c", "10.1.0.3"), Build.Pod("a", "10.1.0.1"), Build.Pod("b", "10.1.0.2", ready: false), Build.Pod("d", "10.1.0.4", terminating: true)], null, null)!;
        var subset = Assert.Single(value.Subsets);
        Assert.Equal(["10.1.0.1", "10.1.0.3"], subset.Addresses.Select(a => a.Ip));
        Assert.Equal(["10.1.0.2"], subset.NotReadyAddresses.Select(a => a.Ip));
        Assert.Equal((null, 8080, "TCP"), (subset.Ports[0].Name, subset.Ports[0].Port, subset.Ports[0].Protocol));
        Assert.Equal("endpoint-controller", value.Metadata.Labels["endpoints.kubernetes.io/managed-by"]);
        Assert.Null(EndpointsPlan.Compute(Build.Service(), [Build.Pod("a", "10.1.0.1"), Build.Pod("c", "10.1.0.3"), Build.Pod("b", "10.1.0.2", ready: false)], value, null));
    }

    [Fact]
    public void Unready_and_terminating_pods_count_as_ready_where_they_are_to_be_published()
    {
        var subset = Assert.Single(EndpointsPlan.Compute(Build.Service(publishNotReady: true), [Build.Pod("a", "10.1.0.1", ready: false), Build.Pod("b", "10.1.0.2", terminating: true)], null, null)!.Subsets);
        Assert.Equal(["10.1.0.1", "10.1.0.2"], subset.Addresses.Select(a => a.Ip));
        Assert.Null(subset.NotReadyAddresses);
    }

    [Theory]
    [InlineData(1500, 300, 1000, 0)]
    [InlineData(400, 900, 400, 600)]
    [InlineData(400, 600, 400, 600)]
    public void More_than_a_thousand_addresses_are_truncated_ready_ones_last(int ready, int notReady, int keptReady, int keptNotReady)
    {
        var pods = Enumerable.Range(0, ready + notReady).Select(i =>
        {
            var pod = Build.Pod($"p{i}", $"10.{i / 65536}.{i / 256}.{i % 256}", ready: i < ready);
            pod.Spec.Containers[0].Ports[0].ContainerPort = 8000 + i % 3;
            return pod;
        });
        var value = EndpointsPlan.Compute(Build.Service(), pods, null, null)!;
        Assert.Equal((keptReady, keptNotReady), (value.Subsets.Sum(s => s.Addresses?.Count ?? 0), value.Subsets.Sum(s => s.NotReadyAddresses?.Count ?? 0)));
        Assert.Equal(3, value.Subsets.Count);
        Assert.Equal(ready + notReady > 1000, value.Metadata.Annotations?.ContainsKey("endpoints.kubernetes.io/over-capacity") == true);
    }
}
