using System.Text.Json.Nodes;

namespace LiteKube.Integration.Tests.Support;

/// <summary>Scheduler and kubelet of pods without containers: every pod of a namespace is bound and ready at once, and gone when it is deleted.</summary>
internal sealed class PodRunner : IAsyncDisposable
{
    private readonly IntegrationServer _server;
    private readonly string _path;
    private readonly string _node;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private PodRunner(IntegrationServer server, string ns, string node, StreamReader changes)
    {
        (_server, _path, _node) = (server, $"/api/v1/namespaces/{ns}/pods", node);
        _running = RunAsync(changes, _stop.Token);
    }

    /// <summary>Makes a node of that name; daemons get their own pods there.</summary>
    public static async Task<PodRunner> StartAsync(IntegrationServer server, string ns, string node)
    {
        var created = await server.Api.PostAsync("/api/v1/nodes", $$$"""{"metadata":{"name":"{{{node}}}"}}""");
        Assert.True((int)created.StatusCode == 201, created.Body);
        // A node is tainted until its kubelet has reported.
        var untainted = await server.Api.PatchAsync($"/api/v1/nodes/{node}", """{"spec":{"taints":null}}""");
        Assert.True((int)untainted.StatusCode == 200, untainted.Body);
        var response = await server.Api.Admin.GetAsync($"/api/v1/namespaces/{ns}/pods?watch=true", HttpCompletionOption.ResponseHeadersRead);
        return new PodRunner(server, ns, node, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(StreamReader changes, CancellationToken cancellationToken)
    {
        using (changes)
        {
            try
            {
                while (await changes.ReadLineAsync(cancellationToken) is { } line)
                {
                    var change = JsonNode.Parse(line)!;
                    if ((string?)change["type"] is "ADDED" or "MODIFIED")
                        await ActAsync(change["object"]!.AsObject());
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The test is over.
                return;
            }
        }
    }

    private async Task ActAsync(JsonObject pod)
    {
        var name = (string)pod["metadata"]!["name"]!;
        if (pod["metadata"]!["deletionTimestamp"] is not null)
        {
            await _server.Api.DeleteAsync($"{_path}/{name}", """{"gracePeriodSeconds":0}""");
        }
        else if (string.IsNullOrEmpty((string?)pod["spec"]!["nodeName"]))
        {
            var target = pod["spec"]!["affinity"]?["nodeAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"]?["nodeSelectorTerms"]?[0]?["matchFields"]?[0]?["values"]?[0];
            await _server.Api.PostAsync($"{_path}/{name}/binding", $$$"""{"metadata":{"name":"{{{name}}}"},"target":{"kind":"Node","name":"{{{(string?)target ?? _node}}}"}}""");
        }
        else if ((string?)pod["status"]?["phase"] == "Pending")
        {
            await _server.Api.PatchAsync($"{_path}/{name}/status", """{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}""", "application/strategic-merge-patch+json");
        }
    }
}
