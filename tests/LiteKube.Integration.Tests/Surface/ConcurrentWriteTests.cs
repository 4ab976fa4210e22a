using System.Net;
using System.Text.Json.Nodes;

namespace LiteKube.Integration.Tests.Surface;

/// <summary>Many writers on one object: patches are applied again to what another made, a PUT of an old version is refused.</summary>
public sealed class ConcurrentWriteTests : IAsyncLifetime
{
    private const int Writers = 16;
    private const int PatchesPerWriter = 20;
    private const string Path = "/api/v1/namespaces/default/configmaps/shared";

    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        await _server.PostAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"shared"}}""");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("application/merge-patch+json")]
    [InlineData("application/strategic-merge-patch+json")]
    public async Task No_patch_loses_a_race(string type)
    {
        await Parallel.ForAsync(0, Writers, new ParallelOptions { MaxDegreeOfParallelism = Writers }, async (writer, _) =>
        {
            for (var i = 0; i < PatchesPerWriter; i++)
            {
                var answer = await _server.PatchAsync(Path, $$$"""{"data":{"k{{{writer}}}-{{{i}}}":"v"}}""", type);
                Assert.True(answer.StatusCode == HttpStatusCode.OK, answer.Body);
            }
        });
        Assert.Equal(Writers * PatchesPerWriter, (await _server.GetAsync(Path)).Json["data"]!.AsObject().Count);
    }

    [Fact]
    public async Task Of_puts_on_one_version_one_wins()
    {
        var standing = (await _server.GetAsync(Path)).Json;
        var answers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer =>
        {
            var value = standing.DeepClone();
            value["data"] = new JsonObject { ["writer"] = writer.ToString(System.Globalization.CultureInfo.InvariantCulture) };
            return _server.PutAsync(Path, value.ToJsonString());
        }));
        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        Assert.All(answers.Where(a => a.StatusCode != HttpStatusCode.OK), a => Assert.Equal("Conflict", (string?)a.Json["reason"]));
    }

    [Fact]
    public async Task Puts_without_a_version_all_win()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => _server.PutAsync(Path, $$$"""{"metadata":{"name":"shared"},"data":{"writer":"{{{writer}}}"}}""")));
        Assert.All(answers, a => Assert.True(a.StatusCode == HttpStatusCode.OK, a.Body));
    }

    [Fact]
    public async Task A_patch_that_names_an_old_version_is_refused()
    {
        var version = (string?)(await _server.GetAsync(Path)).Json["metadata"]!["resourceVersion"];
        await _server.PatchAsync(Path, """{"data":{"a":"b"}}""");
        var refused = await _server.PatchAsync(Path, $$$"""{"metadata":{"resourceVersion":"{{{version}}}"},"data":{"a":"c"}}""");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
    }
}
