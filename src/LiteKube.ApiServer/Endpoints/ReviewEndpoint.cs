using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>A kind that is answered and not stored: access reviews, token reviews.</summary>
/// <param name="evaluate">(user, namespace, review) to the review with its status.</param>
internal sealed class ReviewEndpoint(Func<UserInfo, string, JsonObject, CancellationToken, ValueTask<JsonObject>> evaluate) : ISubresource
{
    public ReviewEndpoint(Func<UserInfo, string, JsonObject, JsonObject> evaluate) : this((user, ns, review, _) => ValueTask.FromResult(evaluate(user, ns, review)))
    {
    }

    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        if (request.Info.Verb != "create" || request.Info.Name.Length > 0) throw ApiException.MethodNotAllowed();
        // What a table cannot show is refused before the work is done.
        var accepted = ObjectResponder.AcceptedUnstored(request);
        BodyDecoder.IsDryRun(request);
        var review = await BodyDecoder.DecodeAsync(request, resource, cancellationToken);
        return ObjectResponder.Unstored(accepted, await evaluate(request.User, request.Info.Namespace, review, cancellationToken), 201);
    }
}
