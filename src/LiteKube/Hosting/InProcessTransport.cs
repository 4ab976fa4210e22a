using System.Runtime.CompilerServices;
using System.Text.Json;
using k8s.Models;
using LiteKube.ApiServer;
using LiteKube.ApiServer.Authentication;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Hosting;

/// <summary>A component's way to the API server of this process: its pipeline, without HTTP, under the component's own user.</summary>
internal sealed class InProcessTransport(ApiServer.ApiServer server, UserInfo user) : IKubeTransport
{
    public async Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var response = await server.ExecuteAsync(new InProcessRequest(request.Method, request.PathAndQuery, user, request.Body, request.ContentType), cancellationToken);
        return new KubeResponse(response.StatusCode, response.Body);
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var events = server.WatchAsync(new InProcessRequest(request.Method, request.PathAndQuery, user), cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync())
                    yield break;
            }
            catch (WatchRefusedException e)
            {
                throw new KubeApiException(ReadStatus(e));
            }
            yield return events.Current;
        }
    }

    private static V1Status ReadStatus(WatchRefusedException refused)
    {
        try
        {
            return KubeJson.Deserialize<V1Status>(refused.Status.Span);
        }
        catch (JsonException e)
        {
            return new V1Status { Code = refused.StatusCode, Reason = "InternalError", Message = $"the API server refused the watch in words that are no Status: {e.Message}" };
        }
    }
}
