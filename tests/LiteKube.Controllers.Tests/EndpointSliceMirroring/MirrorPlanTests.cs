using k8s.Models;
using LiteKube.Controllers.EndpointSliceMirroring;

namespace LiteKube.Controllers.Tests.EndpointSliceMirroring;

public sealed class MirrorPlanTests
{
    [Fact]
    public void Each_set_of_ports_and_family_has_a_slice()
    {
        var plan = MirrorPlan.Compute(Endpoints(Subset(80, "10.0.0.1", "fd00::1"), Subset(443, "10.0.0.2")), []);
        Assert.Equal(["IPv4 80 10.0.0.1", "IPv6 80 fd00::1", "IPv4 443 10.0.0.2"], plan.Create.Select(Text));
        var slice = plan.Create[0];
        Assert.Equal(("custom-", "default"), (slice.Metadata.GenerateName, slice.Metadata.NamespaceProperty));
        Assert.Equal("custom", slice.Metadata.Labels["kubernetes.io/service-name"]);
        Assert.Equal("endpointslicemirroring-controller.k8s.io", slice.Metadata.Labels["endpointslice.kubernetes.io/managed-by"]);
        Assert.Equal("a", slice.Metadata.Labels["team"]);
        Assert.Equal(["note"], slice.Metadata.Annotations.Keys);
        Assert.Equal(("Endpoints", "custom", true), (slice.Metadata.OwnerReferences[0].Kind, slice.Metadata.OwnerReferences[0].Name, slice.Metadata.OwnerReferences[0].Controller));
        Assert.Equal((true, "n", "host"), (slice.Endpoints[0].Conditions.Ready, slice.Endpoints[0].NodeName, slice.Endpoints[0].Hostname));
    }

    [Fact]
    public void What_is_mirrored_already_is_left_and_what_changed_is_written_in_place()
    {
        var made = MirrorPlan.Compute(Endpoints(Subset(80, "10.0.0.1")), []).Create[0];
        made.Metadata.Name = "custom-a";
        var same = MirrorPlan.Compute(Endpoints(Subset(80, "10.0.0.1")), [made]);
        Assert.Equal((0, 0, 0), (same.Create.Count, same.Update.Count, same.Delete.Count));
        var ports = MirrorPlan.Compute(Endpoints(Subset(8080, "10.0.0.1", "10.0.0.2")), [made]);
        Assert.Equal("IPv4 8080 10.0.0.1,10.0.0.2", Text(Assert.Single(ports.Update)));
        Assert.Equal("custom-a", ports.Update[0].Metadata.Name);
        Assert.Empty(ports.Create);
        Assert.Equal("custom-a", Assert.Single(MirrorPlan.Compute(Endpoints(), [made]).Delete).Metadata.Name);
    }

    [Fact]
    public void Of_one_subset_a_thousand_addresses_are_mirrored()
    {
        var plan = MirrorPlan.Compute(Endpoints(Subset(80, [.. Enumerable.Range(0, 1002).Select(i => $"10.0.{i / 250}.{i % 250}"), "nonsense"])), []);
        Assert.Equal(1000, Assert.Single(plan.Create).Endpoints.Count);
        Assert.Equal((0, 3), (plan.InvalidAddresses, plan.TooMany));
        Assert.Equal((1, 0), MirrorPlan.Compute(Endpoints(Subset(80, "10.0.0.1", "nonsense")), []) is var p ? (p.InvalidAddresses, p.TooMany) : default);
    }

    [Theory]
    [InlineData(true, null, null, true)]
    [InlineData(false, null, null, false)]
    [InlineData(null, null, null, false)]
    [InlineData(true, "true", null, false)]
    [InlineData(true, "false", null, true)]
    [InlineData(true, null, "control-plane.alpha.kubernetes.io/leader", false)]
    public void Only_endpoints_that_somebody_keeps_for_a_service_are_mirrored(bool? withoutSelector, string? skip, string? annotation, bool mirrored)
    {
        var endpoints = Endpoints();
        if (skip is not null)
            endpoints.Metadata.Labels["endpointslice.kubernetes.io/skip-mirror"] = skip;
        if (annotation is not null)
            endpoints.Metadata.Annotations[annotation] = "x";
        var service = withoutSelector is null ? null : new V1Service { Spec = new V1ServiceSpec { Selector = withoutSelector == true ? null : new Dictionary<string, string> { ["a"] = "b" } } };
        Assert.Equal(mirrored, MirrorPlan.ShouldMirror(endpoints, service));
    }

    private static string Text(V1EndpointSlice slice) => $"{slice.AddressType} {slice.Ports[0].Port} {string.Join(',', slice.Endpoints.Select(e => e.Addresses[0]))}";

    private static V1EndpointSubset Subset(int port, params string[] ips) => new()
    {
        Addresses = [.. ips.Select(ip => new V1EndpointAddress { Ip = ip, NodeName = "n", Hostname = "host" })],
        Ports = [new Corev1EndpointPort { Port = port, Protocol = "TCP" }],
    };

    private static V1Endpoints Endpoints(params V1EndpointSubset[] subsets) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = "custom",
            NamespaceProperty = "default",
            Uid = "uid-custom",
            Labels = new Dictionary<string, string> { ["team"] = "a" },
            Annotations = new Dictionary<string, string> { ["note"] = "x", ["endpoints.kubernetes.io/last-change-trigger-time"] = "t", ["kubectl.kubernetes.io/last-applied-configuration"] = "{}" },
        },
        Subsets = subsets,
    };
}
