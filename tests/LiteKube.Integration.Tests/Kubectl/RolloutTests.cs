using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>kubectl rollout, drain and describe on StatefulSets, DaemonSets and budgets, with the controllers at work and pods that run at once.</summary>
public sealed class RolloutTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_stateful_set_is_rolled_out_and_back(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "sts");
        await using var runner = await PodRunner.StartAsync(server, kubectl.Namespace, kubectl.Namespace);
        Assert.Equal("statefulset.apps/web created\n", await kubectl.ApplyAsync(StatefulSet));
        Assert.Matches(@"(partitioned roll out complete: 2 new pods have been updated|statefulset rolling update complete 2 pods at revision web-\w+)\.\.\.\n$", await kubectl.OkAsync("rollout", "status", "statefulset/web", "--timeout=30s"));
        Assert.Matches(@"^NAME +READY +AGE\nweb +2/2 +\d+s\n$", await kubectl.OkAsync("get", "statefulset", "web"));
        var first = await kubectl.JsonPathAsync("statefulset/web", "{.status.currentRevision}");

        await kubectl.OkAsync("set", "image", "statefulset/web", "c=two");
        await kubectl.OkAsync("annotate", "statefulset/web", "kubernetes.io/change-cause=to two");
        await kubectl.OkAsync("rollout", "status", "statefulset/web", "--timeout=30s");
        Assert.Equal("two two", await kubectl.JsonPathAsync("pods", "{.items[*].spec.containers[0].image}"));
        Assert.NotEqual(first, await kubectl.JsonPathAsync("statefulset/web", "{.status.currentRevision}"));
        Assert.Matches(@"(?s)^statefulset.apps/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n", await kubectl.OkAsync("rollout", "history", "statefulset/web"));
        Assert.Matches("Image:\\s+one", await kubectl.OkAsync("rollout", "history", "statefulset/web", "--revision=1"));

        Assert.Equal("statefulset.apps/web rolled back\n", await kubectl.OkAsync("rollout", "undo", "statefulset/web"));
        await kubectl.OkAsync("rollout", "status", "statefulset/web", "--timeout=30s");
        Assert.Equal("one one", await kubectl.JsonPathAsync("pods", "{.items[*].spec.containers[0].image}"));
        Assert.Equal(first, await kubectl.JsonPathAsync("statefulset/web", "{.status.currentRevision}"));
        Assert.Matches(@"(?s)REVISION +CHANGE-CAUSE\n2 +<none>\n3 +", await kubectl.OkAsync("rollout", "history", "statefulset/web"));
        Assert.Equal("statefulset.apps/web restarted\n", await kubectl.OkAsync("rollout", "restart", "statefulset/web"));
        await kubectl.OkAsync("rollout", "status", "statefulset/web", "--timeout=30s");
        Assert.Equal("web-0 web-1", await kubectl.JsonPathAsync("pods", "{.items[*].metadata.name}"));

        var described = await kubectl.OkAsync("describe", "statefulset", "web");
        Assert.Matches(@"Replicas: +2 desired \| 2 total\nUpdate Strategy: +RollingUpdate\n +Partition: +0\n", described);
        Assert.Matches(@"Pods Status: +2 Running / 0 Waiting / 0 Succeeded / 0 Failed\n", described);
        Assert.Contains("create Pod web-1 in StatefulSet web successful", described, StringComparison.Ordinal);
        Assert.Contains("delete Pod web-1 in StatefulSet web successful", described, StringComparison.Ordinal);
        await kubectl.OkAsync("delete", "statefulset", "web");
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_daemon_set_is_rolled_out_and_back(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "daemon");
        await using var runner = await PodRunner.StartAsync(server, kubectl.Namespace, kubectl.Namespace);
        await kubectl.OkAsync("label", "node", kubectl.Namespace, $"daemons={kubectl.Namespace}");
        Assert.Equal("daemonset.apps/web created\n", await kubectl.ApplyAsync(DaemonSet(kubectl.Namespace)));
        Assert.EndsWith("daemon set \"web\" successfully rolled out\n", await kubectl.OkAsync("rollout", "status", "daemonset/web", "--timeout=30s"), StringComparison.Ordinal);
        Assert.Matches(@"^NAME +DESIRED +CURRENT +READY +UP-TO-DATE +AVAILABLE +NODE SELECTOR +AGE\nweb +1 +1 +1 +1 +1 +daemons=", await kubectl.OkAsync("get", "daemonset", "web"));
        Assert.Equal("1", await kubectl.JsonPathAsync("daemonset/web", "{.metadata.annotations.deprecated\\.daemonset\\.template\\.generation}"));

        await kubectl.OkAsync("set", "image", "daemonset/web", "c=two");
        await kubectl.OkAsync("rollout", "status", "daemonset/web", "--timeout=30s");
        Assert.Equal("two", await kubectl.JsonPathAsync("pods", "{.items[*].spec.containers[0].image}"));
        Assert.Equal("2", await kubectl.JsonPathAsync("pods", "{.items[*].metadata.labels.pod-template-generation}"));
        Assert.Matches(@"(?s)^daemonset.apps/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n", await kubectl.OkAsync("rollout", "history", "daemonset/web"));
        Assert.Equal("daemonset.apps/web rolled back\n", await kubectl.OkAsync("rollout", "undo", "daemonset/web", "--to-revision=1"));
        await kubectl.OkAsync("rollout", "status", "daemonset/web", "--timeout=30s");
        Assert.Equal("one", await kubectl.JsonPathAsync("pods", "{.items[*].spec.containers[0].image}"));
        Assert.Matches(@"(?s)REVISION +CHANGE-CAUSE\n2 +<none>\n3 +<none>\n", await kubectl.OkAsync("rollout", "history", "daemonset/web"));

        var described = await kubectl.OkAsync("describe", "daemonset", "web");
        Assert.Matches(@"Desired Number of Nodes Scheduled: 1\nCurrent Number of Nodes Scheduled: 1\nNumber of Nodes Scheduled with Up-to-date Pods: 1\nNumber of Nodes Scheduled with Available Pods: 1\nNumber of Nodes Misscheduled: 0", described);
        Assert.Matches(@"SuccessfulCreate .*Created pod: web-\w{5}", described);
        await kubectl.OkAsync("delete", "daemonset", "web");
    }

    [Theory]
    [InlineData("1.32")]
    [InlineData("1.35")]
    public async Task A_drain_waits_for_a_budget_and_goes_through_when_it_allows(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "drain");
        await using var runner = await PodRunner.StartAsync(server, kubectl.Namespace, kubectl.Namespace);
        await kubectl.ApplyAsync(StatefulSet);
        await kubectl.OkAsync("rollout", "status", "statefulset/web", "--timeout=30s");
        Assert.Equal("poddisruptionbudget.policy/b created\n", await kubectl.OkAsync("create", "poddisruptionbudget", "b", "--selector=app=web", "--min-available=100%"));
        await UntilAsync(kubectl, "poddisruptionbudget/b", "{.status.expectedPods}/{.status.currentHealthy}/{.status.disruptionsAllowed}", "2/2/0");
        Assert.Matches(@"^NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\nb +100% +N/A +0 +\d+s\n$", await kubectl.OkAsync("get", "poddisruptionbudget", "b"));

        var blocked = (await kubectl.RunAsync(["drain", kubectl.Namespace, "--timeout=2s", "--pod-selector=app=web"])).Failure();
        Assert.Matches(@"error when evicting pods?/?""?web-\d""?.*: Cannot evict pod as it would violate the pod's disruption budget\.", blocked.Error);
        Assert.Matches(@"(?s)Allowed disruptions: +0\n", await kubectl.OkAsync("describe", "poddisruptionbudget", "b"));

        await kubectl.OkAsync("patch", "poddisruptionbudget", "b", "--type=merge", "-p", """{"spec":{"minAvailable":"50%"}}""");
        await UntilAsync(kubectl, "poddisruptionbudget/b", "{.status.disruptionsAllowed}", "1");
        var drained = (await kubectl.RunAsync(["drain", kubectl.Namespace, "--timeout=40s", "--pod-selector=app=web"])).Success();
        Assert.Contains("evicting pod ", drained, StringComparison.Ordinal);
        Assert.Contains("web-0", drained, StringComparison.Ordinal);
        Assert.Contains("web-1", drained, StringComparison.Ordinal);
        await kubectl.OkAsync("delete", "statefulset", "web");
    }

    private const string StatefulSet = """
        {"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"web"},"spec":{"replicas":2,"serviceName":"svc","selector":{"matchLabels":{"app":"web"}},
         "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"one"}]}}}}
        """;

    private static string DaemonSet(string node) => $$$"""
        {"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}},
         "template":{"metadata":{"labels":{"app":"web"}},"spec":{"nodeSelector":{"daemons":"{{{node}}}"},"containers":[{"name":"c","image":"one"}]} } } }
        """;

    private static async Task UntilAsync(Kubectl kubectl, string what, string path, string wanted)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        string value;
        while ((value = await kubectl.JsonPathAsync(what, path)) != wanted)
            Assert.False(limit.IsCancellationRequested, $"{what} {path} is {value}, not {wanted}");
    }
}
