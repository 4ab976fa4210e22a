using System.Runtime.CompilerServices;
using k8s.Models;
using LiteKube.ApiServer;
using LiteKube.ApiServer.Authentication;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Testing;

/// <summary>The way of a component to a real API server, without HTTP.</summary>
public sealed class ServerTransport : IKubeTransport
{
    private readonly ApiServer.ApiServer _server;
    private readonly UserInfo _user;

    /// <summary>With the rights of a controller's own service account.</summary>
    public ServerTransport(ApiServer.ApiServer server, string controller)
        : this(server, new UserInfo($"system:serviceaccount:kube-system:{controller}", ["system:serviceaccounts", "system:serviceaccounts:kube-system", UserInfo.AuthenticatedGroup])) { }

    private ServerTransport(ApiServer.ApiServer server, UserInfo user) => (_server, _user) = (server, user);

    /// <summary>With the rights of any user: "system:kube-scheduler".</summary>
    public static ServerTransport For(ApiServer.ApiServer server, string user, params IReadOnlyList<string> groups) => new(server, new UserInfo(user, [.. groups, UserInfo.AuthenticatedGroup]));

    /// <summary>With all rights.</summary>
    public static ServerTransport ForAdmin(ApiServer.ApiServer server) => For(server, "kubernetes-admin", UserInfo.MastersGroup);

    public async Task<KubeResponse> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        var response = await _server.ExecuteAsync(new InProcessRequest(request.Method, request.PathAndQuery, _user, request.Body, request.ContentType), cancellationToken);
        return new KubeResponse(response.StatusCode, response.Body);
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var events = _server.WatchAsync(new InProcessRequest(request.Method, request.PathAndQuery, _user), cancellationToken).GetAsyncEnumerator(cancellationToken);
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
