using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Bootstrap;
using LiteKube.ApiServer.Certificates;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.ApiServer.Tests.Bootstrap;

public sealed class ClusterBootstrapTests : IAsyncLifetime
{
    private static readonly GroupResource ClusterRoles = new("rbac.authorization.k8s.io", "clusterroles");
    private static readonly GroupResource ClusterRoleBindings = new("rbac.authorization.k8s.io", "clusterrolebindings");

    private readonly string _directory = Directory.CreateTempSubdirectory("litekube-boot-").FullName;
    private readonly InMemoryObjects _objects = new();
    private ClusterPki _pki = null!;

    public async Task InitializeAsync() => _pki = await ClusterPki.OpenAsync(new(Path.Combine(_directory, "pki"), []), TimeProvider.System, NullLogger.Instance, CancellationToken.None);

    public Task DisposeAsync()
    {
        _pki.Dispose();
        Directory.Delete(_directory, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_new_cluster_gets_its_namespaces_classes_roles_service_and_configuration()
    {
        await RunAsync();
        Assert.Equal(["default", "kube-node-lease", "kube-public", "kube-system"], _objects.List(new("", "namespaces")).Select(Name).Order());
        Assert.Equal(2_000_001_000, _objects.Get(new("scheduling.k8s.io", "priorityclasses"), "", "system-node-critical")!["value"]!.GetValue<int>());
        foreach (var role in (string[])["cluster-admin", "admin", "edit", "view", "system:auth-delegator", "system:service-account-issuer-discovery", "system:discovery", "system:basic-user", "system:public-info-viewer", "system:node", "system:kube-scheduler", "system:controller:deployment-controller"])
            Assert.NotNull(_objects.Get(ClusterRoles, "", role));
        Assert.NotNull(_objects.Get(new("rbac.authorization.k8s.io", "roles"), "kube-system", "extension-apiserver-authentication-reader"));
        var service = _objects.Get(new("", "services"), "default", "kubernetes")!;
        Assert.Equal("10.152.183.1", service["spec"]!["clusterIP"]!.GetValue<string>());
        Assert.Equal("192.0.2.7", _objects.Get(new("", "endpoints"), "default", "kubernetes")!["subsets"]![0]!["addresses"]![0]!["ip"]!.GetValue<string>());
        Assert.Contains("BEGIN CERTIFICATE", _objects.Get(new("", "configmaps"), "kube-system", "extension-apiserver-authentication")!["data"]!["client-ca-file"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Admin_holds_what_edit_holds_and_edit_what_view_holds()
    {
        await RunAsync();
        string[] Rules(string role) => [.. _objects.Get(ClusterRoles, "", role)!["rules"]!.AsArray().Select(r => r!.ToJsonString())];
        Assert.NotEmpty(Rules("view"));
        Assert.Superset(Rules("view").ToHashSet(), Rules("edit").ToHashSet());
        Assert.Superset(Rules("edit").ToHashSet(), Rules("admin").ToHashSet());
        Assert.True(Rules("admin").Length > Rules("edit").Length && Rules("edit").Length > Rules("view").Length);
    }

    [Fact]
    public async Task A_second_start_writes_nothing()
    {
        await RunAsync();
        var writes = _objects.Writes;
        await RunAsync();
        Assert.Equal(writes, _objects.Writes);
    }

    [Fact]
    public async Task A_lost_rule_and_a_lost_subject_come_back_and_added_ones_stay()
    {
        await RunAsync();
        var role = (JsonObject)_objects.Get(ClusterRoles, "", "system:discovery")!.DeepClone();
        role["rules"] = JsonNode.Parse("""[{"verbs":["get"],"apiGroups":["mine"],"resources":["things"]}]""");
        _objects.Put(role);
        var binding = (JsonObject)_objects.Get(ClusterRoleBindings, "", "system:discovery")!.DeepClone();
        binding["subjects"] = JsonNode.Parse("""[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"}]""");
        _objects.Put(binding);
        await RunAsync();
        var rules = _objects.Get(ClusterRoles, "", "system:discovery")!["rules"]!.ToJsonString();
        Assert.Contains("mine", rules, StringComparison.Ordinal);
        Assert.Contains("/apis/*", rules, StringComparison.Ordinal);
        Assert.Equal(2, _objects.Get(ClusterRoleBindings, "", "system:discovery")!["subjects"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_role_whose_autoupdate_annotation_says_false_is_left_alone()
    {
        await RunAsync();
        var role = (JsonObject)_objects.Get(ClusterRoles, "", "system:discovery")!.DeepClone();
        role["rules"] = new JsonArray();
        role["metadata"]!["annotations"]!["rbac.authorization.kubernetes.io/autoupdate"] = "false";
        _objects.Put(role);
        await RunAsync();
        Assert.Empty(_objects.Get(ClusterRoles, "", "system:discovery")!["rules"]!.AsArray());
    }

    [Fact]
    public async Task A_changed_address_moves_the_endpoints_and_the_slice()
    {
        await RunAsync();
        await Bootstrap().ReconcileEndpointsAsync(IPAddress.Parse("192.0.2.8"), 16443, CancellationToken.None);
        Assert.Equal("192.0.2.8", _objects.Get(new("", "endpoints"), "default", "kubernetes")!["subsets"]![0]!["addresses"]![0]!["ip"]!.GetValue<string>());
        Assert.Equal("192.0.2.8", _objects.Get(new("discovery.k8s.io", "endpointslices"), "default", "kubernetes")!["endpoints"]![0]!["addresses"]![0]!.GetValue<string>());
    }

    private Task RunAsync() => Bootstrap().RunAsync(16443, CancellationToken.None);

    private ClusterBootstrap Bootstrap() =>
        new(_objects, _objects, _pki, new() { Listen = [], DataDirectory = _directory, AdvertiseAddress = IPAddress.Parse("192.0.2.7") }, TimeProvider.System);

    private static string Name(JsonObject value) => value["metadata"]!["name"]!.GetValue<string>();
}
