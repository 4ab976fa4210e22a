using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: what scheduler and drivers say of a claim.</summary>
internal static class DeviceClaimStatusValidation
{
    private const int MaxReservedFor = 256;
    private const int MaxResults = 32;
    private const int MaxConfigurations = 64;
    private const int MaxConditions = 8;
    private const int MaxDataBytes = 10 * 1024;
    private const int MaxInterfaceNameBytes = 256;
    private const int MaxHardwareAddressBytes = 128;
    private const int MaxAddresses = 16;

    public static void Status(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (status, before, path) = (value.Obj("status"), old.Obj("status"), FieldPath.Of("status"));
        ReservedFor(errors, status, path.Child("reservedFor"));
        DeviceStatuses(errors, status, path.Child("devices"));
        if (status.Arr("reservedFor") is { Count: > 0 })
        {
            if (!status.Has("allocation"))
                errors.Forbidden(path.Child("reservedFor"), "may not be specified when `allocated` is not set");
            else if (value.IsBeingDeleted() && status.Items("reservedFor").Any(u => !before.Items("reservedFor").Any(b => b.SameAs(u))))
                errors.Forbidden(path.Child("reservedFor"), "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
        }
        if (before.Has("allocation") && status.Has("allocation"))
            Checks.Immutable(errors, status!["allocation"], before!["allocation"], path.Child("allocation"));
        else if (status.Obj("allocation") is { } allocation)
            Allocation(errors, allocation, path.Child("allocation"), DeviceValidation.Requests(value.Obj("spec", "devices")));
    }

    private static void ReservedFor(FieldErrors errors, JsonObject? status, FieldPath field)
    {
        if (Checks.TooMany(errors, status, "reservedFor", field, MaxReservedFor))
            return;
        var users = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var user in status.Items("reservedFor"))
        {
            var own = field.Index(index++);
            foreach (var name in (ReadOnlySpan<string>)["resource", "name", "uid"])
                Checks.Required(errors, user, own, name);
            if (!users.Add(user.Str("uid")))
                errors.Duplicate(own, user.Str("uid"));
        }
    }

    private static void DeviceStatuses(FieldErrors errors, JsonObject? status, FieldPath field)
    {
        var allocated = status.Obj("allocation", "devices").Items("results").Select(Id).ToHashSet(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var device in status.Items("devices"))
        {
            var path = field.Index(index++);
            VolumeSourceValidation.DriverName(errors, path.Child("driver"), device.Str("driver"));
            DeviceNames.Pool(errors, device.Str("pool"), path.Child("pool"));
            Checks.Name(errors, path.Child("device"), device.Str("device"), NameChecks.DnsLabel);
            if (device.StrOrNull("shareID") is { } share)
                DeviceNames.Uid(errors, share, path.Child("shareID"));
            if (!allocated.Contains(Id(device)))
                errors.Invalid(path, Id(device), "must be an allocated device in the claim");
            Checks.TooMany(errors, device, "conditions", path.Child("conditions"), MaxConditions);
            Checks.Conditions(errors, device, path.Child("conditions"));
            if (device.Has("data"))
                DeviceNames.RawObject(errors, device["data"], path.Child("data"), MaxDataBytes);
            if (device.Obj("networkData") is { } network)
                Network(errors, network, path.Child("networkData"));
            if (!seen.Add(Id(device)))
                errors.Duplicate(path, Id(device));
        }
    }

    private static void Network(FieldErrors errors, JsonObject network, FieldPath field)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(network.Str("interfaceName")) > MaxInterfaceNameBytes)
            errors.TooLong(field.Child("interfaceName"), MaxInterfaceNameBytes);
        if (System.Text.Encoding.UTF8.GetByteCount(network.Str("hardwareAddress")) > MaxHardwareAddressBytes)
            errors.TooLong(field.Child("hardwareAddress"), MaxHardwareAddressBytes);
        var path = field.Child("ips");
        if (Checks.TooMany(errors, network, "ips", path, MaxAddresses))
            return;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var address in network.Strings("ips"))
        {
            if (AddressFormats.InterfaceAddress(address) is { } complaint)
                errors.Invalid(path.Index(index), address, complaint);
            if (!seen.Add(address))
                errors.Duplicate(path.Index(index), address);
            index++;
        }
    }

    private static void Allocation(FieldErrors errors, JsonObject allocation, FieldPath field, HashSet<string> known)
    {
        var devices = field.Child("devices");
        var index = 0;
        foreach (var result in Checks.TooMany(errors, allocation.Obj("devices"), "results", devices.Child("results"), MaxResults) ? [] : allocation.Obj("devices").Items("results"))
            Result(errors, result, devices.Child("results").Index(index++), known);
        DeviceValidation.Configurations(errors, allocation.Obj("devices"), devices.Child("config"), known, MaxConfigurations,
            checkSource: (configuration, path) => Checks.OneOf(errors, configuration, path, "source", isRequired: true, "FromClaim", "FromClass"));
        if (allocation.Obj("nodeSelector") is { } nodes)
            SchedulingValidation.NodeSelector(errors, nodes, field.Child("nodeSelector"));
    }

    private static void Result(FieldErrors errors, JsonObject result, FieldPath path, HashSet<string> known)
    {
        DeviceValidation.Reference(errors, result.Str("request"), path.Child("request"), known);
        VolumeSourceValidation.DriverName(errors, path.Child("driver"), result.Str("driver"));
        DeviceNames.Pool(errors, result.Str("pool"), path.Child("pool"));
        Checks.Name(errors, path.Child("device"), result.Str("device"), NameChecks.DnsLabel);
        DeviceNames.Binding(errors, result, path);
        DeviceNames.Tolerations(errors, result, path.Child("tolerations"));
        if (result.StrOrNull("shareID") is { } share)
            DeviceNames.Uid(errors, share, path.Child("shareID"));
        DeviceNames.SkippedOperations(errors, result, path.Child("skipNodeOperations"));
    }

    private static string Id(JsonObject device)
    {
        var id = $"{device.Str("driver")}/{device.Str("pool")}/{device.Str("device")}";
        return device.Has("shareID") ? $"{id}/{device.Str("shareID")}" : id;
    }
}
