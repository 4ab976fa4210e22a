using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>kubectl's commands on workloads, with the controllers at work behind them.</summary>
public sealed class WorkloadTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_deployment_is_scaled_rolled_out_and_back(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "rollout");
        await kubectl.OkAsync("create", "deployment", "web", "--image=web:1");
        Assert.Equal("deployment.apps/web scaled\n", await kubectl.OkAsync("scale", "deployment", "web", "--replicas=2"));
        Assert.Contains("xpected replicas to be 9, was 2", await kubectl.FailAsync("scale", "deployment", "web", "--replicas=3", "--current-replicas=9"));
        await UntilRevisionAsync(kubectl, 1);
        Assert.Equal("deployment.apps/web image updated\n", await kubectl.OkAsync("set", "image", "deployment/web", "web=web:2"));
        await UntilRevisionAsync(kubectl, 2);
        var history = await kubectl.OkAsync("rollout", "history", "deployment/web");
        Assert.Matches(@"(?s)^deployment.apps/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n", history);
        Assert.Matches("Image:\\s+web:1", await kubectl.OkAsync("rollout", "history", "deployment/web", "--revision=1"));
        Assert.Equal("deployment.apps/web rolled back\n", await kubectl.OkAsync("rollout", "undo", "deployment/web"));
        await UntilRevisionAsync(kubectl, 3);
        Assert.Equal("web:1", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[0].image}"));
        Assert.Equal("deployment.apps/web paused\n", await kubectl.OkAsync("rollout", "pause", "deployment/web"));
        Assert.Equal("deployment.apps/web resumed\n", await kubectl.OkAsync("rollout", "resume", "deployment/web"));
        Assert.Equal("deployment.apps/web restarted\n", await kubectl.OkAsync("rollout", "restart", "deployment/web"));
        await UntilRevisionAsync(kubectl, 4);
        Assert.Contains("Name:", await kubectl.OkAsync("describe", "deployment", "web"));

        Assert.Equal("service/web exposed\n", await kubectl.OkAsync("expose", "deployment", "web", "--port=80"));
        Assert.Matches(@"^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE +SELECTOR\nweb +ClusterIP +[0-9.]+ +<none> +80/TCP +\d+s +app=web\n$", await kubectl.OkAsync("get", "service", "web", "-o", "wide"));
        Assert.Equal("horizontalpodautoscaler.autoscaling/web autoscaled\n", await kubectl.OkAsync("autoscale", "deployment", "web", "--max=3"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Kubectl_waits_for_conditions_and_ends(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "wait");
        Assert.Equal("pod/p created\n", await kubectl.OkAsync("run", "p", "--image=busybox"));
        Assert.Contains("timed out waiting for the condition on pods/p", await kubectl.FailAsync("wait", "--for=condition=Ready", "pod/p", "--timeout=1s"));
        if (!kubectl.ValidatesItself)
            Assert.Equal("pod/p condition met\n", await kubectl.OkAsync("wait", "--for=jsonpath={.status.phase}=Pending", "pod/p", "--timeout=10s"));
        var waiting = kubectl.OkAsync("wait", "--for=condition=Ready", "pod/p", "--timeout=20s");
        var patched = await server.Api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods/p/status", """{"status":{"conditions":[{"type":"Ready","status":"True"}]}}""", "application/strategic-merge-patch+json");
        Assert.True(patched.StatusCode == System.Net.HttpStatusCode.OK, patched.Body);
        Assert.Equal("pod/p condition met\n", await waiting);
        await kubectl.OkAsync("patch", "pod", "p", "--type=merge", "-p", """{"metadata":{"finalizers":["example.com/held"]}}""");
        await kubectl.OkAsync("delete", "pod", "p", "--grace-period=0", "--force", "--wait=false");
        Assert.Contains("timed out waiting for the condition on pods/p", await kubectl.FailAsync("wait", "--for=delete", "pod/p", "--timeout=1s"));
        await kubectl.OkAsync("patch", "pod", "p", "--type=merge", "-p", """{"metadata":{"finalizers":null}}""");
        // One that is gone already is an error to 1.20 and what was waited for to later ones.
        if (!kubectl.ValidatesItself) await kubectl.OkAsync("wait", "--for=delete", "pod/p", "--timeout=20s");
        Assert.Contains("(NotFound)", await kubectl.FailAsync("get", "pod", "p"));
    }

    [Theory]
    [InlineData("1.32")]
    [InlineData("1.35")]
    public async Task A_token_is_made_that_its_service_account_can_use(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "token");
        await kubectl.OkAsync("create", "serviceaccount", "robot");
        var token = (await kubectl.OkAsync("create", "token", "robot", "--duration=1h", "--audience=x")).Trim();
        var claims = token.Split('.')[1].Replace('-', '+').Replace('_', '/');
        claims = Encoding.UTF8.GetString(Convert.FromBase64String(claims.PadRight((claims.Length + 3) / 4 * 4, '=')));
        Assert.Equal(["x"], JsonNode.Parse(claims)!["aud"]!.AsArray().Select(a => a!.GetValue<string>()));
        Assert.Equal($"system:serviceaccount:{kubectl.Namespace}:robot", (string?)JsonNode.Parse(claims)!["sub"]);

        var ours = (await kubectl.OkAsync("create", "token", "robot")).Trim();
        var anonymous = Path.Combine(server.NewDirectory(), "kubeconfig");
        await File.WriteAllTextAsync(anonymous, $"apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: '{server.ServerUrl}', insecure-skip-tls-verify: true}}}}]\nusers: [{{name: u, user: {{token: {ours}}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\ncurrent-context: c\n");
        Assert.Contains($"User \"system:serviceaccount:{kubectl.Namespace}:robot\" cannot list resource \"secrets\"", (await kubectl.RunAsync(["get", "secrets"], kubeconfig: anonymous)).Failure().Error);
        Assert.Contains("serviceaccounts \"nobody\" not found", await kubectl.FailAsync("create", "token", "nobody"));
    }

    private async Task UntilRevisionAsync(Kubectl kubectl, int revision)
    {
        var path = $"/apis/apps/v1/namespaces/{kubectl.Namespace}/deployments?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
        await using var watch = await server.Api.WatchAsync(path);
        while (await watch.NextAsync() is { } next)
        {
            if ((string?)next["object"]?["metadata"]?["annotations"]?["deployment.kubernetes.io/revision"] == revision.ToString(System.Globalization.CultureInfo.InvariantCulture))
                return;
        }
        Assert.Fail($"revision {revision} did not come");
    }
}
