using CsCheck;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <summary>CRDs with any schema, any rule, and any object of theirs: refused as the client's fault or taken, never a 500.</summary>
public sealed class CustomResourceFuzzTests : IAsyncLifetime
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const int DefinitionsPerSeed = 25;
    private const int RequestsPerDefinition = 20;

    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        await _server.PostAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{RequestMaker.Namespace}}}"}}""");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(1000)]
    [InlineData(2000)]
    [InlineData(3000)]
    public async Task Committed_seeds_give_no_server_error(int seed)
    {
        var taken = 0;
        for (var i = 0; i < DefinitionsPerSeed; i++) taken += await TryAsync(seed + i) ? 1 : 0;
        // Otherwise no object was ever tried, and the makers are to blame.
        Assert.InRange(taken, 1, DefinitionsPerSeed);
    }

    [FuzzingFact]
    public async Task New_seeds_give_no_server_error() =>
        await Gen.Int[10_000, int.MaxValue].SampleAsync(async seed => { await TryAsync(seed); }, iter: FuzzingFactAttribute.Seeds, threads: 2);

    /// <returns>Whether the CRD was taken.</returns>
    private async Task<bool> TryAsync(int seed)
    {
        var maker = new DefinitionMaker(seed);
        if (await FuzzTarget.CheckAsync(_server, new(HttpMethod.Post, Definitions, maker.Definition(), "application/json", null)) >= 300) return false;
        await using (var watch = await _server.WatchAsync($"{Definitions}?watch=true&fieldSelector=metadata.name%3D{maker.Name}"))
        {
            while (await watch.NextAsync() is { } next && !next.ToJsonString().Contains("\"Established\"", StringComparison.Ordinal)) continue;
        }
        for (var i = 0; i < RequestsPerDefinition; i++) await FuzzTarget.CheckAsync(_server, maker.Next());
        await FuzzTarget.CheckAsync(_server, new(HttpMethod.Get, $"/openapi/v3/apis/{maker.Group}/v1", null, "", null));
        await FuzzTarget.CheckAsync(_server, new(HttpMethod.Delete, $"{Definitions}/{maker.Name}", null, "", null));
        return true;
    }
}
