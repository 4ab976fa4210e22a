using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <summary>What holds for every answer, whatever was asked.</summary>
internal static class FuzzTarget
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Sends it; fails unless a success or a Status of 4xx comes, soon.</summary>
    /// <returns>The status code.</returns>
    public static async Task<int> CheckAsync(TestApiServer server, FuzzedRequest fuzzed)
    {
        using var request = new HttpRequestMessage(fuzzed.Method, fuzzed.Path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (fuzzed.Body is not null)
        {
            request.Content = new ByteArrayContent(fuzzed.Body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(fuzzed.ContentType);
        }
        if (!string.IsNullOrEmpty(fuzzed.Accept)) request.Headers.TryAddWithoutValidation("Accept", fuzzed.Accept);
        using var limited = new CancellationTokenSource(Patience);
        try
        {
            using var response = await server.Admin.SendAsync(request, limited.Token);
            var status = (int)response.StatusCode;
            if (status < 400) return status;
            var body = await response.Content.ReadAsByteArrayAsync(limited.Token);
            var text = Encoding.UTF8.GetString(body);
            // A version that has not been yet is waited for, then answered as Kubernetes does: 504.
            if (status == 504 && text.Contains("Too large resource version", StringComparison.Ordinal)) return status;
            // So does Kubernetes answer an applied object that does not fit its schema, and clients know it as this.
            if (status == 500 && text.Contains("failed to create typed patch object (", StringComparison.Ordinal)) return status;
            if (status >= 500 || !IsStatus(response.Content.Headers.ContentType?.MediaType, body, text, status)) Assert.Fail($"{status} {text}\nto {fuzzed}");
            return status;
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"no answer within {Patience} to {fuzzed}");
            return 0;
        }
    }

    /// <summary>In the form that was asked for, where errors have it.</summary>
    private static bool IsStatus(string? type, ReadOnlySpan<byte> body, string text, int code) => type switch
    {
        "application/vnd.kubernetes.protobuf" => body.StartsWith("k8s\0"u8) && body.IndexOf("\u0012\u0006Status"u8) > 0,
        "application/yaml" => text.Contains("\nkind: Status\n", StringComparison.Ordinal) && $"\n{text}".Contains($"\ncode: {code}\n", StringComparison.Ordinal),
        _ => text == "404 page not found\n" || (text.StartsWith('{') && JsonNode.Parse(text) is JsonObject status && (string?)status["kind"] == "Status" && (int?)status["code"] == code),
    };
}
