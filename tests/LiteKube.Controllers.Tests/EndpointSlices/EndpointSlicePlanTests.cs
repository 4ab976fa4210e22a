using k8s.Models;
using LiteKube.Controllers.EndpointSlices;

namespace LiteKube.Controllers.Tests.EndpointSlices;

public sealed class EndpointSlicePlanTests
{
    [Theory]
    [InlineData(true, false, false, "ready serving")]
    [InlineData(false, false, false, "")]
    [InlineData(true, true, false, "serving terminating")]
    [InlineData(false, true, false, "terminating")]
    [InlineData(false, false, true, "ready")]
    [InlineData(true, true, true, "ready serving terminating")]
    public void Conditions_say_whether_a_pod_is_ready_serves_and_terminates(bool ready, bool terminating, bool publishNotReady, string expected)
    {
        var slice = Assert.Single(Plan(Build.Service(publishNotReady: publishNotReady), [Build.Pod("a", ready: ready, terminating: terminating)], []).Create);
        var conditions = Assert.Single(slice.Endpoints).Conditions;
        Assert.Equal(expected, string.Join(' ', new[] { conditions.Ready == true ? "ready" : null, conditions.Serving == true ? "serving" : null, conditions.Terminating == true ? "terminating" : null }.Where(c => c is not null)));
    }

    [Fact]
    public void A_slice_names_its_service_owner_pods_and_ports_as_Kubernetes_does()
    {
        var pod = Build.Pod("a", "10.1.0.7");
        pod.Spec.Hostname = "zero";
        pod.Spec.Subdomain = "web";
        var service = Build.Service();
        service.Spec.ClusterIP = "None";
        var plan = EndpointSlicePlan.Compute(service, [pod], node => node == "node-1" ? "east" : null, [], "2026-01-01T11:00:00Z");
        var slice = Assert.Single(plan.Create);
        Assert.Equal(("web-", "default", "IPv4"), (slice.Metadata.GenerateName, slice.Metadata.NamespaceProperty, slice.AddressType));
        Assert.Equal(new Dictionary<string, string>
        {
            ["team"] = "a",
            ["kubernetes.io/service-name"] = "web",
            ["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io",
            ["service.kubernetes.io/headless"] = "",
        }, slice.Metadata.Labels);
        Assert.Equal("2026-01-01T11:00:00Z", slice.Metadata.Annotations["endpoints.kubernetes.io/last-change-trigger-time"]);
        var owner = Assert.Single(slice.Metadata.OwnerReferences);
        Assert.Equal(("v1", "Service", "web", "uid-web", true, true), (owner.ApiVersion, owner.Kind, owner.Name, owner.Uid, owner.Controller, owner.BlockOwnerDeletion));
        var endpoint = Assert.Single(slice.Endpoints);
        Assert.Equal(("10.1.0.7", "zero", "node-1", "east"), (Assert.Single(endpoint.Addresses), endpoint.Hostname, endpoint.NodeName, endpoint.Zone));
        Assert.Equal(("Pod", "default", "a", "uid-a"), (endpoint.TargetRef.Kind, endpoint.TargetRef.NamespaceProperty, endpoint.TargetRef.Name, endpoint.TargetRef.Uid));
        var port = Assert.Single(slice.Ports);
        Assert.Equal(("", 8080, "TCP"), (port.Name, port.Port, port.Protocol));
    }

    [Fact]
    public void One_pod_of_many_that_gets_unready_costs_one_update()
    {
        var pods = Pods(250);
        var slices = Apply([], Plan(Build.Service(), pods, []));
        Assert.Equal([100, 100, 50], slices.Select(s => s.Endpoints.Count));
        pods[120] = Build.Pod("p120", "10.1.0.120", ready: false);
        var plan = Plan(Build.Service(), pods, slices);
        Assert.Equal((0, 1, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
        Assert.False(plan.Update[0].Endpoints.Single(e => e.TargetRef.Name == "p120").Conditions.Ready);
    }

    [Fact]
    public void New_pods_go_where_something_is_written_anyway_or_room_is_left()
    {
        var pods = Pods(250);
        var slices = Apply([], Plan(Build.Service(), pods, []));
        pods.RemoveAt(0);
        pods.Add(Build.Pod("new", "10.2.0.1"));
        var plan = Plan(Build.Service(), pods, slices);
        Assert.Equal((0, 1, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
        Assert.Equal(slices[0].Metadata.Name, plan.Update[0].Metadata.Name);

        slices = Apply(slices, plan);
        pods.Add(Build.Pod("newer", "10.2.0.2"));
        plan = Plan(Build.Service(), pods, slices);
        Assert.Equal((0, 1, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
        Assert.Equal(51, plan.Update[0].Endpoints.Count);
    }

    [Fact]
    public void A_service_without_pods_keeps_one_empty_slice_that_its_first_pod_takes_over()
    {
        var slices = Apply([], Plan(Build.Service(), [], []));
        Assert.Empty(Assert.Single(slices).Endpoints);
        Assert.True(IsNothing(Plan(Build.Service(), [], slices)));
        var plan = Plan(Build.Service(), [Build.Pod("a")], slices);
        Assert.Equal((0, 1, 0), (plan.Create.Count, plan.Update.Count, plan.Delete.Count));
    }

    [Fact]
    public void Slices_hold_just_the_pods_after_any_changes_and_then_nothing_is_left_to_write()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var (pods, slices) = (new Dictionary<string, V1Pod>(StringComparer.Ordinal), new List<V1EndpointSlice>());
            for (var step = 0; step < 8; step++)
            {
                for (var change = random.Next(120); change > 0; change--)
                    Change(random, pods);
                var plan = Plan(Build.Service(), pods.Values, slices);
                slices = Apply(slices, plan);
                var expected = pods.Values.Where(p => p.Status.Phase == "Running").Select(p => $"{p.Metadata.Uid} {p.Status.Conditions[0].Status} {p.Spec.Containers[0].Ports[0].ContainerPort}").Order(StringComparer.Ordinal);
                var actual = slices.SelectMany(s => s.Endpoints.Select(e => $"{e.TargetRef.Uid} {e.Conditions.Serving} {s.Ports.Single().Port}")).Order(StringComparer.Ordinal);
                Assert.True(expected.SequenceEqual(actual), $"seed {seed} step {step}");
                Assert.All(slices, s => Assert.True(s.Endpoints.Count <= EndpointSlicePlan.MaxEndpoints, $"seed {seed} step {step}"));
                Assert.True(IsNothing(Plan(Build.Service(), pods.Values, slices)), $"seed {seed} step {step}: a second plan writes again");
            }
        }
    }

    private static void Change(Random random, Dictionary<string, V1Pod> pods)
    {
        var name = "p" + random.Next(300);
        if (random.Next(4) == 0)
        {
            pods.Remove(name);
            return;
        }
        var pod = Build.Pod(name, ready: random.Next(2) == 0, phase: random.Next(10) == 0 ? "Failed" : "Running");
        pod.Spec.Containers[0].Ports[0].ContainerPort = 8080 + random.Next(2);
        pods[name] = pod;
    }

    private static List<V1Pod> Pods(int count) => [.. Enumerable.Range(0, count).Select(i => Build.Pod($"p{i:d3}", $"10.1.0.{i}"))];

    private static EndpointSlicePlan Plan(V1Service service, IEnumerable<V1Pod> pods, IReadOnlyCollection<V1EndpointSlice> existing) => EndpointSlicePlan.Compute(service, pods, _ => null, existing, null);

    private static bool IsNothing(EndpointSlicePlan plan) => plan.Create.Count + plan.Update.Count + plan.Delete.Count == 0;

    private static List<V1EndpointSlice> Apply(List<V1EndpointSlice> slices, EndpointSlicePlan plan)
    {
        var result = slices.Where(s => !plan.Delete.Any(d => d.Metadata.Name == s.Metadata.Name)).Select(s => plan.Update.FirstOrDefault(u => u.Metadata.Name == s.Metadata.Name) ?? s).ToList();
        foreach (var created in plan.Create)
        {
            created.Metadata.Name = $"web-{result.Count}-{Guid.NewGuid()}";
            created.Metadata.CreationTimestamp = Build.Epoch.AddSeconds(result.Count);
            result.Add(created);
        }
        return result;
    }
}
