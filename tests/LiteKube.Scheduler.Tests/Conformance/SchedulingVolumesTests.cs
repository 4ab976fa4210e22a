using System.Net;
using System.Text.Json.Nodes;
using k8s.Models;

namespace LiteKube.Scheduler.Tests.Conformance;

/// <summary>Where pods go because of their volumes, with the API server, the binder of volumes, and the test as provisioner.</summary>
public sealed class SchedulingVolumesTests(SchedulingVolumesTests.Fixture fixture) : IClassFixture<SchedulingVolumesTests.Fixture>
{
    private const string Volumes = "/api/v1/persistentvolumes";
    private const string Claims = $"/api/v1/namespaces/{SchedulingCluster.Namespace}/persistentvolumeclaims";
    private const string Pods = $"/api/v1/namespaces/{SchedulingCluster.Namespace}/pods";
    private const string Classes = "/apis/storage.k8s.io/v1/storageclasses";
    private const string NotHelpful = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    private SchedulingCluster Cluster => fixture.Cluster;

    [Fact]
    public async Task The_smallest_volume_that_its_claim_asks_for_draws_the_pod_to_its_node()
    {
        await ClassAsync("static", "kubernetes.io/no-provisioner");
        await VolumeAsync("static-large", "static", "10Gi", node: 0);
        await VolumeAsync("static-fits", "static", "5Gi", node: 0);
        await VolumeAsync("static-small", "static", "1Gi", node: 1);
        await VolumeAsync("static-other-class", "other", "4Gi", node: 1);
        await ClaimAsync("static-data", "static", "4Gi");
        await PodAsync("static-pod", "static-data");
        Assert.Equal(Node(0), (string?)(await Cluster.RunningAsync("static-pod"))["spec"]!["nodeName"]);
        Assert.Equal("static-fits", (string?)(await BoundAsync("static-data"))["spec"]!["volumeName"]);
    }

    [Fact]
    public async Task Without_a_volume_on_any_node_the_pod_waits_for_one()
    {
        await ClassAsync("none-yet", "kubernetes.io/no-provisioner");
        await ClaimAsync("none-yet-data", "none-yet", "1Gi");
        await PodAsync("none-yet-pod", "none-yet-data");
        await NotScheduledAsync("none-yet-pod", "2 node(s) didn't find available persistent volumes to bind");
        await VolumeAsync("none-yet-volume", "none-yet", "1Gi", node: 1);
        Assert.Equal(Node(1), (string?)(await Cluster.RunningAsync("none-yet-pod"))["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task Two_pods_do_not_get_the_same_volume()
    {
        await ClassAsync("two", "kubernetes.io/no-provisioner");
        await VolumeAsync("two-a", "two", "1Gi", node: 0);
        await VolumeAsync("two-b", "two", "1Gi", node: 1);
        foreach (var name in (string[])["one", "other"])
        {
            await ClaimAsync($"two-{name}", "two", "1Gi");
            await PodAsync($"two-{name}", $"two-{name}");
        }
        string?[] nodes = [(string?)(await Cluster.RunningAsync("two-one"))["spec"]!["nodeName"], (string?)(await Cluster.RunningAsync("two-other"))["spec"]!["nodeName"]];
        Assert.Equal([Node(0), Node(1)], nodes.Order(StringComparer.Ordinal));
        Assert.NotEqual((string?)(await BoundAsync("two-one"))["spec"]!["volumeName"], (string?)(await BoundAsync("two-other"))["spec"]!["volumeName"]);
    }

    [Fact]
    public async Task The_provisioner_is_told_the_node_and_the_pod_is_bound_when_the_volume_is()
    {
        await ClassAsync("made", "example.com/disks");
        await ClaimAsync("made-data", "made", "1Gi");
        await ClaimEventAsync("made-data", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
        await PodAsync("made-pod", "made-data");
        var node = await SelectedNodeAsync("made-data");
        await ClaimEventAsync("made-data", "ExternalProvisioning", "Waiting for a volume to be created either by the external provisioner 'example.com/disks' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.");
        var waiting = await Cluster.FindPodAsync("made-pod");
        Assert.Null(waiting!["spec"]!["nodeName"]);
        await ProvisionAsync("made-data", "made", node);
        var running = await Cluster.RunningAsync("made-pod");
        Assert.Equal(node, (string?)running["spec"]!["nodeName"]);
        // Where it was about to go was shown while it waited, and is not any more.
        Assert.Null(running["status"]!["nominatedNodeName"]);
    }

    [Fact]
    public async Task A_claim_says_which_pod_it_waits_for()
    {
        await ClassAsync("awaited", "example.com/disks");
        await ClaimAsync("awaited-data", "awaited", "1Gi");
        await ClaimEventAsync("awaited-data", "WaitForFirstConsumer", "waiting for first consumer to be created before binding");
        await PodAsync("awaited-pod", "awaited-data", "\"nodeSelector\":{\"no\":\"where\"}");
        await ClaimEventAsync("awaited-data", "WaitForPodScheduled", "waiting for pod awaited-pod to be scheduled");
    }

    [Fact]
    public async Task A_provisioner_that_gives_the_node_back_has_the_pod_placed_anew()
    {
        await ClassAsync("again", "example.com/disks");
        await ClaimAsync("again-data", "again", "1Gi");
        await PodAsync("again-pod", "again-data");
        await SelectedNodeAsync("again-data");
        await PatchAsync($"{Claims}/again-data", """{"metadata":{"annotations":{"volume.kubernetes.io/selected-node":null}}}""");
        await EventAsync("again-pod", "running PreBind plugin \"VolumeBinding\": binding volumes: selectedNode annotation reset for PVC \"again-data\"");
        var node = await SelectedNodeAsync("again-data");
        await ProvisionAsync("again-data", "again", node);
        Assert.Equal(node, (string?)(await Cluster.RunningAsync("again-pod"))["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task A_volume_that_was_made_elsewhere_takes_the_pod_along()
    {
        await ClassAsync("elsewhere", "example.com/disks");
        await ClaimAsync("elsewhere-data", "elsewhere", "1Gi");
        await PodAsync("elsewhere-pod", "elsewhere-data");
        var told = await SelectedNodeAsync("elsewhere-data");
        var made = told == Node(0) ? Node(1) : Node(0);
        await ProvisionAsync("elsewhere-data", "elsewhere", made);
        await EventAsync("elsewhere-pod", $"running PreBind plugin \"VolumeBinding\": binding volumes: pv \"elsewhere-data-volume\" node affinity doesn't match node \"{told}\": no matching NodeSelectorTerms");
        Assert.Equal(made, (string?)(await Cluster.RunningAsync("elsewhere-pod"))["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task Only_nodes_of_the_topologies_that_a_class_allows_are_told_to_its_provisioner()
    {
        await ClassAsync("there", "example.com/disks", more: $$$""","allowedTopologies":[{"matchLabelExpressions":[{"key":"kubernetes.io/hostname","values":["{{{Node(1)}}}"]}]}]""");
        await ClaimAsync("there-data", "there", "1Gi");
        await PodAsync("there-pod", "there-data");
        Assert.Equal(Node(1), await SelectedNodeAsync("there-data"));
        await ClassAsync("nowhere", "example.com/disks", more: ""","allowedTopologies":[{"matchLabelExpressions":[{"key":"kubernetes.io/hostname","values":["gone"]}]}]""");
        await ClaimAsync("nowhere-data", "nowhere", "1Gi");
        await PodAsync("nowhere-pod", "nowhere-data");
        await NotScheduledAsync("nowhere-pod", "2 node(s) didn't find available persistent volumes to bind");
    }

    [Fact]
    public async Task A_driver_that_tells_its_capacity_gets_no_claim_that_is_larger()
    {
        await Cluster.CreateAsync("/apis/storage.k8s.io/v1/csidrivers", """{"metadata":{"name":"sized.example.com"},"spec":{"storageCapacity":true}}""");
        await Cluster.SeenAsync<V1CSIDriver>("sized.example.com");
        await ClassAsync("sized", "sized.example.com");
        await ClaimAsync("sized-data", "sized", "2Gi");
        await PodAsync("sized-pod", "sized-data");
        await NotScheduledAsync("sized-pod", "2 node(s) did not have enough free storage");
        await Cluster.CreateAsync($"/apis/storage.k8s.io/v1/namespaces/{SchedulingCluster.Namespace}/csistoragecapacities",
            $$$"""{"metadata":{"name":"sized-1"},"storageClassName":"sized","capacity":"1Gi","nodeTopology":{"matchLabels":{"kubernetes.io/hostname":"{{{Node(0)}}}"} } }""");
        await Cluster.CreateAsync($"/apis/storage.k8s.io/v1/namespaces/{SchedulingCluster.Namespace}/csistoragecapacities",
            $$$"""{"metadata":{"name":"sized-2"},"storageClassName":"sized","capacity":"3Gi","nodeTopology":{"matchLabels":{"kubernetes.io/hostname":"{{{Node(1)}}}"} } }""");
        Assert.Equal(Node(1), await SelectedNodeAsync("sized-data"));
    }

    [Fact]
    public async Task Of_nodes_with_space_the_one_where_more_is_left_is_preferred()
    {
        await Cluster.CreateAsync("/apis/storage.k8s.io/v1/csidrivers", """{"metadata":{"name":"roomy.example.com"},"spec":{"storageCapacity":true}}""");
        await Cluster.SeenAsync<V1CSIDriver>("roomy.example.com");
        await ClassAsync("roomy", "roomy.example.com");
        foreach (var (node, size) in ((int, string)[])[(0, "10Gi"), (1, "100Gi")])
        {
            await Cluster.CreateAsync($"/apis/storage.k8s.io/v1/namespaces/{SchedulingCluster.Namespace}/csistoragecapacities",
                $$$"""{"metadata":{"name":"roomy-{{{node}}}"},"storageClassName":"roomy","capacity":"{{{size}}}","nodeTopology":{"matchLabels":{"kubernetes.io/hostname":"{{{Node(node)}}}"} } }""");
            await Cluster.SeenAsync<V1CSIStorageCapacity>($"roomy-{node}");
        }
        for (var i = 0; i < 3; i++)
        {
            await ClaimAsync($"roomy-{i}", "roomy", "9Gi");
            await PodAsync($"roomy-{i}", $"roomy-{i}");
            Assert.Equal(Node(1), await SelectedNodeAsync($"roomy-{i}"));
        }
    }

    [Fact]
    public async Task A_claim_that_is_to_be_bound_at_once_holds_its_pod_back_until_it_is()
    {
        await PodAsync("immediate-pod", "immediate-data");
        await NotScheduledAsync("immediate-pod", "persistentvolumeclaim \"immediate-data\" not found");
        await ClaimAsync("immediate-data", "immediate", "1Gi");
        await NotScheduledAsync("immediate-pod", "pod has unbound immediate PersistentVolumeClaims");
        await VolumeAsync("immediate-volume", "immediate", "1Gi", node: 1);
        Assert.Equal(Node(1), (string?)(await Cluster.RunningAsync("immediate-pod"))["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task A_volume_that_names_a_zone_is_reached_from_there_only()
    {
        await PatchAsync($"/api/v1/nodes/{Node(0)}", """{"metadata":{"labels":{"topology.kubernetes.io/zone":"west"}}}""");
        await PatchAsync($"/api/v1/nodes/{Node(1)}", """{"metadata":{"labels":{"topology.kubernetes.io/zone":"east"}}}""");
        for (var i = 0; i < 2; i++)
            await Cluster.SeenAsync<V1Node>(Node(i), node => node.Metadata.Labels.ContainsKey("topology.kubernetes.io/zone"));
        foreach (var (name, zones) in ((string, string)[])[("zoned", "north__east"), ("unzoned", "south")])
        {
            await Cluster.CreateAsync(Volumes, $$$"""
                {"metadata":{"name":"{{{name}}}-volume","labels":{"topology.kubernetes.io/zone":"{{{zones}}}"}},
                 "spec":{"storageClassName":"{{{name}}}","capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"csi":{"driver":"zones.example.com","volumeHandle":"{{{name}}}"} } }
                """);
            await ClaimAsync($"{name}-data", name, "1Gi");
            await PodAsync($"{name}-pod", $"{name}-data");
        }
        Assert.Equal(Node(1), (string?)(await Cluster.RunningAsync("zoned-pod"))["spec"]!["nodeName"]);
        await NotScheduledAsync("unzoned-pod", "2 node(s) had no available volume zone");
    }

    [Fact]
    public async Task A_node_takes_as_many_volumes_of_a_driver_as_its_CSINode_says()
    {
        await NodeDriversAsync(0, "limited.example.com", 1);
        await NodeDriversAsync(1, "limited.example.com", 1);
        for (var i = 0; i < 4; i++)
        {
            await Cluster.CreateAsync(Volumes, $$$"""
                {"metadata":{"name":"limited-{{{i}}}"},"spec":{"storageClassName":"limited-{{{i}}}","capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"csi":{"driver":"limited.example.com","volumeHandle":"v{{{i}}}"} } }
                """);
            await ClaimAsync($"limited-{i}", $"limited-{i}", "1Gi");
        }
        await PodAsync("limited-0", "limited-0");
        await PodAsync("limited-1", "limited-1");
        string?[] nodes = [(string?)(await Cluster.RunningAsync("limited-0"))["spec"]!["nodeName"], (string?)(await Cluster.RunningAsync("limited-1"))["spec"]!["nodeName"]];
        Assert.Equal([Node(0), Node(1)], nodes.Order(StringComparer.Ordinal));
        await PodAsync("limited-2", "limited-2");
        await NotScheduledAsync("limited-2", "2 node(s) exceed max volume count", "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.");
        await Cluster.Api.DeleteAsync($"{Pods}/limited-0");
        Assert.Equal(nodes[0], (string?)(await Cluster.RunningAsync("limited-2"))["spec"]!["nodeName"]);
        await PodAsync("limited-3", "limited-3");
        await NotScheduledAsync("limited-3", "2 node(s) exceed max volume count", "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.");
        await PatchAsync($"/apis/storage.k8s.io/v1/csinodes/{Node(0)}", $$$"""{"spec":{"drivers":[{"name":"limited.example.com","nodeID":"{{{Node(0)}}}","allocatable":{"count":2}}]}}""");
        Assert.Equal(Node(0), (string?)(await Cluster.RunningAsync("limited-3"))["spec"]!["nodeName"]);
    }

    [Fact]
    public async Task A_driver_may_ask_that_its_pods_stay_away_from_nodes_without_it()
    {
        await Cluster.CreateAsync("/apis/storage.k8s.io/v1/csidrivers", """{"metadata":{"name":"needed.example.com"},"spec":{"preventPodSchedulingIfMissing":true}}""");
        await Cluster.SeenAsync<V1CSIDriver>("needed.example.com");
        await Cluster.CreateAsync(Volumes, """
            {"metadata":{"name":"needed-volume"},"spec":{"storageClassName":"needed","capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"csi":{"driver":"needed.example.com","volumeHandle":"v"}}}
            """);
        await ClaimAsync("needed-data", "needed", "1Gi");
        await BoundAsync("needed-data");
        await PodAsync("needed-pod", "needed-data");
        await NotScheduledAsync("needed-pod", "2 needed.example.com CSI driver is not installed on the node");
        await PatchAsync("/apis/storage.k8s.io/v1/csidrivers/needed.example.com", """{"spec":{"preventPodSchedulingIfMissing":false}}""");
        await Cluster.RunningAsync("needed-pod");
    }

    [Fact]
    public async Task A_claim_for_one_pod_at_a_time_goes_over_to_a_more_important_pod()
    {
        await Cluster.CreateAsync("/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"exclusive-high"},"value":1000}""");
        await Cluster.CreateAsync(Volumes, """
            {"metadata":{"name":"exclusive-volume"},"spec":{"storageClassName":"exclusive","capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOncePod"],"csi":{"driver":"exclusive.example.com","volumeHandle":"v"}}}
            """);
        await ClaimAsync("exclusive-data", "exclusive", "1Gi", "ReadWriteOncePod");
        await PodAsync("exclusive-first", "exclusive-data");
        var first = await Cluster.RunningAsync("exclusive-first");
        await PodAsync("exclusive-equal", "exclusive-data");
        await NotScheduledAsync("exclusive-equal", "2 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode", "preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.");
        await PodAsync("exclusive-high", "exclusive-data", "\"priorityClassName\":\"exclusive-high\"");
        await Cluster.RunningAsync("exclusive-high");
        Assert.NotEqual((string?)first["metadata"]!["uid"], (string?)(await Cluster.FindPodAsync("exclusive-first"))?["metadata"]!["uid"]);
    }

    private string Node(int index) => Cluster.Nodes.NameOf(index);

    private async Task ClassAsync(string name, string provisioner, string more = "")
    {
        await Cluster.CreateAsync(Classes, $$$"""{"metadata":{"name":"{{{name}}}"},"provisioner":"{{{provisioner}}}","volumeBindingMode":"WaitForFirstConsumer"{{{more}}}}""");
        await Cluster.SeenAsync<V1StorageClass>(name);
    }

    /// <summary>Free to be bound, as far as the scheduler knows.</summary>
    private async Task VolumeAsync(string name, string storageClass, string size, int node)
    {
        await VolumeAsync(name, storageClass, size, Node(node), "");
        await Cluster.SeenAsync<V1PersistentVolume>(name, volume => volume.Status?.Phase is "Available" or "Bound");
    }

    private Task VolumeAsync(string name, string storageClass, string size, string node, string more) => Cluster.CreateAsync(Volumes, $$$"""
        {"metadata":{"name":"{{{name}}}"},"spec":{"storageClassName":"{{{storageClass}}}","capacity":{"storage":"{{{size}}}"},"accessModes":["ReadWriteOnce"],"local":{"path":"/data"}{{{more}}},
         "nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["{{{node}}}"]}]}]} } } }
        """);

    private Task ClaimAsync(string name, string storageClass, string size, string mode = "ReadWriteOnce") => Cluster.CreateAsync(Claims,
        $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"storageClassName":"{{{storageClass}}}","accessModes":["{{{mode}}}"],"resources":{"requests":{"storage":"{{{size}}}"} } } }""");

    private Task PodAsync(string name, string claim, string? more = null) => Cluster.PodAsync(name, $$$"""
        {{{(more is null ? "" : more + ",")}}}"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"{{{claim}}}"}}]
        """);

    /// <summary>What a provisioner does: a volume on that node, meant for the claim.</summary>
    private Task ProvisionAsync(string claim, string storageClass, string node) =>
        VolumeAsync($"{claim}-volume", storageClass, "1Gi", node, $$$""","claimRef":{"kind":"PersistentVolumeClaim","apiVersion":"v1","namespace":"{{{SchedulingCluster.Namespace}}}","name":"{{{claim}}}"}""");

    private async Task NodeDriversAsync(int node, string driver, int count)
    {
        await Cluster.CreateAsync("/apis/storage.k8s.io/v1/csinodes", $$$"""{"metadata":{"name":"{{{Node(node)}}}"},"spec":{"drivers":[{"name":"{{{driver}}}","nodeID":"{{{Node(node)}}}","allocatable":{"count":{{{count}}}}}]}}""");
        await Cluster.SeenAsync<V1CSINode>(Node(node));
    }

    private async Task PatchAsync(string path, string body)
    {
        var response = await Cluster.Api.PatchAsync(path, body);
        Assert.True(response.StatusCode == HttpStatusCode.OK, response.Body);
    }

    private async Task<string> SelectedNodeAsync(string claim)
    {
        var told = await Cluster.UntilAsync(Claims, c => (string?)c["metadata"]!["name"] == claim && c["metadata"]!["annotations"]?["volume.kubernetes.io/selected-node"] is not null);
        return (string)told["metadata"]!["annotations"]!["volume.kubernetes.io/selected-node"]!;
    }

    private Task<JsonObject> BoundAsync(string claim) => Cluster.UntilAsync(Claims, c => (string?)c["metadata"]!["name"] == claim && (string?)c["status"]?["phase"] == "Bound");

    private Task NotScheduledAsync(string pod, string reasons, string preemption = NotHelpful) => Cluster.UntilAsync(Pods, p => (string?)p["metadata"]!["name"] == pod
        && p["status"]?["conditions"]?.AsArray().Any(c => (string?)c!["type"] == "PodScheduled" && (string?)c["reason"] == "Unschedulable" && (string?)c["message"] == $"0/2 nodes are available: {reasons}. {preemption}") == true);

    private Task EventAsync(string pod, string message) => Cluster.UntilAsync($"/api/v1/namespaces/{SchedulingCluster.Namespace}/events",
        e => (string?)e["involvedObject"]!["name"] == pod && (string?)e["reason"] == "FailedScheduling" && (string?)e["message"] == message);

    private Task ClaimEventAsync(string claim, string reason, string message) => Cluster.UntilAsync($"/api/v1/namespaces/{SchedulingCluster.Namespace}/events",
        e => (string?)e["involvedObject"]!["name"] == claim && (string?)e["reason"] == reason && (string?)e["message"] == message);

    public sealed class Fixture : IAsyncLifetime
    {
        public SchedulingCluster Cluster { get; private set; } = null!;

        public async Task InitializeAsync() => Cluster = await SchedulingCluster.StartAsync();

        public async Task DisposeAsync() => await Cluster.DisposeAsync();
    }
}
