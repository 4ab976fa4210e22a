using System.Text.Json.Nodes;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>What kubectl of three releases shows of what is stored.</summary>
public sealed class ReadingTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Lists_are_shown_in_each_format_selected_sorted_and_paged(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "read");
        var items = string.Concat(Enumerable.Range(0, 7).Select(i => $"- {{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, labels: {{odd: '{i % 2}', rank: '{9 - i}'}}}}, spec: {{restartPolicy: {(i < 2 ? "Never" : "Always")}, containers: [{{name: c, image: 'i:{i}'}}]}}}}\n"));
        await kubectl.OkWithAsync("apiVersion: v1\nkind: List\nitems:\n" + items, "create", "-f", "-");

        var table = (await kubectl.OkAsync("get", "pods", "--chunk-size=2")).Split('\n');
        Assert.Matches("^NAME +READY +STATUS +RESTARTS +AGE$", table[0]);
        Assert.Matches("^p0 +0/1 +Pending +0 +[0-9]+s$", table[1]);
        Assert.Equal(9, table.Length);
        Assert.Matches("^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n", await kubectl.OkAsync("get", "pods", "-o", "wide"));
        Assert.Matches("(?m)^NAME .* LABELS$", await kubectl.OkAsync("get", "pods", "--show-labels"));
        Assert.Equal("pod/p1\npod/p3\npod/p5\n", await kubectl.OkAsync("get", "pods", "-l", "odd=1", "-o", "name"));
        Assert.Equal("pod/p0\npod/p1\n", await kubectl.OkAsync("get", "pods", "-l", "odd in (0,1),rank notin (7,6,5,4,3)", "-o", "name"));
        Assert.Equal("pod/p0\npod/p1\n", await kubectl.OkAsync("get", "pods", "--field-selector", "spec.restartPolicy=Never", "-o", "name"));
        Assert.Equal("pod/p2\n", await kubectl.OkAsync("get", "pods", "--field-selector", "metadata.name=p2,status.phase!=Running", "-o", "name"));
        Assert.Equal("pod/p6\npod/p5\npod/p4\npod/p3\npod/p2\npod/p1\npod/p0\n", await kubectl.OkAsync("get", "pods", "--sort-by={.metadata.labels.rank}", "-o", "name"));
        Assert.Equal("NAME   IMAGE\np0     i:0\np2     i:2\np4     i:4\np6     i:6\n", await kubectl.OkAsync("get", "pods", "-l", "odd=0", "-o", "custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[0].image"));
        Assert.Equal("p0=i:0;p2=i:2;p4=i:4;p6=i:6;", await kubectl.OkAsync("get", "pods", "-l", "odd=0", "-o", "jsonpath={range .items[*]}{.metadata.name}={.spec.containers[0].image};{end}"));
        Assert.Equal(7, JsonNode.Parse(await kubectl.OkAsync("get", "pods", "-o", "json"))!["items"]!.AsArray().Count);
        Assert.StartsWith("apiVersion: v1\nkind: Pod\nmetadata:\n", await kubectl.OkAsync("get", "pod", "p0", "-o", "yaml"));
        Assert.Contains("No resources found in", (await kubectl.RunAsync(["get", "secrets"])).Error);
        Assert.Contains("p0", await kubectl.OkAsync("get", "all"));
        Assert.Contains(kubectl.Namespace, await kubectl.OkAsync("get", "pods", "-A"));
        Assert.Equal(3, JsonNode.Parse(await kubectl.OkAsync("get", "--raw", $"/api/v1/namespaces/{kubectl.Namespace}/pods?limit=3"))!["items"]!.AsArray().Count);

        Assert.Contains("field label not supported: spec.nonsense", await kubectl.FailAsync("get", "pods", "--field-selector", "spec.nonsense=1"));
        Assert.Contains("unable to parse requirement", await kubectl.FailAsync("get", "pods", "-l", "a in b"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_watch_shows_what_is_there_and_what_changes(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "watch");
        await kubectl.OkAsync("create", "configmap", "first");
        // The list is asked for with a time limit, so the watch ends by itself.
        var watching = kubectl.RunAsync(["get", "configmap", "-w", "-o", "name", "--request-timeout=4s"]);
        await using var watch = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/configmaps?watch=true&resourceVersion=0&labelSelector=late");
        await kubectl.OkAsync("create", "configmap", "second");
        await kubectl.OkAsync("label", "configmap", "second", "late=1");
        Assert.Equal(["ADDED second"], await watch.TakeAsync(1));
        var shown = (await watching).Out;
        Assert.StartsWith("configmap/", shown);
        Assert.Contains("configmap/first\n", shown);
        Assert.Contains("configmap/second\n", shown);
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Objects_are_described_and_kinds_explained(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "describe");
        await kubectl.ApplyAsync("""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: p}}, spec: {containers: [{name: c, image: 'i:1', ports: [{containerPort: 80}], resources: {limits: {cpu: 100m}}}]}}
            - {apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {app: p}, ports: [{port: 80}]}}
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: v}}
            - {apiVersion: v1, kind: Secret, metadata: {name: x}, stringData: {k: v}}
            - {apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}
            - {apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
            - {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: np}, spec: {podSelector: {}}}
            """);
        Assert.Matches(@"(?m)^    Image: +i:1$", await kubectl.OkAsync("describe", "pod", "p"));
        Assert.Matches(@"(?m)^TargetPort: +80/TCP$", await kubectl.OkAsync("describe", "service", "s"));
        foreach (var what in (string[])["configmap/c", "secret/x", "role/r", "job/j", "networkpolicy/np", $"namespace/{kubectl.Namespace}", "serviceaccount/default", "clusterrole/view"])
            Assert.Contains("Name:", await kubectl.OkAsync("describe", what));

        Assert.Contains("containers", await kubectl.OkAsync("explain", "pod.spec"));
        Assert.Contains("maxSurge", await kubectl.OkAsync("explain", "deployment.spec.strategy.rollingUpdate.maxSurge"));
        Assert.Contains("readinessProbe", await kubectl.OkAsync("explain", "deployment", "--recursive"));
        Assert.Contains("timeZone", await kubectl.OkAsync("explain", "cronjob.spec", "--api-version=batch/v1"));
        Assert.Contains("field \"nonsense\" does not exist", await kubectl.FailAsync("explain", "pod.nonsense"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task The_server_tells_of_itself(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "about");
        var resources = await kubectl.OkAsync("api-resources", "-o", "wide");
        Assert.Matches(@"(?m)^deployments +deploy +apps/v1 +true +Deployment ", resources);
        Assert.Equal("", string.Join(",", new[] { "pods", "services", "nodes", "cronjobs", "ingresses", "clusterroles", "storageclasses" }.Where(r => !resources.Contains("\n" + r + " ", StringComparison.Ordinal))));
        Assert.Contains("apps/v1\n", await kubectl.OkAsync("api-versions"));
        Assert.Contains("is running at", await kubectl.OkAsync("cluster-info"));
        Assert.Contains("v1.37.0", await kubectl.OkAsync("version", "-o", "json"));
        Assert.Equal("ok", (await kubectl.OkAsync("get", "--raw", "/readyz")).Trim());
        Assert.Contains("Healthy", await kubectl.OkAsync("get", "componentstatuses"));
        Assert.Contains("pods\n", await kubectl.OkAsync("api-resources", "--api-group=", "-o", "name"));
        Assert.NotEqual("", await kubectl.OkAsync("api-resources", "--verbs=list,create", "--namespaced=false", "-o", "name"));
    }
}
