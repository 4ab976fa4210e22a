using LiteKube.ApiServer.Extensions.Aggregation;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>One subresource that is more than the object itself: scale, binding, log.</summary>
internal interface ISubresource
{
    ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken);
}

/// <summary>Leads a request for a resource to what answers it.</summary>
internal sealed class ResourceEndpoints(
    Func<ResourceTable> resources, ReadEndpoints read, WriteEndpoints write, DeleteEndpoints delete, IReadOnlyDictionary<string, ISubresource> subresources, AggregationProxy aggregation)
{
    /// <summary>Stands for the name of any resource that a CRD brings.</summary>
    public const string CustomResources = "*";

    /// <summary>The key of a subresource's handler: "pods/log", or "/scale" for every kind that has one.</summary>
    public static string KeyOf(string resource, string subresource) => $"{resource}/{subresource}";

    public ValueTask<ApiResult> HandleAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        var info = request.Info;
        var table = resources();
        if (aggregation.Shadows(table, info) || !table.TryFind(info.Group, info.Version, info.Resource, out var resource))
            return ValueTask.FromResult(aggregation.Handle(request) ?? throw new UnknownPathException());
        // Namespaces are the one cluster-scoped resource whose path says "namespaces".
        if (info.Namespace.Length > 0 && !resource.Info.Namespaced)
        {
            if (info.Resource != "namespaces") throw new UnknownPathException();
        }
        else if (info.Namespace.Length == 0 && resource.Info.Namespaced && info is { Name.Length: > 0, Verb: not ("list" or "watch" or "deletecollection") })
        {
            throw new UnknownPathException();
        }
        if (resource.DeprecationWarning is { } deprecation) request.Warnings.Add(deprecation);
        if (resource.Custom is { Warnings.Count: > 0 } custom) request.Warnings.AddRange(custom.Warnings);
        if (info.Subresource.Length > 0) return SubresourceAsync(request, resource, cancellationToken);
        if (resource.Custom is null && subresources.TryGetValue(KeyOf(info.Resource, ""), out var computed)) return computed.HandleAsync(request, resource, cancellationToken);
        if (!resource.Info.Supports(info.Verb)) throw ApiException.MethodNotAllowed();
        return info.Verb switch
        {
            "get" => read.GetAsync(request, resource, cancellationToken),
            "list" => read.ListAsync(request, resource, cancellationToken),
            "watch" => read.WatchAsync(request, resource, cancellationToken),
            "create" when info.Name.Length == 0 && (info.Namespace.Length > 0 || !resource.Info.Namespaced) => write.CreateAsync(request, resource, cancellationToken),
            "update" when info.Name.Length > 0 => write.UpdateAsync(request, resource, cancellationToken),
            "patch" when info.Name.Length > 0 => write.PatchAsync(request, resource, cancellationToken),
            "delete" => delete.DeleteAsync(request, resource, cancellationToken),
            "deletecollection" => delete.DeleteCollectionAsync(request, resource, cancellationToken),
            _ => throw ApiException.MethodNotAllowed(),
        };
    }

    private ValueTask<ApiResult> SubresourceAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var info = request.Info;
        var known = false;
        foreach (var subresource in resource.Info.Subresources)
        {
            if (subresource.Name != info.Subresource) continue;
            known = true;
            if (!subresource.Verbs.Contains(info.Verb)) throw ApiException.MethodNotAllowed();
        }
        if (!known) throw resource.Custom is null ? new UnknownPathException() : ApiException.NotFound(resource.GroupResource, info.Name);
        if (resource.Custom is not null)
        {
            if (subresources.TryGetValue(KeyOf(CustomResources, info.Subresource), out var custom)) return custom.HandleAsync(request, resource, cancellationToken);
        }
        else if (subresources.TryGetValue(KeyOf(info.Resource, info.Subresource), out var handler) || subresources.TryGetValue(KeyOf("", info.Subresource), out handler))
        {
            return handler.HandleAsync(request, resource, cancellationToken);
        }
        // What is left is the object itself seen through another door: status, approval, finalize, ephemeralcontainers, resize.
        return info.Verb switch
        {
            "get" => read.GetAsync(request, resource, cancellationToken),
            "update" => write.UpdateAsync(request, resource, cancellationToken),
            "patch" => write.PatchAsync(request, resource, cancellationToken),
            _ => throw ApiException.MethodNotAllowed(),
        };
    }
}

/// <summary>Nothing is served at the path; the answer is Kubernetes' plain "404 page not found".</summary>
internal sealed class UnknownPathException : Exception;
