using k8s.Models;
using LiteKube.Controllers.Endpoints;

namespace LiteKube.Controllers.Tests.Endpoints;

public sealed class EndpointsPlanTests
{
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
