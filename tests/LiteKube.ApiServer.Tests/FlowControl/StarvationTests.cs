using System.Net;
using System.Text.RegularExpressions;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.FlowControl;

/// <summary>A client that takes all it can get, and whether others still get theirs.</summary>
public sealed partial class StarvationTests
{
    private const string Leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    private const string Pods = "/api/v1/namespaces/default/pods";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("/api/v1/configmaps")]
    [InlineData("/api/v1/configmaps?watch=1")]
    public async Task Lists_and_watches_that_nobody_reads_hold_up_neither_a_lease_nor_a_binding(string flood)
    {
        await using var server = await StartAsync();
        using var flooder = Client(server, "flooder");
        using var node = Client(server, "system:node:a", "system:nodes");
        using var scheduler = Client(server, "system:kube-scheduler");

        // Each asks for two megabytes and reads none of them: it keeps its seats.
        using var hanging = new CancellationTokenSource();
        var asked = Enumerable.Range(0, 40).Select(_ => flooder.GetAsync(flood, HttpCompletionOption.ResponseHeadersRead, hanging.Token)).ToList();
        await UntilAsync(server, m => Value(m, "current_inqueue_requests", "global-default") >= 1, "requests of the flood wait for seats");

        var lease = await server.SendAsync(HttpMethod.Post, Leases, """{"metadata":{"name":"a","namespace":"kube-node-lease"},"spec":{"holderIdentity":"a"}}""", null, client: node);
        Assert.Equal(HttpStatusCode.Created, lease.StatusCode);
        var renewed = await server.SendAsync(HttpMethod.Put, $"{Leases}/a", lease.Body, null, client: node);
        Assert.Equal(HttpStatusCode.OK, renewed.StatusCode);
        var bound = await server.SendAsync(HttpMethod.Post, $"{Pods}/web/binding", """{"metadata":{"name":"web"},"target":{"kind":"Node","name":"a"}}""", null, client: scheduler);
        Assert.Equal(HttpStatusCode.Created, bound.StatusCode);

        var waiting = (await server.GetAsync("/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1")).Body.Split('\n');
        Assert.StartsWith("PriorityLevelName, FlowSchemaName, QueueIndex, ", waiting[0], StringComparison.Ordinal);
        Assert.Contains(waiting, row => row.StartsWith("global-default, global-default, ", StringComparison.Ordinal) && row.Contains(", flooder, ", StringComparison.Ordinal) && row.EndsWith(", /api/v1/configmaps, , , v1, configmaps, ", StringComparison.Ordinal));
        Assert.Contains("\nnode-high, 0, ", (await server.GetAsync("/debug/api_priority_and_fairness/dump_priority_levels")).Body, StringComparison.Ordinal);

        // All that while the flood stood: it is not that it had ended.
        Assert.True(Value((await server.GetAsync("/metrics")).Body, "current_inqueue_requests", "global-default") >= 1);
        Assert.Contains(asked, a => !a.IsCompleted);

        // Who goes away gives back what it held.
        await EndAsync(asked, hanging);
        await UntilAsync(server, m => Value(m, "current_executing_seats", "global-default") == 0 && Value(m, "current_inqueue_requests", "global-default") == 0, "the seats of the flood are free");
    }

    [Fact]
    public async Task Who_cannot_even_wait_is_told_to_come_back()
    {
        await using var server = await StartAsync();
        await server.PostAsync("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", """{"metadata":{"name":"jail"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"borrowingLimitPercent":0,"limitResponse":{"type":"Reject"}}}}""");
        await server.PostAsync("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", """{"metadata":{"name":"jail"},"spec":{"priorityLevelConfiguration":{"name":"jail"},"matchingPrecedence":50,"rules":[{"subjects":[{"kind":"User","user":{"name":"flooder"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"namespaces":["*"],"clusterScope":true}]}]}}""");
        await UntilAsync(server, m => m.Contains("apiserver_flowcontrol_current_executing_requests{flow_schema=\"jail\"", StringComparison.Ordinal), "the level is in force");
        using var flooder = Client(server, "flooder");

        using var held = await flooder.GetAsync("/api/v1/configmaps", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, held.StatusCode);
        var refused = await server.SendAsync(HttpMethod.Get, Pods, null, null, client: flooder);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("Too many requests, please try again later.\n", refused.Body);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter!.Delta);
        Assert.Equal("text/plain; charset=utf-8", refused.ContentHeaders.ContentType!.ToString());
        Assert.True(refused.Headers.Contains("X-Kubernetes-PF-FlowSchema-UID"));
        Assert.Contains("apiserver_flowcontrol_rejected_requests_total{flow_schema=\"jail\",priority_level=\"jail\",reason=\"concurrency-limit\"} 1\n", (await server.GetAsync("/metrics")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_waits_longer_than_a_quarter_of_its_time_is_told_to_come_back()
    {
        await using var server = await StartAsync();
        using var flooder = Client(server, "flooder");
        using var hanging = new CancellationTokenSource();
        var asked = Enumerable.Range(0, 40).Select(_ => flooder.GetAsync("/api/v1/configmaps", HttpCompletionOption.ResponseHeadersRead, hanging.Token)).ToList();
        await UntilAsync(server, m => Value(m, "current_inqueue_requests", "global-default") >= 1, "requests of the flood wait for seats");

        var refused = await server.SendAsync(HttpMethod.Get, "/api/v1/configmaps?timeout=100ms", null, null, client: flooder);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains("apiserver_flowcontrol_rejected_requests_total{flow_schema=\"global-default\",priority_level=\"global-default\",reason=\"time-out\"} 1\n", (await server.GetAsync("/metrics")).Body, StringComparison.Ordinal);
        await EndAsync(asked, hanging);
    }

    private static async Task EndAsync(List<Task<HttpResponseMessage>> asked, CancellationTokenSource hanging)
    {
        await hanging.CancelAsync();
        foreach (var answer in asked)
        {
            try
            {
                (await answer).Dispose();
            }
            catch (OperationCanceledException)
            {
                // It was waiting for its seat.
            }
        }
    }

    private static async Task<TestApiServer> StartAsync()
    {
        var server = await TestApiServer.StartAsync(configure: o => o with { MaxRequestsInFlight = 60 });
        await server.PostAsync("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """{"metadata":{"name":"flooder"},"roleRef":{"kind":"ClusterRole","name":"cluster-admin","apiGroup":"rbac.authorization.k8s.io"},"subjects":[{"kind":"User","name":"flooder"}]}""");
        for (var i = 0; i < 4; i++)
            Assert.Equal(HttpStatusCode.Created, (await server.PostAsync("/api/v1/namespaces/default/configmaps", $$$"""{"metadata":{"name":"big-{{{i}}}"},"data":{"k":"{{{new string('x', 500_000)}}}"}}""")).StatusCode);
        await server.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync(Pods, """{"metadata":{"name":"web"},"spec":{"containers":[{"name":"c","image":"i"}]}}""")).StatusCode);
        return server;
    }

    private static HttpClient Client(TestApiServer server, string user, params string[] groups) => server.ClientFor(server.Server.Pki.IssueClientCertificate(user, groups, TimeSpan.FromHours(1)));

    /// <summary>Asks again and again: the metrics are what tells.</summary>
    private static async Task UntilAsync(TestApiServer server, Func<string, bool> condition, string what)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!condition((await server.GetAsync("/metrics")).Body))
        {
            if (TimeProvider.System.GetElapsedTime(deadline) > Patience) throw new TimeoutException($"Within {Patience} it did not come about that {what}.");
        }
    }

    private static double Value(string metrics, string name, string schema) =>
        Line().Matches(metrics).Where(m => m.Groups["name"].Value == name && m.Groups["schema"].Value == schema).Sum(m => double.Parse(m.Groups["value"].Value, System.Globalization.CultureInfo.InvariantCulture));

    [GeneratedRegex("^apiserver_flowcontrol_(?<name>\\w+)\\{flow_schema=\"(?<schema>[^\"]+)\",priority_level=\"[^\"]+\"\\} (?<value>\\S+)$", RegexOptions.Multiline)]
    private static partial Regex Line();
}
