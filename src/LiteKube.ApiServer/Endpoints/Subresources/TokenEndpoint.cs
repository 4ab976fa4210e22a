using LiteKube.Apis;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints.Subresources;

/// <summary>serviceaccounts/token: the TokenRequest API.</summary>
internal sealed class TokenEndpoint(TokenIssuer issuer, AdmissionRunner admission, Func<ResourceTable> resources) : ISubresource
{
    private static readonly GroupVersionKind Kind = new("authentication.k8s.io", "v1", "TokenRequest");

    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        // A token that cannot be told to the client is not made.
        var accepted = ObjectResponder.AcceptedUnstored(request);
        var asked = await BodyDecoder.DecodeAsync(request, resources().Catalog, Kind, cancellationToken);
        asked = await admission.AdmitAsync(WriteEndpoints.AdmissionFor(request, resource), AdmissionOperation.Create, asked, null, cancellationToken);
        return ObjectResponder.Unstored(accepted, issuer.Issue(request.Info.Namespace, request.Info.Name, asked), 201);
    }
}
