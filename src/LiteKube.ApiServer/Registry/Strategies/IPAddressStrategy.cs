using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>IPAddresses: one puts its address aside for whatever it belongs to, a Service or something that users bring.</summary>
internal sealed class IPAddressStrategy(ResourceInfo resource, ServiceAddresses addresses) : ValidatedStrategy(resource, NetworkingValidation.IPAddress)
{
    public override IDisposable? Allocate(JsonObject value, JsonObject? old, FieldErrors errors, StrategyContext context)
    {
        if (old is not null || errors.Count > 0) return null;
        if (!addresses.TakeObject(value)) throw ApiException.AlreadyExists(CoreResources.IPAddresses, value.MetaName());
        var reservation = new Reservation(addresses, value.MetaName());
        if (!context.DryRun) return reservation;
        reservation.Dispose();
        return null;
    }

    public override void AfterWrite(JsonObject? value, JsonObject? old)
    {
        if (value is null && old is not null) addresses.ReleaseObject(old.MetaName());
    }

    private sealed class Reservation(ServiceAddresses addresses, string name) : IDisposable
    {
        public void Dispose() => addresses.ReleaseObject(name);
    }
}
