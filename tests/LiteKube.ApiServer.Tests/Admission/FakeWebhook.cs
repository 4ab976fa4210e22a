using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Testing;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>An admission webhook on Kestrel: each path answers as its handler says.</summary>
internal sealed class FakeWebhook : IAsyncDisposable
{
    private TlsServer _server = null!;
    private readonly ConcurrentDictionary<string, Func<JsonObject, CancellationToken, Task<JsonObject>>> _handlers = new(StringComparer.Ordinal);

    public int Port => _server.Port;
    public string CaBundle => _server.CaBundle;

    /// <summary>The reviews' requests in the order in which they came, with the path.</summary>
    public ConcurrentQueue<(string Path, JsonObject Request)> Requests { get; } = new();

    /// <summary>The query of the last call.</summary>
    public string? LastQuery { get; private set; }

    /// <summary>Changes a whole review before it goes out.</summary>
    public Action<JsonObject>? Spoil { get; set; }

    public static async Task<FakeWebhook> StartAsync(string serviceName = "localhost")
    {
        var webhook = new FakeWebhook();
        webhook._server = await TlsServer.StartAsync(TlsServer.SelfSigned(serviceName, "127.0.0.1"), webhook.AnswerAsync);
        return webhook;
    }

    /// <param name="path">Without its slash.</param>
    /// <param name="answer">From a review's request to its response without the uid.</param>
    public void On(string path, Func<JsonObject, JsonObject> answer) => _handlers[path] = (request, _) => Task.FromResult(answer(request));

    public void On(string path, Func<JsonObject, CancellationToken, Task<JsonObject>> answer) => _handlers[path] = answer;

    /// <summary>A path that never answers.</summary>
    /// <returns>Completes with the first call that hangs.</returns>
    public Task OnHang(string path)
    {
        var arrived = new TaskCompletionSource();
        On(path, async (_, cancellationToken) =>
        {
            arrived.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return Allow();
        });
        return arrived.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    public int CallsOf(string path) => Requests.Count(r => r.Path == path);

    /// <summary>The only request that came at the path.</summary>
    public JsonObject Single(string path) => Requests.Single(r => r.Path == path).Request;

    public static JsonObject Allow() => new() { ["allowed"] = true };

    public static JsonObject Deny(string message) => new() { ["allowed"] = false, ["status"] = new JsonObject { ["message"] = message } };

    public static JsonObject Patch(string operations) => new() { ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(operations)) };

    public string Client(string path) => $$"""{"url":"https://127.0.0.1:{{Port}}/{{path}}","caBundle":"{{CaBundle}}"}""";

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.TrimStart('/');
        LastQuery = context.Request.QueryString.Value;
        var review = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var request = review["request"]!.AsObject();
        Requests.Enqueue((path, request));
        if (!_handlers.TryGetValue(path, out var handler))
        {
            context.Response.StatusCode = 404;
            return;
        }
        var response = await handler(request, context.RequestAborted);
        response["uid"] = request["uid"]!.DeepClone();
        var answer = new JsonObject { ["kind"] = "AdmissionReview", ["apiVersion"] = review["apiVersion"]!.DeepClone(), ["response"] = response };
        Spoil?.Invoke(answer);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }
}
