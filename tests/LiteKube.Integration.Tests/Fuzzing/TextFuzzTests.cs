using System.Net.Http.Headers;
using System.Text;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <summary>Selectors, Accept headers, paging tokens and protobuf bodies made of likely pieces and of anything.</summary>
public sealed class TextFuzzTests : IAsyncLifetime
{
    private const string Maps = $"/api/v1/namespaces/{RequestMaker.Namespace}/configmaps";
    private const string Protobuf = "application/vnd.kubernetes.protobuf";
    private const int Tries = 600;

    private static readonly string[] SelectorPieces = ["a", "b.example.com/c", "=", "==", "!=", "!", ",", "in", "notin", "(", ")", " ", ">", "<", "-1", "é", "\\", "\\,", "\\=", "metadata.name", "metadata.namespace", "x", "\0", "\n", "''", "/", "99999999999999999999", "exists"];
    private static readonly string[] AcceptPieces = ["application/json", "application/yaml", Protobuf, "text/html", "*/*", "application/*", ";", ",", "as=Table", "as=PartialObjectMetadata", "v=v1", "v=v1beta1", "g=meta.k8s.io", "g=", "q=0.5", "q=x", "q=2", "stream=watch", "=", "\"", "profile=nopeer", " ", "g=apidiscovery.k8s.io", "as=APIGroupDiscoveryList", "v=v2"];

    private TestApiServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestApiServer.StartAsync();
        await _server.PostAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{RequestMaker.Namespace}}}"}}""");
        for (var i = 0; i < 3; i++) await _server.PostAsync(Maps, $$$"""{"metadata":{"name":"m{{{i}}}","labels":{"a":"{{{i}}}"}},"data":{"k":"v"}}""");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("labelSelector", 11)]
    [InlineData("fieldSelector", 12)]
    [InlineData("continue", 13)]
    public async Task Any_selector_or_token_is_answered(string parameter, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < Tries; i++)
        {
            var text = Uri.EscapeDataString(Pieces(random, SelectorPieces));
            await FuzzTarget.CheckAsync(_server, new(random.Next(10) == 0 ? HttpMethod.Delete : HttpMethod.Get, $"{Maps}?{parameter}={text}&limit=1", null, "", null));
        }
    }

    [Theory]
    [InlineData(Maps, 21)]
    [InlineData(Maps + "/m0", 22)]
    [InlineData("/apis", 23)]
    [InlineData("/openapi/v2", 24)]
    [InlineData(Maps + "?watch=true&timeoutSeconds=1&resourceVersion=0", 25)]
    public async Task Any_Accept_header_is_answered(string path, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < (path.Contains("watch", StringComparison.Ordinal) ? 10 : Tries); i++)
            await FuzzTarget.CheckAsync(_server, new(HttpMethod.Get, path, null, "", Pieces(random, AcceptPieces)));
    }

    [Theory]
    [InlineData("configmaps", """{"metadata":{"name":"x","labels":{"a":"b"}},"data":{"k":"v"},"binaryData":{"b":"AAEC"}}""", 31)]
    [InlineData("pods", """{"metadata":{"name":"x"},"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1"}},"ports":[{"containerPort":80}]}]}}""", 32)]
    [InlineData("services", """{"metadata":{"name":"x"},"spec":{"ports":[{"port":80,"targetPort":"http"}]}}""", 33)]
    public async Task Any_change_to_a_protobuf_body_is_answered(string resource, string json, int seed)
    {
        var path = $"/api/v1/namespaces/{RequestMaker.Namespace}/{resource}";
        await _server.PostAsync($"/api/v1/namespaces/{RequestMaker.Namespace}/serviceaccounts", """{"metadata":{"name":"default"}}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, path + "?dryRun=All") { Version = System.Net.HttpVersion.Version20, Content = new ByteArrayContent(Encoding.UTF8.GetBytes(json)) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json");
        request.Headers.TryAddWithoutValidation("Accept", Protobuf);
        using var answer = await _server.Admin.SendAsync(request);
        Assert.Equal((System.Net.HttpStatusCode.Created, Protobuf), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var valid = await answer.Content.ReadAsByteArrayAsync();
        var random = new Random(seed);
        for (var i = 0; i < Tries; i++)
            await FuzzTarget.CheckAsync(_server, new(HttpMethod.Post, path + "?dryRun=All", Changed(random, valid), Protobuf, random.Next(2) == 0 ? Protobuf : null));
    }

    private static byte[] Changed(Random random, byte[] valid)
    {
        List<byte> bytes = [.. valid];
        for (var i = random.Next(1, 4); i > 0 && bytes.Count > 0; i--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 3:
                    bytes.InsertRange(at, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
                    break;
                default:
                    bytes.InsertRange(at, valid.AsSpan(random.Next(valid.Length)).ToArray());
                    break;
            }
        }
        return [.. bytes];
    }

    private static string Pieces(Random random, string[] pieces)
    {
        var text = new StringBuilder();
        for (var i = random.Next(1, 9); i > 0; i--) text.Append(random.Next(25) == 0 ? ((char)random.Next(32, 127)).ToString() : pieces[random.Next(pieces.Length)]);
        return text.ToString();
    }
}
