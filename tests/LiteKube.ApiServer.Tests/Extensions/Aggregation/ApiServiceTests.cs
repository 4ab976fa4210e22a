using System.Net;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Tests.Extensions.CustomResources;
using LiteKube.Testing;
using static LiteKube.ApiServer.Tests.Extensions.Aggregation.ExtensionServers;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>APIServices as objects: what is valid, what is defaulted, and those that the server keeps itself.</summary>
public sealed class ApiServiceTests
{
    private const string Remote = """{"metadata":{"name":"v1.a.example.com","labels":{"set":"x"}},"spec":{"group":"a.example.com","version":"v1","groupPriorityMinimum":2000,"versionPriority":20,"service":{"namespace":"ns","name":"svc"}}}""";

    [Theory]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1}""", "v2.a.example.com", "metadata.name: Invalid value: \"v2.a.example.com\": must be `spec.version+\".\"+spec.group`: \"v1.a.example.com\"")]
    [InlineData("""{"version":"v2","groupPriorityMinimum":1,"versionPriority":1}""", "v2.", "spec.group: Required value: only v1 may have an empty group and it better be legacy kube")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":20001,"versionPriority":1}""", "v1.a.example.com", "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":0}""", "v1.a.example.com", "spec.versionPriority: Invalid value: 0: must be positive and less than 1000")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"caBundle":"AAAA"}""", "v1.a.example.com", "spec.caBundle: Invalid value: \"3 bytes\": local APIServices may not have a caBundle")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"insecureSkipTLSVerify":true}""", "v1.a.example.com", "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"service":{"name":"s","namespace":"n"},"caBundle":"AAAA","insecureSkipTLSVerify":true}""", "v1.a.example.com", "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"service":{"name":"s","namespace":"n","port":70000}}""", "v1.a.example.com", "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive")]
    [InlineData("""{"group":"a.example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"service":{}}""", "v1.a.example.com", "spec.service.namespace: Required value")]
    public async Task An_APIService_is_refused_in_Kubernetes_words(string spec, string name, string complaint)
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.PostAsync(ApiServices, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}}""");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains(complaint, refused.Message(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_APIService_is_read_patched_replaced_listed_by_label_and_removed_by_label_and_its_status_has_an_endpoint_of_its_own()
    {
        await using var server = await TestApiServer.StartAsync();
        var created = await server.PostAsync(ApiServices, Remote);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal(443, created.Json["spec"]!["service"]!["port"]!.GetValue<int>());
        Assert.False(created.Json["metadata"]!.AsObject().ContainsKey("generation"));
        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "ServiceNotFound", "v1.a.example.com");

        var patched = await server.PatchAsync($"{ApiServices}/v1.a.example.com", """{"metadata":{"labels":{"more":"y"}},"spec":{"versionPriority":400}}""", "application/strategic-merge-patch+json");
        Assert.Equal("400 y", $"{patched.Json["spec"]!["versionPriority"]} {patched.Json["metadata"]!["labels"]!["more"]}");
        var status = await server.PatchAsync($"{ApiServices}/v1.a.example.com/status", """{"metadata":{"labels":{"not":"here"}},"spec":{"versionPriority":1},"status":{"conditions":[{"type":"StatusUpdated","status":"True","reason":"E2E","message":"set"}]}}""", "application/strategic-merge-patch+json");
        Assert.Equal(HttpStatusCode.OK, status.StatusCode);
        Assert.Equal(["StatusUpdated", "Available"], status.Json["status"]!["conditions"]!.AsArray().Select(c => c!["type"]!.GetValue<string>()).OrderDescending());
        Assert.Equal("400", status.Json["spec"]!["versionPriority"]!.ToString());
        Assert.False(status.Json["metadata"]!["labels"]!.AsObject().ContainsKey("not"));
        var wrong = await server.PatchAsync($"{ApiServices}/v1.a.example.com/status", """{"status":{"conditions":[{"type":"Odd","status":"Maybe"}]}}""", "application/strategic-merge-patch+json");
        Assert.Contains("status: Unsupported value: \"Maybe\": supported values: \"True\", \"False\", \"Unknown\"", wrong.Message(), StringComparison.Ordinal);

        var standing = (await server.GetAsync($"{ApiServices}/v1.a.example.com")).Json;
        standing["spec"]!["groupPriorityMinimum"] = 1999;
        Assert.Equal("1999", (await server.PutAsync($"{ApiServices}/v1.a.example.com", standing.ToJsonString())).Json["spec"]!["groupPriorityMinimum"]!.ToString());
        var list = await server.GetAsync($"{ApiServices}?labelSelector=set%3Dx");
        Assert.Equal("v1.a.example.com", Assert.Single(list.Json["items"]!.AsArray())!["metadata"]!["name"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, (await server.DeleteAsync($"{ApiServices}?labelSelector=set%3Dx")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{ApiServices}/v1.a.example.com")).StatusCode);
    }

    [Fact]
    public async Task Each_group_version_of_the_server_has_an_APIService_that_is_available()
    {
        await using var server = await TestApiServer.StartAsync();
        foreach (var name in (string[])["v1.", "v1.apps", "v2.autoscaling", "v1.apiextensions.k8s.io"])
        {
            var condition = await server.WaitForAvailableAsync(_ => true, name);
            Assert.Equal("True Local Local APIServices are always available", $"{condition["status"]} {condition["reason"]} {condition["message"]}");
        }
        var apps = (await server.GetAsync($"{ApiServices}/v1.apps")).Json;
        Assert.Equal("17800 15 onstart", $"{apps["spec"]!["groupPriorityMinimum"]} {apps["spec"]!["versionPriority"]} {apps["metadata"]!["labels"]!["kube-aggregator.kubernetes.io/automanaged"]}");
        Assert.Equal(HttpStatusCode.NotFound, (await server.GetAsync($"{ApiServices}/v1.apiregistration.k8s.io")).StatusCode);

        var table = (await server.GetAsync($"{ApiServices}/v1.apps", "application/json;as=Table;v=v1;g=meta.k8s.io")).Json;
        Assert.Equal("Name Service Available Age", string.Join(' ', table["columnDefinitions"]!.AsArray().Select(c => c!["name"])));
        Assert.Equal("v1.apps Local True", string.Join(' ', table["rows"]![0]!["cells"]!.AsArray().Take(3).Select(c => c!.ToString())));
    }

    [Fact]
    public async Task A_CRD_brings_an_APIService_for_each_version_that_is_kept_and_goes_with_it()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.EstablishAsync(CustomServer.Foo());
        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "Local", "v1.example.com");
        var made = (await server.GetAsync($"{ApiServices}/v1.example.com")).Json;
        Assert.Equal("1000 100 true", $"{made["spec"]!["groupPriorityMinimum"]} {made["spec"]!["versionPriority"]} {made["metadata"]!["labels"]!["kube-aggregator.kubernetes.io/automanaged"]}");

        await using var watch = await server.WatchAsync($"{ApiServices}?watch=1&fieldSelector=metadata.name%3Dv1.example.com&resourceVersion={made["metadata"]!["resourceVersion"]}");
        await server.PatchAsync($"{ApiServices}/v1.example.com", """{"spec":{"versionPriority":7}}""");
        Assert.Equal("7", (await watch.NextAsync())!["object"]!["spec"]!["versionPriority"]!.ToString());
        Assert.Equal("100", (await watch.NextAsync())!["object"]!["spec"]!["versionPriority"]!.ToString());
        await server.DeleteAsync($"{ApiServices}/v1.example.com");
        Assert.Equal(["DELETED v1.example.com", "ADDED v1.example.com"], await watch.TakeAsync(2));
        await server.DeleteAsync($"{CustomServer.Definitions}/foos.example.com");
        Assert.Equal(["DELETED v1.example.com"], await watch.TakeAsync(1));
        Assert.DoesNotContain("example.com", (await server.GetAsync("/apis")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_built_in_APIService_comes_back_when_it_is_removed_and_is_the_users_to_change()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.WaitForAvailableAsync(_ => true, "v1.batch");
        var standing = (await server.GetAsync($"{ApiServices}/v1.batch")).Json;
        await using var watch = await server.WatchAsync($"{ApiServices}?watch=1&fieldSelector=metadata.name%3Dv1.batch&resourceVersion={standing["metadata"]!["resourceVersion"]}");

        await server.DeleteAsync($"{ApiServices}/v1.batch");
        Assert.Equal(["DELETED v1.batch", "ADDED v1.batch"], await watch.TakeAsync(2));
        await server.PatchAsync($"{ApiServices}/v1.batch", """{"spec":{"groupPriorityMinimum":19999}}""");
        Assert.Equal(["MODIFIED v1.batch"], await watch.TakeAsync(1));

        var groups = (await server.GetAsync("/apis")).Json["groups"]!.AsArray().Select(g => g!["name"]!.GetValue<string>()).ToList();
        Assert.Equal(["apiregistration.k8s.io", "batch", "apps"], groups.Take(3));
        Assert.Equal("19999", (await server.GetAsync($"{ApiServices}/v1.batch")).Json["spec"]!["groupPriorityMinimum"]!.ToString());
    }

    [Fact]
    public async Task The_configuration_for_extension_servers_is_put_back_when_somebody_changes_or_removes_it()
    {
        await using var server = await TestApiServer.StartAsync();
        var standing = (await server.GetAsync(AuthenticationConfig)).Json;
        Assert.Equal(
            """requestheader-allowed-names=["front-proxy-client"] requestheader-extra-headers-prefix=["X-Remote-Extra-"] requestheader-group-headers=["X-Remote-Group"] requestheader-uid-headers=["X-Remote-Uid"] requestheader-username-headers=["X-Remote-User"]""",
            string.Join(' ', standing["data"]!.AsObject().Where(d => !d.Key.EndsWith("-file", StringComparison.Ordinal)).Select(d => $"{d.Key}={d.Value}")));
        Assert.Equal(server.Server.Pki.FrontProxyAuthorityPem, standing["data"]!["requestheader-client-ca-file"]!.GetValue<string>());
        Assert.Equal(server.Server.Pki.CertificateAuthorityPem, standing["data"]!["client-ca-file"]!.GetValue<string>());
        await using var watch = await server.WatchAsync($"/api/v1/namespaces/kube-system/configmaps?watch=1&fieldSelector=metadata.name%3Dextension-apiserver-authentication&resourceVersion={standing["metadata"]!["resourceVersion"]}");

        await server.PatchAsync(AuthenticationConfig, """{"data":{"requestheader-allowed-names":"[]"}}""");
        Assert.Equal("[]", (await watch.NextAsync())!["object"]!["data"]!["requestheader-allowed-names"]!.GetValue<string>());
        Assert.Equal("[\"front-proxy-client\"]", (await watch.NextAsync())!["object"]!["data"]!["requestheader-allowed-names"]!.GetValue<string>());
        await server.DeleteAsync(AuthenticationConfig);

        Assert.Equal(["DELETED extension-apiserver-authentication", "ADDED extension-apiserver-authentication"], await watch.TakeAsync(2));
        Assert.True(JsonNode.DeepEquals(standing["data"], (await server.GetAsync(AuthenticationConfig)).Json["data"]));
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/extension-apiserver-authentication-reader")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync("/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth-delegator")).StatusCode);
    }
}
