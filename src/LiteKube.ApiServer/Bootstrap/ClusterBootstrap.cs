using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>
/// Brings the store to what every cluster has, at each start: creates what is missing, adds rules and subjects that a
/// role or binding lost (unless its autoupdate annotation says false), and keeps what users added.
/// </summary>
public sealed class ClusterBootstrap(IObjectReader objects, IObjectWriter writer, ClusterPki pki, ApiServerOptions options, TimeProvider time)
{
    private const int MaxAttempts = 5;

    /// <param name="port">Where the server listens, for the endpoints of default/kubernetes.</param>
    public async Task RunAsync(int port, CancellationToken cancellationToken)
    {
        // Nothing here waits for anything else, so that all writes share a few commits.
        var work = new List<Task>();
        foreach (var value in BootstrapObjects.Namespaces().Concat(BootstrapObjects.PriorityClasses()))
            work.Add(writer.EnsureAsync(value, cancellationToken));
        foreach (var value in BootstrapPolicy.Build())
            work.Add(ReconcileAsync(value, RbacReconciliation.Merge, cancellationToken));
        work.Add(ReconcileAuthenticationConfigAsync(cancellationToken));
        work.Add(writer.EnsureAsync(BootstrapObjects.Service(ServiceCidr.FirstAddress(options.ServiceCidr), port), cancellationToken));
        work.Add(EnsureServiceRangeAsync(cancellationToken));
        work.Add(ReconcileEndpointsAsync(options.AdvertiseAddress, port, cancellationToken));
        await Task.WhenAll(work);
    }

    /// <summary>Makes kube-system/extension-apiserver-authentication say what extension servers must know; also to be called when somebody changed it.</summary>
    public Task ReconcileAuthenticationConfigAsync(CancellationToken cancellationToken) => ReconcileAsync(BootstrapObjects.AuthenticationConfig(pki), MergeFields("data"), cancellationToken);

    /// <summary>Points default/kubernetes at the address; also to be called when the machine's address changes.</summary>
    public async Task ReconcileEndpointsAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        await ReconcileAsync(BootstrapObjects.Endpoints(address, port), MergeFields("subsets"), cancellationToken);
        await ReconcileAsync(BootstrapObjects.EndpointSlice(address, port), MergeFields("endpoints", "ports"), cancellationToken);
    }

    /// <summary>Shows the range given at start as ServiceCIDR "kubernetes", ready; also to be called when somebody changed or removed it.</summary>
    public async Task EnsureServiceRangeAsync(CancellationToken cancellationToken)
    {
        var wanted = BootstrapObjects.ServiceRange(options.ServiceCidr);
        await writer.EnsureAsync((JsonObject)wanted.DeepClone(), cancellationToken);
        if (objects.Get(CoreResources.ServiceCidrs, "", wanted.MetaName()) is not { } stored || stored.Obj("metadata").Has("deletionTimestamp") || !stored.Obj("spec")!["cidrs"].SameAs(wanted.Obj("spec")!["cidrs"]) || stored.Obj("status").Items("conditions").Any(c => c.Str("type") == "Ready"))
            return;
        var ready = (JsonObject)stored.DeepClone();
        ready["status"] = BootstrapObjects.ServiceRangeReady(time.GetUtcNow());
        await writer.TryUpdateStatusAsync(ready, cancellationToken);
    }

    private async Task ReconcileAsync(JsonObject wanted, Func<JsonObject, JsonObject, JsonObject?> merge, CancellationToken cancellationToken)
    {
        var resource = ResourceOf(wanted);
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (objects.Get(resource, wanted.MetaNamespace(), wanted.MetaName()) is not { } stored)
            {
                if (await writer.EnsureAsync((JsonObject)wanted.DeepClone(), cancellationToken))
                    return;
                continue;
            }
            if (merge(stored, wanted) is not { } merged || await writer.TryUpdateAsync(merged, cancellationToken) is not null)
                return;
        }
        throw ApiException.Conflict(resource, wanted.MetaName(), "it kept changing while the server started");
    }

    /// <summary>Takes the fields from the wanted object; null when nothing differs.</summary>
    private static Func<JsonObject, JsonObject, JsonObject?> MergeFields(params string[] fields) => (stored, wanted) =>
    {
        if (fields.All(f => stored[f].SameAs(wanted[f])))
            return null;
        var merged = (JsonObject)stored.DeepClone();
        foreach (var field in fields)
            merged[field] = wanted[field]!.DeepClone();
        return merged;
    };

    private static GroupResource ResourceOf(JsonObject value) => value.Str("kind") switch
    {
        "Endpoints" => CoreResources.Endpoints,
        "EndpointSlice" => CoreResources.EndpointSlices,
        "ConfigMap" => CoreResources.ConfigMaps,
        "Role" => CoreResources.Roles,
        "ClusterRole" => CoreResources.ClusterRoles,
        "RoleBinding" => CoreResources.RoleBindings,
        "ClusterRoleBinding" => CoreResources.ClusterRoleBindings,
        var kind => throw new InvalidOperationException($"no bootstrap object is a {kind}"),
    };
}
