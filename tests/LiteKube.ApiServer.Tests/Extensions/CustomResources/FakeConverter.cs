using System.Text.Json.Nodes;
using LiteKube.Testing;
using Microsoft.AspNetCore.Http;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

/// <summary>A conversion webhook on Kestrel: spec.host of v1 is spec.hostname of v2.</summary>
internal sealed class FakeConverter : IAsyncDisposable
{
    private TlsServer _server = null!;

    public Uri Address => _server.Address;
    public int Calls { get; private set; }
    public string CaBundle => _server.CaBundle;

    /// <summary>Changes the answer before it goes out.</summary>
    public Action<JsonObject>? Spoil { get; set; }

    public static async Task<FakeConverter> StartAsync(string serviceName = "localhost")
    {
        var converter = new FakeConverter();
        converter._server = await TlsServer.StartAsync(TlsServer.SelfSigned(serviceName, "127.0.0.1"), converter.AnswerAsync);
        return converter;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Calls++;
        var review = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var request = review["request"]!.AsObject();
        var target = request["desiredAPIVersion"]!.GetValue<string>();
        var converted = new JsonArray();
        foreach (var node in request["objects"]!.AsArray())
        {
            var value = node!.DeepClone().AsObject();
            value["apiVersion"] = target;
            var (from, to) = target.EndsWith("v2", StringComparison.Ordinal) ? ("host", "hostname") : ("hostname", "host");
            if (value["spec"] is JsonObject spec && spec.Remove(from, out var host)) spec[to] = host?.DeepClone();
            converted.Add((JsonNode)value);
        }
        var answer = new JsonObject
        {
            ["kind"] = "ConversionReview",
            ["apiVersion"] = review["apiVersion"]!.DeepClone(),
            ["response"] = new JsonObject { ["uid"] = request["uid"]!.DeepClone(), ["result"] = new JsonObject { ["status"] = "Success" }, ["convertedObjects"] = converted },
        };
        Spoil?.Invoke(answer);
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString());
    }
}
