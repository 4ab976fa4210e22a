using System.Text;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;
using static LiteKube.ApiServer.Tests.Authorization.RbacAuthorizerTests;

namespace LiteKube.ApiServer.Tests.Authorization;

public sealed class NodeAuthorizerTests
{
    private static readonly UserInfo Node1 = new("system:node:n1", [UserInfo.NodesGroup]);
    private static readonly UserInfo Node2 = new("system:node:n2", [UserInfo.NodesGroup]);

    private readonly InMemoryObjects _objects = new();
    private readonly NodeAuthorizer _nodes;

    public NodeAuthorizerTests()
    {
        _nodes = new NodeAuthorizer(_objects);
        _objects.Put(Pod("web", "n1", """
            "serviceAccountName":"bot","imagePullSecrets":[{"name":"pull"}],
            "containers":[{"name":"c","env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"env-secret","key":"k"}}}],"envFrom":[{"configMapRef":{"name":"env-map"}}]}],
            "volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}},{"name":"p","projected":{"sources":[{"configMap":{"name":"projected-map"}}]}}]
            """));
    }

    [Theory]
    [InlineData("secrets", "pull", true)]
    [InlineData("secrets", "env-secret", true)]
    [InlineData("secrets", "other", false)]
    [InlineData("configmaps", "env-map", true)]
    [InlineData("configmaps", "projected-map", true)]
    [InlineData("configmaps", "other", false)]
    [InlineData("persistentvolumeclaims", "data", true)]
    [InlineData("pods", "web", true)]
    public void A_node_reads_what_its_pods_name(string resource, string name, bool allowed)
    {
        Assert.Equal(allowed, Can(Node1, "get", resource, "default", name));
        Assert.False(Can(Node2, "get", resource, "default", name));
        Assert.False(Can(Node1, "get", resource, "elsewhere", name));
    }

    [Fact]
    public void The_right_ends_with_the_last_pod_that_needs_it()
    {
        _objects.Put(Pod("second", "n1", """ "imagePullSecrets":[{"name":"pull"}] """));
        _objects.Delete(new("", "pods"), "default", "web");
        Assert.True(Can(Node1, "get", "secrets", "default", "pull"));
        Assert.False(Can(Node1, "get", "secrets", "default", "env-secret"));
        _objects.Delete(new("", "pods"), "default", "second");
        Assert.False(Can(Node1, "get", "secrets", "default", "pull"));
    }

    [Theory]
    [InlineData("""{"metadata":{"uid":"u"},"spec":{"nodeName":"n"},"status":{"phase":"Pending"}}""", """{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}""", false)]
    [InlineData("""{"metadata":{"uid":"u","labels":{"a":"b"}},"spec":{"nodeName":"n"}}""", """{"metadata":{"labels":{"a":"c"},"uid":"u"},"spec":{"nodeName":"n"}}""", false)]
    [InlineData("""{"metadata":{"uid":"u"},"spec":{"nodeName":"n","ephemeralContainers":[{"name":"d"}]}}""", """{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}""", true)]
    [InlineData("""{"metadata":{"uid":"v"},"spec":{"nodeName":"n"}}""", """{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}""", true)]
    [InlineData("""{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}""", """{"metadata":{"uid":"u"},"spec":{}}""", true)]
    [InlineData("""{"metadata":{"uid":"v"},"spec":{}}""", """{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}""", true)]
    [InlineData("""{"metadata":{"uid":"u","managedFields":[{"fieldsV1":{"f:spec":{"f:nodeName":{}}}}]},"spec":{}}""", "", false)]
    [InlineData("", """{"metadata":{"uid":"u"},"spec":{"nodeName":"n"}}""", true)]
    public void A_write_that_leaves_a_placed_pods_spec_as_it_is_is_not_looked_at(string now, string old, bool concerns) =>
        Assert.Equal(concerns, NodePodGraph.Concerns(Encoding.UTF8.GetBytes(now), Encoding.UTF8.GetBytes(old)));

    [Fact]
    public void A_mirror_pod_gives_no_rights()
    {
        _objects.Put("""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"static","namespace":"default","annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n2","imagePullSecrets":[{"name":"stolen"}]}}""");
        Assert.False(Can(Node2, "get", "secrets", "default", "stolen"));
        Assert.True(Can(Node2, "get", "pods", "default", "static"));
    }

    [Fact]
    public void A_volume_is_read_through_its_claim()
    {
        _objects.Put("""{"kind":"PersistentVolume","apiVersion":"v1","metadata":{"name":"pv1"},"spec":{"claimRef":{"namespace":"default","name":"data"}}}""");
        Assert.True(Can(Node1, "get", "persistentvolumes", "", "pv1"));
        Assert.False(Can(Node2, "get", "persistentvolumes", "", "pv1"));
    }

    [Fact]
    public void Tokens_leases_nodes_and_lists_are_its_own()
    {
        Assert.True(Can(Node1, "create", "serviceaccounts", "default", "bot", "token"));
        Assert.False(Can(Node1, "create", "serviceaccounts", "default", "admin", "token"));
        Assert.True(Can(Node1, "update", "leases", "kube-node-lease", "n1", group: "coordination.k8s.io"));
        Assert.False(Can(Node1, "update", "leases", "kube-node-lease", "n2", group: "coordination.k8s.io"));
        Assert.False(Can(Node1, "get", "leases", "default", "n1", group: "coordination.k8s.io"));
        Assert.True(Can(Node1, "get", "nodes", "", "n1"));
        Assert.False(Can(Node1, "get", "nodes", "", "n2"));
        Assert.True(_nodes.Authorize(Node1, Request("list", "", "pods", "", fieldSelector: "spec.nodeName=n1")).Allowed);
        Assert.False(_nodes.Authorize(Node1, Request("list", "", "pods", "", fieldSelector: "spec.nodeName=n2")).Allowed);
        Assert.False(Can(Node1, "list", "secrets", "default", ""));
    }

    [Fact]
    public void Everyone_else_gets_no_answer_here()
    {
        Assert.False(Can(new("system:node:n1", []), "get", "secrets", "default", "pull"));
        Assert.False(Can(new("jane", [UserInfo.NodesGroup]), "get", "secrets", "default", "pull"));
        Assert.Equal("no relationship found between node 'n2' and this object", _nodes.Authorize(Node2, Request("get", "", "secrets", "default", name: "pull")).Reason);
    }

    private bool Can(UserInfo user, string verb, string resource, string ns, string name, string subresource = "", string group = "") =>
        _nodes.Authorize(user, Request(verb, group, resource, ns, subresource, name)).Allowed;

    private static string Pod(string name, string node, string spec) =>
        $$$"""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"{{{name}}}","namespace":"default"},"spec":{"nodeName":"{{{node}}}",{{{spec}}}}}""";
}
