using System.Net;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <param name="ETag">As it came; empty: none.</param>
internal sealed record Fetched(int Code, string ContentType, string ETag, byte[] Body);

/// <summary>Reads documents of extension servers for this server itself: within a time and a size.</summary>
internal sealed class ExtensionFetch(TimeProvider time)
{
    /// <summary>Who asks for discovery and health; may everything, so that nothing hides.</summary>
    public static readonly UserInfo Aggregator = new("system:kube-aggregator", [UserInfo.MastersGroup]);

    /// <summary>Who asks for OpenAPI documents.</summary>
    public static readonly UserInfo SpecReader = new("system:aggregator", []);

    /// <param name="etag">Of the document that is known; the answer 304 says that it still stands.</param>
    /// <exception cref="ApiException">503: no answer came.</exception>
    public async Task<Fetched> GetAsync(ExtensionClient client, UserInfo user, string path, string accept, string etag, int maxBytes, TimeSpan limit, CancellationToken cancellationToken)
    {
        var endpoint = client.FindEndpoint();
        using var request = client.Prepare(HttpMethod.Get, endpoint, path, user);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (etag.Length > 0) request.Headers.TryAddWithoutValidation("If-None-Match", etag);
        using var deadline = new Deadline(limit, time, cancellationToken);
        try
        {
            using var answer = await client.SendAsync(request, deadline.Token);
            await answer.Content.LoadIntoBufferAsync(maxBytes, deadline.Token);
            var body = await answer.Content.ReadAsByteArrayAsync(deadline.Token);
            return new Fetched((int)answer.StatusCode, Header(answer.Content.Headers, "Content-Type"), Header(answer.Headers, "ETag"), body);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ExtensionClient.Problem(exception) is { } problem)
        {
            throw new ApiException((int)HttpStatusCode.ServiceUnavailable, "ServiceUnavailable", $"Get \"{endpoint}{path}\": {problem}");
        }
    }

    private static string Header(System.Net.Http.Headers.HttpHeaders headers, string name) => headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : "";
}
