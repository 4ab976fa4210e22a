using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>What goes wrong is visible in `kubectl describe` with the reason that Kubernetes gives.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class FailureTests(SharedCluster shared)
{
    private readonly LiteKubeCluster _cluster = shared.Cluster;

    [Fact]
    public async Task An_image_that_cannot_be_pulled_shows_ErrImagePull_and_backs_off()
    {
        (await _cluster.KubectlAsync("create", "namespace", "bad-image")).Success();
        (await _cluster.KubectlAsync("-n", "bad-image", "run", "p", "--image=registry.invalid/no/such:1", "--restart=Never")).Success();
        (await _cluster.KubectlAsync("-n", "bad-image", "wait", "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff", "pod/p", "--timeout=60s")).Success();
        var text = await Describe("bad-image", "p");
        Assert.Contains("Failed to pull image \"registry.invalid/no/such:1\"", text);
        Assert.Contains("Error: ErrImagePull", text);
        Assert.Contains("Back-off pulling image \"registry.invalid/no/such:1\"", text);
    }

    [Fact]
    public async Task A_crashing_container_shows_CrashLoopBackOff_with_its_exit_code()
    {
        (await _cluster.KubectlAsync("create", "namespace", "crash")).Success();
        (await _cluster.KubectlAsync("-n", "crash", "run", "p", "--image=busybox:e2e", "--", "sh", "-c", "echo going down; exit 3")).Success();
        (await _cluster.KubectlAsync("-n", "crash", "wait", "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff", "pod/p", "--timeout=60s")).Success();
        var text = await Describe("crash", "p");
        Assert.Matches(@"Exit Code:\s+3", text);
        Assert.Contains("Back-off restarting failed container p in pod p_crash(", text);
        Assert.Equal("going down", (await _cluster.KubectlAsync("-n", "crash", "logs", "p", "--previous")).Success().Trim());
    }

    [Fact]
    public async Task A_pod_that_fits_nowhere_says_why()
    {
        (await _cluster.KubectlAsync("create", "namespace", "unfit")).Success();
        await _cluster.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: unfit}
            spec:
              containers:
              - {name: c, image: 'busybox:e2e', resources: {requests: {cpu: '1000'} } }
            """);
        (await _cluster.KubectlAsync("-n", "unfit", "wait", "--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}=Unschedulable", "pod/p", "--timeout=30s")).Success();
        var text = await Describe("unfit", "p");
        Assert.Contains("FailedScheduling", text);
        Assert.Contains("0/1 nodes are available: 1 Insufficient cpu.", text);
    }

    [Fact]
    public async Task A_node_port_that_is_taken_is_refused_by_its_field()
    {
        (await _cluster.KubectlAsync("create", "namespace", "ports")).Success();
        (await _cluster.KubectlAsync("-n", "ports", "create", "service", "nodeport", "a", "--tcp=80", "--node-port=32111")).Success();
        var refused = (await _cluster.KubectlAsync("-n", "ports", "create", "service", "nodeport", "b", "--tcp=80", "--node-port=32111")).Failure();
        Assert.Contains("spec.ports[0].nodePort: Invalid value: 32111: provided port is already allocated", refused.Error);
    }

    [Fact]
    public async Task A_quota_that_is_used_up_is_named_where_the_deployment_is_described()
    {
        (await _cluster.KubectlAsync("create", "namespace", "quota")).Success();
        (await _cluster.KubectlAsync("-n", "quota", "create", "quota", "few", "--hard=pods=1")).Success();
        (await _cluster.KubectlAsync("-n", "quota", "create", "deployment", "web", "--image=busybox:e2e", "--replicas=2", "--", "sleep", "1000")).Success();
        (await _cluster.KubectlAsync("-n", "quota", "wait", "--for=condition=ReplicaFailure", "deployment/web", "--timeout=30s")).Success();
        var text = (await _cluster.KubectlAsync("-n", "quota", "describe", "replicaset")).Success();
        Assert.Contains("FailedCreate", text);
        Assert.Contains("exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1", text);
    }

    [Theory]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: b, colour: red}]}", "unknown field \"spec.containers[0].colour\"")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: {name: P_1}\nspec: {containers: [{name: c, image: b}]}", "metadata.name: Invalid value: \"P_1\"")]
    [InlineData("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: b}]}}}", "`selector` does not match template `labels`")]
    [InlineData("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: b, ports: [{containerPort: 99999}]}]}", "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive")]
    [InlineData("apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: nothing}", "no matches for kind \"Nothing\" in version \"example.com/v1\"")]
    public async Task Bad_input_is_refused_in_Kubernetes_words(string manifest, string message)
    {
        var refused = (await _cluster.KubectlAsync(["apply", "-f", "-"], manifest)).Failure();
        Assert.Contains(message, refused.Error);
    }

    private async Task<string> Describe(string ns, string pod) => (await _cluster.KubectlAsync("-n", ns, "describe", "pod", pod)).Success();
}
