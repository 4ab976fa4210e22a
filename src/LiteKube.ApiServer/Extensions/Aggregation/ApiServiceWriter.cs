using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Writes APIServices on the server's behalf. False: the object changed or went meanwhile, and its next change brings the caller back.</summary>
internal sealed class ApiServiceWriter(ObjectRegistry registry, Func<ResourceTable> resources)
{
    private static readonly UserInfo Server = new("system:apiserver", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    public async Task<bool> CreateAsync(JsonObject value, CancellationToken cancellationToken)
    {
        var request = Request("create", "", "");
        var canonical = ObjectDecoder.Canonicalize(value, request.Resource.Info.Schema, FieldValidation.Ignore).Object;
        Defaulter.Apply(request.Resource.Info.Schema, request.Resource.Info.GroupVersionKind, canonical);
        try
        {
            await registry.CreateAsync(request, canonical, cancellationToken);
            return true;
        }
        catch (ApiException exception) when (exception.Reason == "AlreadyExists")
        {
            return false;
        }
    }

    public Task<bool> UpdateAsync(JsonObject value, CancellationToken cancellationToken) => UpdateAsync(value, "", cancellationToken);

    public Task<bool> UpdateStatusAsync(JsonObject value, CancellationToken cancellationToken) => UpdateAsync(value, "status", cancellationToken);

    /// <summary>Removes exactly this object.</summary>
    public async Task<bool> DeleteAsync(JsonObject value, CancellationToken cancellationToken)
    {
        try
        {
            await registry.DeleteAsync(Request("delete", value.MetaName(), ""), new DeleteOptions(Uid: value.MetaUid()), cancellationToken);
            return true;
        }
        catch (ApiException exception) when (exception.Reason is "Conflict" or "NotFound")
        {
            return false;
        }
    }

    private async Task<bool> UpdateAsync(JsonObject value, string subresource, CancellationToken cancellationToken)
    {
        try
        {
            await registry.UpdateAsync(Request("update", value.MetaName(), subresource), (_, _, _) => ValueTask.FromResult((JsonObject)value.DeepClone()), null, cancellationToken);
            return true;
        }
        catch (ApiException exception) when (exception.Reason is "Conflict" or "NotFound")
        {
            return false;
        }
    }

    private WriteRequest Request(string verb, string name, string subresource)
    {
        var resource = resources().FindKind(ApiService.ApiVersion, ApiService.Kind);
        var info = resource.Info.Resource;
        return new WriteRequest
        {
            Resource = resource,
            User = Server,
            SkipAdmission = true,
            Fields = verb == "delete" ? null : new FieldTracking(FieldTracking.ManagerOf(Server)),
            Info = new RequestInfo { Verb = verb, Path = "", IsResourceRequest = true, Group = info.Group, Version = info.Version, Resource = info.Resource, Subresource = subresource, Name = name },
        };
    }
}
