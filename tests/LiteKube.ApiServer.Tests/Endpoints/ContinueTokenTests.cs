using System.Buffers.Text;
using System.Net;
using System.Text;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Endpoints;

public sealed class ContinueTokenTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    [Theory]
    [InlineData("no+nsense", "illegal base64 data at input byte 2")]
    [InlineData("bm9", "invalid character 'o' in literal null (expecting 'u')")]
    [InlineData("abcde", "illegal base64 data at input byte 4")]
    [InlineData("bm9uc2Vuc2U", "invalid character 'o' in literal null (expecting 'u')")]
    public async Task A_token_that_no_server_made_is_refused_in_Gos_words(string token, string why)
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.GetAsync($"{ConfigMaps}?continue={Uri.EscapeDataString(token)}");

        Assert.Equal((HttpStatusCode.BadRequest, $"invalid continue token: continue key is not valid: {why}"), (refused.StatusCode, (string?)refused.Json["message"]));
    }

    [Theory]
    [InlineData("""{"v":"v2"}""", "server does not recognize this encoded version v2")]
    [InlineData("{}", "server does not recognize this encoded version ")]
    [InlineData("""{"v":"meta.k8s.io/v1"}""", "incorrect encoded start resourceVersion (version meta.k8s.io/v1)")]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":5}""", "encoded start key empty (version meta.k8s.io/v1)")]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":5,"start":"default/../secrets/a"}""", "default/../secrets/a")]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":"5","start":"a"}""", "json: cannot unmarshal string into Go struct field continueToken.rv of type int64")]
    [InlineData("[]", "json: cannot unmarshal array into Go value of type storage.continueToken")]
    public async Task A_token_with_other_content_is_refused_for_it(string content, string why)
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.GetAsync($"{ConfigMaps}?continue={Base64Url.EncodeToString(Encoding.UTF8.GetBytes(content))}");

        Assert.Equal((HttpStatusCode.BadRequest, $"invalid continue token: continue key is not valid: {why}"), (refused.StatusCode, (string?)refused.Json["message"]));
    }
}
