using System.Runtime.CompilerServices;
using k8s.Models;
using LiteKube.ApiServer;
using LiteKube.ApiServer.Authentication;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Testing;

/// <summary>The way of a controller to a real API server, with the rights of its own service account.</summary>
public sealed class ServerTransport(ApiServer.ApiServer server, string controller) : IKubeTransport
{
    private readonly UserInfo _user = new($"system:serviceaccount:kube-system:{controller}", ["system:serviceaccounts", "system:serviceaccounts:kube-system", UserInfo.AuthenticatedGroup]);

    public async Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var response = await server.ExecuteAsync(new InProcessRequest(request.Method, request.PathAndQuery, _user, request.Body, request.ContentType), cancellationToken);
        return new KubeResponse(response.StatusCode, response.Body);
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var events = server.WatchAsync(new InProcessRequest(request.Method, request.PathAndQuery, _user), cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync())
                    yield break;
            }
            catch (WatchRefusedException e)
            {
                throw new KubeApiException(KubeJson.Deserialize<V1Status>(e.Status.Span));
            }
            yield return events.Current;
        }
    }
}
