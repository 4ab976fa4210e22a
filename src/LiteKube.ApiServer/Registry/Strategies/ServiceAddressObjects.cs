using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The IPAddress objects that show which Service holds which cluster address (KEP-1880).</summary>
internal sealed class ServiceAddressObjects(IObjectReader objects, Func<IObjectWriter> writer)
{
    public const string ManagedBy = "ipaddress.kubernetes.io/managed-by";
    public const string Manager = "ipallocator.k8s.io";
    public const string Family = "ipaddress.kubernetes.io/ip-family";

    public static JsonObject Make(string address, string ns, string name) => new()
    {
        ["kind"] = "IPAddress",
        ["apiVersion"] = "networking.k8s.io/v1",
        ["metadata"] = new JsonObject { ["name"] = address, ["labels"] = new JsonObject { [Family] = "IPv4", [ManagedBy] = Manager } },
        ["spec"] = new JsonObject { ["parentRef"] = new JsonObject { ["resource"] = "services", ["namespace"] = ns, ["name"] = name } },
    };

    /// <summary>Those of the addresses that the Service did not have before. Begun at once, so that they share a commit with it.</summary>
    public Task WriteAsync(JsonObject service, JsonObject? old, CancellationToken cancellationToken) =>
        Task.WhenAll(ServiceAddresses.Of(service).Except(ServiceAddresses.Of(old)).Select(a => writer().EnsureAsync(Make(a, service.MetaNamespace(), service.MetaName()), cancellationToken)));

    /// <summary>Those of the addresses that a Service no longer has.</summary>
    /// <param name="kept">The Service that goes on; null: it is gone.</param>
    public Task RemoveAsync(JsonObject? kept, JsonObject gone, CancellationToken cancellationToken) =>
        Task.WhenAll(ServiceAddresses.Of(gone).Except(ServiceAddresses.Of(kept)).Select(a => RemoveAsync(a, $"{gone.MetaNamespace()}/{gone.MetaName()}", cancellationToken)));

    private async Task RemoveAsync(string address, string service, CancellationToken cancellationToken)
    {
        // Somebody may touch the object meanwhile; what is another's by then stays.
        while (objects.Get(CoreResources.IPAddresses, "", address) is { } standing && ServiceAddresses.ServiceOf(standing) == service)
        {
            if (await writer().TryDeleteAsync(standing, cancellationToken)) return;
        }
    }
}
