using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>What kubectl users see of the scheduler, of nodes that are taken out of service, and of the workloads on them.</summary>
public sealed class SchedulingTests(SchedulingTests.Fixture fixture) : IClassFixture<SchedulingTests.Fixture>
{
    private string First => fixture.Nodes.First;
    private string Second => fixture.Nodes.Second;

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_pod_that_fits_nowhere_says_why_when_it_is_described(string release)
    {
        var kubectl = await NewAsync(release, "pending");
        const string Message = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
        await kubectl.ApplyAsync(Pod("large", "", "100"));
        await EventAsync(kubectl, "FailedScheduling", Message);
        var described = await kubectl.OkAsync("describe", "pod", "large");
        Assert.Matches(@"(?m)^Node: +<none>$", described);
        Assert.Matches(@"(?m)^Status: +Pending$", described);
        Assert.Matches(@"(?m)^  PodScheduled +False ?$", described);
        Assert.Matches($@"(?m)^  Warning +FailedScheduling +\S+( \(.*\))? +default-scheduler +{System.Text.RegularExpressions.Regex.Escape(Message)}$", described);
        Assert.Matches(@"(?m)^large +0/1 +Pending +0 +\S+ +<none> +<none> +<none> +<none>$", await kubectl.OkAsync("get", "pod", "large", "-o", "wide"));
        await kubectl.ApplyAsync(Pod("picky", """ "nodeSelector":{"disk":"fast"}, """));
        await EventAsync(kubectl, "FailedScheduling", "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
        // What it asks for comes, and it goes on.
        await kubectl.OkAsync("label", "node", Second, "disk=fast");
        await kubectl.OkAsync("wait", "--for=condition=Ready", "pod/picky", "--timeout=30s");
        Assert.Matches($@"(?m)^  Normal +Scheduled +\S+ +default-scheduler +Successfully assigned {kubectl.Namespace}/picky to {Second}$", await kubectl.OkAsync("describe", "pod", "picky"));
        await kubectl.OkAsync("label", "node", Second, "disk-");
        await kubectl.OkAsync("delete", "pod", "large", "picky");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Cordoned_nodes_get_no_pods_until_they_are_uncordoned(string release)
    {
        var kubectl = await NewAsync(release, "cordon");
        Assert.Equal($"node/{First} cordoned\nnode/{Second} cordoned\n", await kubectl.OkAsync("cordon", First, Second));
        Assert.Matches($@"(?m)^{First} +Ready,SchedulingDisabled ", await kubectl.OkAsync("get", "nodes"));
        Assert.Matches(@"(?m)^Unschedulable: +true$", await kubectl.OkAsync("describe", "node", First));
        await kubectl.ApplyAsync(Pod("p"));
        await EventAsync(kubectl, "FailedScheduling", "0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
        Assert.Equal($"node/{Second} uncordoned\n", await kubectl.OkAsync("uncordon", Second));
        await kubectl.OkAsync("wait", "--for=condition=Ready", "pod/p", "--timeout=30s");
        Assert.Equal(Second, await kubectl.JsonPathAsync("pod/p", "{.spec.nodeName}"));
        Assert.Equal($"node/{First} uncordoned\n", await kubectl.OkAsync("uncordon", First));
        Assert.Matches($@"(?m)^  {kubectl.Namespace} +p +", await kubectl.OkAsync("describe", "node", Second));
        await kubectl.OkAsync("delete", "pod", "p");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_taint_evicts_the_pods_that_do_not_tolerate_it(string release)
    {
        var kubectl = await NewAsync(release, "taint");
        var onFirst = $$""" "nodeSelector":{"kubernetes.io/hostname":"{{First}}"}, """;
        await kubectl.ApplyAsync(Pod("plain", onFirst));
        await kubectl.ApplyAsync(Pod("patient", onFirst + """ "tolerations":[{"key":"maintenance","operator":"Exists"}], """));
        await kubectl.OkAsync("wait", "--for=condition=Ready", "pod/plain", "pod/patient", "--timeout=30s");
        await using var pods = await fixture.Server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods?watch=true");
        Assert.Equal($"node/{First} tainted\n", await kubectl.OkAsync("taint", "node", First, "maintenance=now:NoExecute"));
        while (await pods.NextAsync() is { } change)
        {
            if ((string?)change["type"] == "DELETED")
            {
                Assert.Equal("plain", (string?)change["object"]!["metadata"]!["name"]);
                break;
            }
        }
        await EventAsync(kubectl, "TaintManagerEviction", $"Marking for deletion Pod {kubectl.Namespace}/plain");
        Assert.Matches(@"(?m)^Taints: +maintenance=now:NoExecute$", await kubectl.OkAsync("describe", "node", First));
        Assert.Equal("patient", await kubectl.JsonPathAsync("pods", "{.items[*].metadata.name}"));
        await kubectl.ApplyAsync(Pod("late", onFirst));
        await EventAsync(kubectl, "FailedScheduling", "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s). preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.");
        Assert.Equal($"node/{First} untainted\n", await kubectl.OkAsync("taint", "node", First, "maintenance-"));
        await kubectl.OkAsync("wait", "--for=condition=Ready", "pod/late", "--timeout=30s");
        await kubectl.OkAsync("delete", "pod", "patient", "late");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_drained_node_gives_its_pods_over_to_another_as_their_budget_allows(string release)
    {
        var kubectl = await NewAsync(release, "drain");
        await kubectl.OkAsync("cordon", Second);
        await kubectl.ApplyAsync(Workload("Deployment", "web", "\"replicas\":3,"));
        await kubectl.ApplyAsync(Workload("DaemonSet", "agent"));
        Assert.EndsWith("deployment \"web\" successfully rolled out\n", await kubectl.OkAsync("rollout", "status", "deployment/web", "--timeout=30s"), StringComparison.Ordinal);
        await kubectl.ApplyAsync("""{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"web"},"spec":{"minAvailable":2,"selector":{"matchLabels":{"app":"web"}}}}""");
        await kubectl.OkAsync("uncordon", Second);
        var refused = await kubectl.FailAsync("drain", First, "--pod-selector=app in (web,agent)", "--timeout=5s");
        Assert.Contains($"cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): {kubectl.Namespace}/agent-", refused, StringComparison.Ordinal);
        var drained = await kubectl.OkAsync("drain", First, "--pod-selector=app in (web,agent)", "--ignore-daemonsets", "--timeout=50s");
        Assert.EndsWith($"node/{First} {(kubectl.ValidatesItself ? "evicted" : "drained")}\n", drained, StringComparison.Ordinal);
        await kubectl.OkAsync("rollout", "status", "deployment/web", "--timeout=30s");
        Assert.Equal($"{Second} {Second} {Second}", await kubectl.OkAsync("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.nodeName}"));
        Assert.Contains(First, await kubectl.OkAsync("get", "pods", "-l", "app=agent", "-o", "jsonpath={.items[*].spec.nodeName}"), StringComparison.Ordinal);
        await kubectl.OkAsync("uncordon", First);
        await kubectl.OkAsync("delete", "deployment/web", "daemonset/agent");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_paused_deployment_keeps_its_pods_until_it_is_resumed(string release)
    {
        var kubectl = await NewAsync(release, "pause");
        await kubectl.ApplyAsync(Workload("Deployment", "web", "\"replicas\":2,"));
        Assert.EndsWith("deployment \"web\" successfully rolled out\n", await kubectl.OkAsync("rollout", "status", "deployment/web", "--timeout=30s"), StringComparison.Ordinal);
        await kubectl.OkAsync("rollout", "pause", "deployment/web");
        await kubectl.OkAsync("set", "image", "deployment/web", "c=two");
        // It has been looked at since, and nothing came of it.
        await using (var seen = await fixture.Server.Api.WatchAsync($"/apis/apps/v1/namespaces/{kubectl.Namespace}/deployments?watch=true"))
        {
            while (await seen.NextAsync() is { } change)
            {
                var deployment = change["object"]!;
                if ((string?)deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["image"] == "two" && (long?)deployment["status"]?["observedGeneration"] == (long?)deployment["metadata"]!["generation"])
                    break;
            }
        }
        Assert.Matches(@"^deployment.apps/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n\n?$", await kubectl.OkAsync("rollout", "history", "deployment/web"));
        Assert.Matches("Progressing +Unknown +DeploymentPaused", await kubectl.OkAsync("describe", "deployment", "web"));
        Assert.Contains("cannot rollback a paused deployment", await kubectl.FailAsync("rollout", "undo", "deployment/web", "--to-revision=1"), StringComparison.Ordinal);
        await kubectl.OkAsync("rollout", "resume", "deployment/web");
        await kubectl.OkAsync("rollout", "status", "deployment/web", "--timeout=30s");
        Assert.Equal("two two", await kubectl.OkAsync("get", "pods", "--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].spec.containers[0].image}"));
        Assert.Matches(@"(?m)^Annotations: +deployment.kubernetes.io/revision: 2$", await kubectl.OkAsync("describe", "deployment", "web"));
        await kubectl.OkAsync("delete", "deployment", "web");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Each_kind_of_workload_is_listed_and_described(string release)
    {
        var kubectl = await NewAsync(release, "kinds");
        await kubectl.ApplyAsync(Workload("Deployment", "dep", "\"replicas\":2,"));
        await kubectl.ApplyAsync(Workload("ReplicaSet", "rs", "\"replicas\":2,"));
        await kubectl.ApplyAsync("""{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":"rc"},"spec":{"replicas":2,"selector":{"app":"rc"},"template":{"metadata":{"labels":{"app":"rc"}},"spec":{"containers":[{"name":"c","image":"one"}]}}}}""");
        await kubectl.ApplyAsync(Workload("StatefulSet", "sts", "\"replicas\":2,\"serviceName\":\"svc\","));
        await kubectl.ApplyAsync(Workload("DaemonSet", "ds"));
        await kubectl.ApplyAsync("""{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"cj"},"spec":{"schedule":"0 0 1 1 *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"one"}]} } } } } }""", kubectl.ValidatesItself ? ["--validate=false"] : []);
        foreach (var what in (string[])["deployment/dep", "statefulset/sts", "daemonset/ds"])
            await kubectl.OkAsync("rollout", "status", what, "--timeout=30s");
        await UntilReadyAsync(kubectl, "apis/apps/v1", "replicasets", "rs");
        await UntilReadyAsync(kubectl, "api/v1", "replicationcontrollers", "rc");

        Assert.Matches(@"^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\ndep +2/2 +2 +2 +\S+\n$", await kubectl.OkAsync("get", "deployments"));
        Assert.Matches(@"(?m)^rs +2 +2 +2 +\S+$", await kubectl.OkAsync("get", "replicasets"));
        Assert.Matches(@"^NAME +DESIRED +CURRENT +READY +AGE\nrc +2 +2 +2 +\S+\n$", await kubectl.OkAsync("get", "rc"));
        Assert.Matches(@"^NAME +READY +AGE\nsts +2/2 +\S+\n$", await kubectl.OkAsync("get", "statefulsets"));
        Assert.Matches(@"(?m)^ds +2 +2 +2 +2 +2 +<none> +\S+$", await kubectl.OkAsync("get", "daemonsets"));
        Assert.Matches(@"(?m)^cj +0 0 1 1 \* +(<none> +)?False +0 +<none> +\S+$", await kubectl.OkAsync("get", "cronjobs"));

        var deployment = await kubectl.OkAsync("describe", "deployment", "dep");
        Assert.Matches(@"(?m)^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$", deployment);
        Assert.Matches(@"(?m)^  Available +True +MinimumReplicasAvailable$", deployment);
        Assert.Matches(@"(?m)^NewReplicaSet: +dep-\w+ \(2/2 replicas created\)$", deployment);
        Assert.Matches(@"(?m)^  Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set dep-\w+ from 0 to 2$", deployment);
        Assert.Matches(@"(?m)^Pods Status: +2 Running / 0 Waiting / 0 Succeeded / 0 Failed$", await kubectl.OkAsync("describe", "replicaset", "rs"));
        Assert.Matches(@"(?m)^  Normal +SuccessfulCreate +\S+( \(.*\))? +replication-controller +Created pod: rc-\w{5}$", await kubectl.OkAsync("describe", "rc", "rc"));
        Assert.Matches(@"(?m)^  Normal +SuccessfulCreate +\S+ +statefulset-controller +create Pod sts-0 in StatefulSet sts successful$", await kubectl.OkAsync("describe", "statefulset", "sts"));
        Assert.Matches(@"(?m)^Desired Number of Nodes Scheduled: 2$", await kubectl.OkAsync("describe", "daemonset", "ds"));
        Assert.Matches(@"(?m)^Controlled By: +StatefulSet/sts$", await kubectl.OkAsync("describe", "pod", "sts-0"));
        if (!kubectl.ValidatesItself)
            Assert.Matches(@"(?m)^Concurrency Policy: +Allow$", await kubectl.OkAsync("describe", "cronjob", "cj"));
        await kubectl.OkAsync("delete", "deployment/dep", "replicaset/rs", "rc/rc", "statefulset/sts", "daemonset/ds", "cronjob/cj");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Top_shows_what_the_metrics_server_tells_of_nodes_and_pods(string release)
    {
        var kubectl = await NewAsync(release, "top");
        await using var metrics = await MetricsServer.StartAsync(fixture.Server, kubectl);
        (metrics.Nodes[First], metrics.Nodes[Second]) = (("1", "2Gi"), ("500m", "1Gi"));
        (metrics.Pods["busy"], metrics.Pods["idle"]) = (("250m", "64Mi"), ("0", "1Mi"));
        await kubectl.ApplyAsync(Pod("busy"));
        await kubectl.ApplyAsync(Pod("idle"));
        await kubectl.OkAsync("wait", "--for=condition=Ready", "pod/busy", "pod/idle", "--timeout=30s");
        var nodes = await kubectl.OkAsync("top", "nodes");
        Assert.Matches($@"(?m)^{First} +1000m +25% +2048Mi +25% *$", nodes);
        Assert.Matches($@"(?m)^{Second} +500m +12% +1024Mi +12% *$", nodes);
        Assert.Matches(@"^NAME +CPU\(cores\) +MEMORY\(bytes\) *\nbusy +250m +64Mi *\nidle +0m +1Mi *\n$", await kubectl.OkAsync("top", "pods", "--sort-by=cpu"));
        Assert.Matches(@"(?m)^busy +c +250m +64Mi *$", await kubectl.OkAsync("top", "pods", "--containers"));
        await kubectl.OkAsync("delete", "pod", "busy", "idle");
        await kubectl.OkAsync("delete", "apiservice", "v1beta1.metrics.k8s.io");
    }

    private Task<Kubectl> NewAsync(string release, string purpose) => Kubectl.InNewNamespaceAsync(fixture.Server, release, purpose);

    private static string Pod(string name, string more = "", string cpu = "100m") => $$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}"},"spec":{ {{{more}}}"terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"one","resources":{"requests":{"cpu":"{{{cpu}}}"} } }]} }
        """;

    private static string Workload(string kind, string name, string more = "") => $$$"""
        {"apiVersion":"apps/v1","kind":"{{{kind}}}","metadata":{"name":"{{{name}}}"},"spec":{ {{{more}}}"selector":{"matchLabels":{"app":"{{{name}}}"} },
         "template":{"metadata":{"labels":{"app":"{{{name}}}"} },"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"one"}]} } } }
        """;

    private async Task EventAsync(Kubectl kubectl, string reason, string message)
    {
        await using var events = await fixture.Server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/events?watch=true");
        var seen = new List<string>();
        try
        {
            while (await events.NextAsync() is { } change)
            {
                seen.Add($"{change["object"]!["reason"]}: {change["object"]!["message"]}");
                if (seen[^1] == $"{reason}: {message}")
                    return;
            }
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"no event {reason}: {message} came, only\n{string.Join('\n', seen)}", e);
        }
        Assert.Fail($"the watch ended before an event {reason}: {message}");
    }

    private async Task UntilReadyAsync(Kubectl kubectl, string api, string resource, string name)
    {
        await using var watch = await fixture.Server.Api.WatchAsync($"/{api}/namespaces/{kubectl.Namespace}/{resource}?watch=true");
        while (await watch.NextAsync() is { } change)
        {
            if ((string?)change["object"]!["metadata"]!["name"] == name && (int?)change["object"]!["status"]?["readyReplicas"] == 2)
                return;
        }
        Assert.Fail($"the watch ended before {name} was ready");
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private ScheduledNodes _nodes = null!;

        public IntegrationServer Server { get; } = new();

        internal ScheduledNodes Nodes => _nodes;

        public async Task InitializeAsync()
        {
            await Server.InitializeAsync();
            _nodes = await ScheduledNodes.StartAsync(Server);
        }

        public async Task DisposeAsync()
        {
            await _nodes.DisposeAsync();
            await Server.DisposeAsync();
        }
    }
}
