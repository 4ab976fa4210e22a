using System.Text.RegularExpressions;
using LiteKube.Testing;
using LiteKube.Testing.Extensions;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Integration.Tests.Support;

/// <summary>A metrics.k8s.io API behind the aggregator that says of nodes and pods what the test wants.</summary>
internal sealed class MetricsServer : IAsyncDisposable
{
    private readonly FakeExtensionServer _extension;

    private MetricsServer(FakeExtensionServer extension) => (_extension, extension.Instead) = (extension, AnswerAsync);

    /// <summary>Use of cpu and memory by node.</summary>
    public Dictionary<string, (string Cpu, string Memory)> Nodes { get; } = new(StringComparer.Ordinal);

    /// <summary>Use of cpu and memory by a pod's only container c, by pod name.</summary>
    public Dictionary<string, (string Cpu, string Memory)> Pods { get; } = new(StringComparer.Ordinal);

    public IEnumerable<SeenRequest> Seen => _extension.Seen;

    /// <summary>Returns when the API is available.</summary>
    public static async Task<MetricsServer> StartAsync(IntegrationServer server, Kubectl kubectl)
    {
        var extension = await FakeExtensionServer.StartAsync((await server.Api.GetAsync("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")).Json);
        var metrics = new MetricsServer(extension);
        // Its certificate is that of the fake server's own service.
        await kubectl.ApplyAsync($$$"""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: Namespace, metadata: {name: {{{FakeExtensionServer.Namespace}}}}}
            - {apiVersion: v1, kind: Service, metadata: {name: {{{FakeExtensionServer.Service}}}, namespace: {{{FakeExtensionServer.Namespace}}}}, spec: {ports: [{port: 7443}]}}
            - {{{LoopbackEndpoints.Slice(FakeExtensionServer.Service, extension.Port).Trim()}}}
            - apiVersion: apiregistration.k8s.io/v1
              kind: APIService
              metadata: {name: v1beta1.metrics.k8s.io}
              spec: {group: metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, caBundle: {{{extension.CaBundle}}}, service: {name: {{{FakeExtensionServer.Service}}}, namespace: {{{FakeExtensionServer.Namespace}}}, port: 7443}}
            """, "-n", FakeExtensionServer.Namespace);
        await kubectl.OkAsync("wait", "--for=condition=Available", "apiservice/v1beta1.metrics.k8s.io", "--timeout=30s");
        return metrics;
    }

    public ValueTask DisposeAsync() => _extension.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        var time = DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        var body = context.Request.Path.Value switch
        {
            "/apis/metrics.k8s.io/v1beta1" =>
                """
                {"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/v1beta1","resources":[
                 {"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]},{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}
                """,
            "/apis/metrics.k8s.io/v1beta1/nodes" => List("NodeMetricsList", Nodes.Select(node =>
                $$$"""{"metadata":{"name":"{{{node.Key}}}"},"timestamp":"{{{time}}}","window":"30s","usage":{"cpu":"{{{node.Value.Cpu}}}","memory":"{{{node.Value.Memory}}}"} }""")),
            { } path when Regex.Match(path, "^/apis/metrics.k8s.io/v1beta1/namespaces/([^/]+)/pods$") is { Success: true } match => List("PodMetricsList", Pods.Select(pod =>
                $$$"""{"metadata":{"name":"{{{pod.Key}}}","namespace":"{{{match.Groups[1].Value}}}"},"timestamp":"{{{time}}}","window":"30s","containers":[{"name":"c","usage":{"cpu":"{{{pod.Value.Cpu}}}","memory":"{{{pod.Value.Memory}}}"} }]}""")),
            _ => null,
        };
        context.Response.StatusCode = body is null ? StatusCodes.Status404NotFound : StatusCodes.Status200OK;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body ?? """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}""");
    }

    private static string List(string kind, IEnumerable<string> items) => $$"""{"kind":"{{kind}}","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[{{string.Join(',', items)}}]}""";
}
