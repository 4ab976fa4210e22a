using System.Net;
using System.Text;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

/// <summary>How much, and for how long, one request may take.</summary>
public sealed class LimitsTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_above_three_mebibytes_is_refused_whether_or_not_it_tells_its_length(bool tellsLength)
    {
        await using var server = await TestApiServer.StartAsync();
        var body = Encoding.UTF8.GetBytes($$$"""{"metadata":{"name":"a"},"data":{"k":"{{{new string('x', 3 * 1024 * 1024)}}}"}}""");
        using var content = tellsLength ? (HttpContent)new ByteArrayContent(body) : new StreamContent(new MemoryStream(body));
        if (!tellsLength) content.Headers.ContentLength = null;
        content.Headers.ContentType = new("application/json");

        using var answer = await server.Admin.PostAsync(ConfigMaps, content);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        var status = System.Text.Json.Nodes.JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("Request entity too large: limit is 3145728", status["message"]!.GetValue<string>());
        Assert.Equal("RequestEntityTooLarge", status["reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_JSON_patch_holds_ten_thousand_operations_at_most()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        string Patch(int count) => "[" + string.Join(",", Enumerable.Repeat("""{"op":"test","path":"/data/k","value":"v"}""", count)) + "]";

        var refused = await server.PatchAsync($"{ConfigMaps}/a", Patch(10_001), "application/json-patch+json");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Equal("Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001", refused.Json["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, (await server.PatchAsync($"{ConfigMaps}/a", Patch(10_000), "application/json-patch+json")).StatusCode);
    }

    [Fact]
    public async Task Copies_of_a_patch_do_not_double_an_object_without_end()
    {
        await using var server = await TestApiServer.StartAsync();
        await server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        var doubling = "[" + string.Join(",", Enumerable.Range(0, 60).Select(i => $$"""{"op":"copy","from":"/data","path":"/data/k{{i}}"}""")) + "]";

        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PatchAsync($"{ConfigMaps}/a", doubling, "application/json-patch+json")).StatusCode);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    public async Task Nesting_without_end_is_refused(string opening)
    {
        await using var server = await TestApiServer.StartAsync();
        var answer = await server.PostAsync(ConfigMaps, "{\"metadata\":" + string.Concat(Enumerable.Repeat(opening, 200_000)));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task A_timeout_that_is_no_duration_is_refused()
    {
        await using var server = await TestApiServer.StartAsync();
        var answer = await server.GetAsync($"{ConfigMaps}?timeout=soon");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("invalid timeout specified in the request URL - time: invalid duration \"soon\"", answer.Json["message"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync($"{ConfigMaps}?timeout=0s")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync($"{ConfigMaps}?timeout=1h")).StatusCode);
    }

    [Fact]
    public async Task A_body_that_does_not_come_ends_when_the_time_is_up()
    {
        await using var server = await TestApiServer.StartAsync();
        // HTTP/2: over HTTP/1.1 this client reads no answer before it has sent its body.
        using var content = new EndlessContent();

        using var answer = await server.Admin.PostAsync($"{ConfigMaps}?timeout=100ms", content);

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        var status = System.Text.Json.Nodes.JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("Timeout: request did not complete within requested timeout - context deadline exceeded", status["message"]!.GetValue<string>());
        Assert.Equal("Timeout", status["reason"]!.GetValue<string>());
        content.End();

        // Its deadline is not used again, and whoever comes after has a whole one.
        for (var i = 0; i < 20; i++) Assert.Equal(HttpStatusCode.Created, (await server.PostAsync($"{ConfigMaps}?timeout=30s", $$$"""{"metadata":{"name":"a-{{{i}}}"}}""")).StatusCode);
    }

    /// <summary>Begins, and then sends nothing until it is told to end.</summary>
    private sealed class EndlessContent : HttpContent
    {
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndlessContent() => Headers.ContentType = new("application/json");

        public void End() => _end.TrySetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("{\"metadata\":"u8.ToArray());
            await stream.FlushAsync();
            await _end.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
