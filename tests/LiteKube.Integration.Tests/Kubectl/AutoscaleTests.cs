using System.Net;
using System.Text.RegularExpressions;
using LiteKube.Integration.Tests.Support;
using LiteKube.Testing.Extensions;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>kubectl autoscale, with a metrics server that says what this test wants.</summary>
public sealed class AutoscaleTests
{
    private string? _pod;

    [Fact]
    public async Task A_deployment_grows_with_the_use_that_a_metrics_server_tells_of()
    {
        var server = new IntegrationServer();
        await server.InitializeAsync();
        await using var metrics = await FakeExtensionServer.StartAsync((await server.Api.GetAsync("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")).Json);
        try
        {
            var kubectl = await Kubectl.InNewNamespaceAsync(server, "1.35", "autoscale");
            metrics.Instead = AnswerAsync;
            await using var pods = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods?watch=true");
            await kubectl.ApplyAsync($$$"""
                apiVersion: v1
                kind: List
                items:
                - {apiVersion: v1, kind: Namespace, metadata: {name: wardle}}
                - {apiVersion: v1, kind: Service, metadata: {name: sample-api, namespace: wardle}, spec: {ports: [{port: 7443}]}}
                - {{{LoopbackEndpoints.Slice(FakeExtensionServer.Service, metrics.Port).Trim()}}}
                - apiVersion: apiregistration.k8s.io/v1
                  kind: APIService
                  metadata: {name: v1beta1.metrics.k8s.io}
                  spec: {group: metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, caBundle: {{{metrics.CaBundle}}}, service: {name: sample-api, namespace: wardle, port: 7443}}
                """, "-n", "wardle");
            await kubectl.OkAsync("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=30s");
            await kubectl.ApplyAsync("""
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                spec:
                  selector: {matchLabels: {app: web}}
                  template:
                    metadata: {labels: {app: web}}
                    spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 100m}}}]}
                """);
            var pod = (string)(await pods.NextAsync())!["object"]!["metadata"]!["name"]!;
            _pod = pod;
            var started = DateTimeOffset.UtcNow.AddHours(-1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
            var running = await server.Api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods/{pod}/status", $$$"""{"status":{"phase":"Running","startTime":"{{{started}}}","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"{{{started}}}"}]} }""");
            Assert.True(running.StatusCode == HttpStatusCode.OK, running.Body);

            await using var events = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/events?watch=true");
            Assert.Equal("horizontalpodautoscaler.autoscaling/web autoscaled\n", await kubectl.OkAsync("autoscale", "deployment", "web", "--min=1", "--max=5", "--cpu=50%"));
            await kubectl.OkAsync("wait", "--for=jsonpath={.spec.replicas}=3", "deployment/web", "--timeout=50s");
            await kubectl.OkAsync("wait", "--for=condition=ScalingActive", "hpa/web", "--timeout=30s");
            Assert.Matches(@"(?m)^web +Deployment/web +cpu: 120%/50% +1 +5 +[13] ", await kubectl.OkAsync("get", "hpa"));
            var described = await kubectl.OkAsync("describe", "hpa", "web");
            Assert.Matches("AbleToScale +True +(SucceededRescale|ReadyForNewScale)", described);
            Assert.Equal("New size: 3; reason: cpu resource utilization (percentage of request) above target", await RescaledAsync(events));
            Assert.Contains(metrics.Seen, s => s.User == "system:serviceaccount:kube-system:horizontal-pod-autoscaler" && s.PathAndQuery.EndsWith("/pods?labelSelector=app%3Dweb", StringComparison.Ordinal));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static async Task<string?> RescaledAsync(TestWatch events)
    {
        while (await events.NextAsync() is { } change)
        {
            if ((string?)change["object"]!["reason"] == "SuccessfulRescale")
                return (string?)change["object"]!["message"];
        }
        return null;
    }

    private Task AnswerAsync(HttpContext context)
    {
        var body = context.Request.Path.Value switch
        {
            "/apis/metrics.k8s.io/v1beta1" => """{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/v1beta1","resources":[{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}""",
            { } path when Regex.IsMatch(path, "^/apis/metrics.k8s.io/v1beta1/namespaces/[^/]+/pods$") =>
                $$"""{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[{"metadata":{"name":"{{_pod}}"},"timestamp":"{{DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'}}","window":"30s","containers":[{"name":"c","usage":{"cpu":"120m"} }]}]}""",
            _ => null,
        };
        context.Response.StatusCode = body is null ? StatusCodes.Status404NotFound : StatusCodes.Status200OK;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body ?? """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}""");
    }
}
