using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Endpoints.Subresources;

/// <summary>The deprecated componentstatuses, told from the health checks of the parts that bear upstream's names.</summary>
internal sealed class ComponentStatusEndpoint(IReadOnlyList<HealthCheck> checks, ObjectResponder responder, IStateStore store) : ISubresource
{
    private static readonly (string Component, string Check)[] Components = [("controller-manager", "controllers"), ("etcd-0", "etcd"), ("scheduler", "scheduler")];

    public ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.Accepted(request, resource);
        var items = new List<JsonObject>();
        foreach (var (component, name) in Components)
        {
            if (checks.FirstOrDefault(c => c.Name == name) is { } check) items.Add(Status(component, check.Check()));
        }
        if (request.Info.Verb == "get")
        {
            var found = items.Find(i => i.Name() == request.Info.Name) ?? throw ApiException.NotFound(resource.GroupResource, request.Info.Name);
            return ValueTask.FromResult(responder.Tree(request, accepted, resource, found));
        }
        if (request.Info.Verb != "list") throw ApiException.MethodNotAllowed();
        var version = store.CurrentRevision.ToString(CultureInfo.InvariantCulture);
        if (accepted.Shape == BodyShape.Table) return ValueTask.FromResult(ObjectResponder.Whole(accepted, responder.Table(request, accepted, resource.Info, items, version, null)));
        if (accepted.Shape == BodyShape.PartialMetadata) throw ReadEndpoints.IsList(resource);
        var isWhole = accepted.Shape == BodyShape.Whole;
        return ValueTask.FromResult(ObjectResponder.Whole(accepted, new JsonObject
        {
            ["kind"] = isWhole ? "ComponentStatusList" : "PartialObjectMetadataList",
            ["apiVersion"] = isWhole ? "v1" : PartialMetadata.ApiVersion(accepted.Version),
            ["metadata"] = ObjectResponder.ListMeta(version, null),
            ["items"] = new JsonArray([.. items.Select(i => isWhole ? i : PartialMetadata.Of(i, accepted.Version))]),
        }));
    }

    private static JsonObject Status(string component, string? failure)
    {
        var condition = new JsonObject { ["type"] = "Healthy", ["status"] = failure is null ? "True" : "False", ["message"] = failure is null ? "ok" : "" };
        if (failure is not null) condition["error"] = failure;
        return new JsonObject { ["kind"] = "ComponentStatus", ["apiVersion"] = "v1", ["metadata"] = new JsonObject { ["name"] = component, ["creationTimestamp"] = null }, ["conditions"] = new JsonArray(condition) };
    }
}
