using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Registry;

/// <summary>How the server writes on its own behalf: defaulting, strategy and validation, no admission.</summary>
internal sealed class InternalWriter(ObjectRegistry registry, Func<ResourceTable> resources) : IObjectWriter
{
    private static readonly UserInfo Server = new("system:apiserver", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    public async Task<bool> EnsureAsync(JsonObject value, CancellationToken cancellationToken)
    {
        var request = Request(value, "create");
        if (registry.Find(request.Resource, request.Namespace, value.Name()) is not null) return false;
        try
        {
            await CreateAsync(value, cancellationToken);
            return true;
        }
        catch (ApiException exception) when (exception.Reason == "AlreadyExists")
        {
            return false;
        }
    }

    public async Task<JsonObject> CreateAsync(JsonObject value, CancellationToken cancellationToken)
    {
        var request = Request(value, "create");
        var created = await registry.CreateAsync(request, Canonical(request, value), cancellationToken);
        return request.Resource.Decode(created);
    }

    public Task<JsonObject?> TryUpdateAsync(JsonObject value, CancellationToken cancellationToken) => TryUpdateAsync(value, "", cancellationToken);

    public Task<JsonObject?> TryUpdateStatusAsync(JsonObject value, CancellationToken cancellationToken) => TryUpdateAsync(value, "status", cancellationToken);

    private async Task<JsonObject?> TryUpdateAsync(JsonObject value, string subresource, CancellationToken cancellationToken)
    {
        var request = Request(value, "update", subresource);
        var canonical = Canonical(request, value);
        try
        {
            var (written, _) = await registry.UpdateAsync(request, (_, _, _) => ValueTask.FromResult((JsonObject)canonical.DeepClone()), null, cancellationToken);
            return request.Resource.Decode(written);
        }
        catch (ApiException exception) when (exception.Reason is "Conflict" or "NotFound")
        {
            return null;
        }
    }

    public async Task<bool> TryDeleteAsync(JsonObject value, CancellationToken cancellationToken)
    {
        try
        {
            await registry.DeleteAsync(Request(value, "delete"), new DeleteOptions(Uid: value.Uid(), ResourceVersion: value.ResourceVersion()), cancellationToken);
            return true;
        }
        catch (ApiException exception) when (exception.Reason is "Conflict" or "NotFound")
        {
            return exception.Reason == "NotFound";
        }
    }

    private WriteRequest Request(JsonObject value, string verb, string subresource = "")
    {
        var resource = resources().FindKind(value.Text("apiVersion"), value.Text("kind"));
        var info = resource.Info;
        return new WriteRequest
        {
            Resource = resource,
            User = Server,
            SkipAdmission = true,
            Fields = new FieldTracking(FieldTracking.ManagerOf(Server)),
            Info = new RequestInfo
            {
                Verb = verb,
                Path = "",
                IsResourceRequest = true,
                Group = info.Resource.Group,
                Version = info.Resource.Version,
                Resource = info.Resource.Resource,
                Subresource = subresource,
                Namespace = info.Namespaced ? value.Namespace() : "",
                Name = verb == "create" ? "" : value.Name(),
            },
        };
    }

    private static JsonObject Canonical(WriteRequest request, JsonObject value)
    {
        var canonical = ObjectDecoder.Canonicalize(value, request.Resource.Info.Schema, FieldValidation.Ignore).Object;
        Defaulter.Apply(request.Resource.Info.Schema, request.Resource.Info.GroupVersionKind, canonical);
        return canonical;
    }
}
