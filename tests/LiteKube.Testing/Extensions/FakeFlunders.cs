using System.Globalization;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Testing.Extensions;

/// <summary>The objects of the fake extension server: create, get, list, update, merge patch, delete, deletecollection, watch, and an echo over WebSocket.</summary>
public sealed class FakeFlunders
{
    private const string Collection = $"/apis/{FakeExtensionServer.Group}/{FakeExtensionServer.Version}/namespaces/";

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, JsonObject> _stored = new(StringComparer.Ordinal);
    private readonly List<(string Prefix, Channel<JsonObject> Events)> _watches = [];
    private long _revision = 100;

    public void EndWatches()
    {
        lock (_lock)
        {
            foreach (var (_, events) in _watches) events.Writer.TryComplete();
        }
    }

    public async Task AnswerAsync(HttpContext context, string path)
    {
        // All namespaces, or NAMESPACE/flunders[/NAME[/echo]].
        var isAll = path == $"/apis/{FakeExtensionServer.Group}/{FakeExtensionServer.Version}/flunders";
        var parts = path.StartsWith(Collection, StringComparison.Ordinal) ? path[Collection.Length..].Split('/') : [];
        if (!isAll && (parts.Length < 2 || parts[1] != "flunders"))
        {
            await FakeExtensionServer.WriteAsync(context, 404, "404 page not found\n", "text/plain");
            return;
        }
        var prefix = isAll ? "" : parts[0] + "/";
        if (isAll || parts.Length == 2) await AnswerCollectionAsync(context, isAll ? "" : parts[0], prefix);
        else if (parts is [_, _, _, "echo"]) await EchoAsync(context);
        else await AnswerObjectAsync(context, parts[0], parts[2]);
    }

    private Task AnswerCollectionAsync(HttpContext context, string ns, string prefix)
    {
        var request = context.Request;
        if (request.Method == "POST") return CreateAsync(context, ns);
        if (request.Query["watch"].Count > 0 && request.Query["watch"] != "false") return WatchAsync(context, prefix);
        lock (_lock)
        {
            if (request.Method == "DELETE")
            {
                foreach (var key in _stored.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).ToList()) Change("DELETED", key, _stored[key]);
            }
            var items = new JsonArray([.. _stored.Where(s => s.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(s => s.Value.DeepClone())]);
            var list = new JsonObject
            {
                ["kind"] = "FlunderList",
                ["apiVersion"] = $"{FakeExtensionServer.Group}/{FakeExtensionServer.Version}",
                ["metadata"] = new JsonObject { ["resourceVersion"] = Text(_revision) },
                ["items"] = items,
            };
            return FakeExtensionServer.WriteAsync(context, 200, list.ToJsonString());
        }
    }

    private async Task CreateAsync(HttpContext context, string ns)
    {
        var value = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var metadata = value["metadata"]!.AsObject();
        metadata["namespace"] = ns;
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = "2024-01-01T00:00:00Z";
        lock (_lock) Change("ADDED", $"{ns}/{metadata["name"]}", value);
        await FakeExtensionServer.WriteAsync(context, 201, value.ToJsonString());
    }

    private async Task AnswerObjectAsync(HttpContext context, string ns, string name)
    {
        var key = $"{ns}/{name}";
        var body = context.Request.Method is "PUT" or "PATCH" ? (await JsonNode.ParseAsync(context.Request.Body))!.AsObject() : null;
        JsonObject? value;
        lock (_lock)
        {
            if (_stored.TryGetValue(key, out value))
            {
                if (body is not null)
                {
                    var changed = (JsonObject)value.DeepClone();
                    changed["spec"] = body["spec"]?.DeepClone();
                    Change("MODIFIED", key, value = changed);
                }
                else if (context.Request.Method == "DELETE")
                {
                    Change("DELETED", key, value);
                }
            }
        }
        if (value is null) await FakeExtensionServer.WriteAsync(context, 404, $$"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"flunders.{{FakeExtensionServer.Group}} \"{{name}}\" not found","reason":"NotFound","details":{"name":"{{name}}","group":"{{FakeExtensionServer.Group}}","kind":"flunders"},"code":404}""");
        else await FakeExtensionServer.WriteAsync(context, 200, value.ToJsonString());
    }

    private async Task WatchAsync(HttpContext context, string prefix)
    {
        var events = Channel.CreateUnbounded<JsonObject>();
        lock (_lock)
        {
            if (context.Request.Query["resourceVersion"].ToString() is "" or "0")
            {
                foreach (var (key, value) in _stored.Where(s => s.Key.StartsWith(prefix, StringComparison.Ordinal))) events.Writer.TryWrite(Event("ADDED", value));
            }
            _watches.Add((prefix, events));
        }
        context.Response.ContentType = "application/json";
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        try
        {
            await foreach (var change in events.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(change.ToJsonString() + "\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The watcher left.
        }
    }

    private static async Task EchoAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await FakeExtensionServer.WriteAsync(context, 400, "Upgrade request required\n", "text/plain");
            return;
        }
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private void Change(string type, string key, JsonObject value)
    {
        value["metadata"]!["resourceVersion"] = Text(++_revision);
        if (type == "DELETED") _stored.Remove(key);
        else _stored[key] = value;
        foreach (var (prefix, events) in _watches)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal)) events.Writer.TryWrite(Event(type, value));
        }
    }

    private static JsonObject Event(string type, JsonObject value) => new() { ["type"] = type, ["object"] = value.DeepClone() };

    private static string Text(long revision) => revision.ToString(CultureInfo.InvariantCulture);
}
