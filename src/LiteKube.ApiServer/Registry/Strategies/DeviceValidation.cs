using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: claims of devices, their templates and classes (KEP-4381).</summary>
internal static class DeviceValidation
{
    private const int MaxItems = 32;
    private const int MaxAlternatives = 8;
    private const int MaxReservedFor = 256;
    private const int MaxExpressionBytes = 10 * 1024;
    private const int MaxParameterBytes = 10 * 1024;
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Claim(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (old is not null)
            Checks.Immutable(errors, value["spec"], old["spec"], Spec);
        else
            ClaimSpec(errors, value.Obj("spec"), Spec);
    }

    public static void Template(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (old is not null)
        {
            Checks.Immutable(errors, value["spec"], old["spec"], Spec);
            return;
        }
        WorkloadValidation.TemplateMetadata(errors, value.Obj("spec", "metadata"), Spec.Child("metadata"));
        ClaimSpec(errors, value.Obj("spec", "spec"), Spec.Child("spec"));
    }

    public static void Class(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Selectors(errors, spec, Spec.Child("selectors"));
        Configurations(errors, spec, Spec.Child("config"), null);
        if (spec.StrOrNull("extendedResourceName") is { } name && !ResourceNames.IsExtended(name))
            errors.Invalid(Spec.Child("extendedResourceName"), name, "must be a valid extended resource name");
    }

    public static void ClaimStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (status, before, path) = (value.Obj("status"), old.Obj("status"), FieldPath.Of("status"));
        var users = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        TooMany(errors, status, "reservedFor", path.Child("reservedFor"), MaxReservedFor);
        foreach (var user in status.Items("reservedFor"))
        {
            var own = path.Child("reservedFor").Index(index++);
            foreach (var field in (ReadOnlySpan<string>)["resource", "name", "uid"])
                Checks.Required(errors, user, own, field);
            if (!users.Add(user.Str("uid")))
                errors.Duplicate(own, user.Str("uid"));
        }
        if (users.Count > 0 && !status.Has("allocation"))
            errors.Forbidden(path.Child("reservedFor"), "may not be specified when `allocated` is not set");
        else if (value.IsBeingDeleted() && status.Items("reservedFor").Any(u => !before.Items("reservedFor").Any(b => b.SameAs(u))))
            errors.Forbidden(path.Child("reservedFor"), "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
        if (before.Has("allocation") && status.Has("allocation"))
            Checks.Immutable(errors, status!["allocation"], before!["allocation"], path.Child("allocation"));
        else if (status.Obj("allocation") is { } allocation)
            Allocation(errors, allocation, path.Child("allocation"), Requests(value.Obj("spec", "devices")));
        DeviceStatuses(errors, status, path.Child("devices"));
    }

    private static void DeviceStatuses(FieldErrors errors, JsonObject? status, FieldPath field)
    {
        var allocated = status.Obj("allocation", "devices").Items("results").Select(Id).ToHashSet(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var device in status.Items("devices"))
        {
            var path = field.Index(index++);
            if (!seen.Add(Id(device)))
                errors.Duplicate(path, Id(device));
            else if (!allocated.Contains(Id(device)))
                errors.Invalid(path, Id(device), "must be an allocated device in the claim");
            Checks.Conditions(errors, device, path.Child("conditions"));
        }

        static string Id(JsonObject device) => device.Has("shareID") ? $"{device.Str("driver")}/{device.Str("pool")}/{device.Str("device")}/{device.Str("shareID")}" : $"{device.Str("driver")}/{device.Str("pool")}/{device.Str("device")}";
    }

    private static void ClaimSpec(FieldErrors errors, JsonObject? spec, FieldPath field)
    {
        var (devices, path) = (spec.Obj("devices"), field.Child("devices"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        TooMany(errors, devices, "requests", path.Child("requests"), MaxItems);
        var index = 0;
        foreach (var request in devices.Items("requests"))
        {
            var own = path.Child("requests").Index(index++);
            Request(errors, request, own);
            if (!names.Add(request.Str("name")))
                errors.Duplicate(own, request.Str("name"));
        }
        var known = Requests(devices);
        TooMany(errors, devices, "constraints", path.Child("constraints"), MaxItems);
        index = 0;
        foreach (var constraint in devices.Items("constraints"))
        {
            var own = path.Child("constraints").Index(index++);
            References(errors, constraint, own.Child("requests"), known);
            if (constraint.StrOrNull("matchAttribute") is { } match)
                DeviceNames.Attribute(errors, match, own.Child("matchAttribute"));
            else if (constraint.StrOrNull("distinctAttribute") is { } distinct)
                DeviceNames.Attribute(errors, distinct, own.Child("distinctAttribute"));
            else
                errors.Required(own, "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set");
        }
        Configurations(errors, devices, path.Child("config"), known);
    }

    private static void Request(FieldErrors errors, JsonObject request, FieldPath field)
    {
        Checks.Name(errors, field.Child("name"), request.Str("name"), NameChecks.DnsLabel);
        var (exactly, alternatives) = (request.Obj("exactly"), request.Arr("firstAvailable"));
        var hasAlternatives = alternatives is { Count: > 0 };
        if (exactly is null && !hasAlternatives)
        {
            errors.Required(field, "exactly one of `exactly` or `firstAvailable` is required");
        }
        else if (exactly is not null && hasAlternatives)
        {
            errors.Invalid(field, null, "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set");
        }
        else if (exactly is not null)
        {
            Devices(errors, exactly, field.Child("exactly"));
        }
        else
        {
            TooMany(errors, request, "firstAvailable", field.Child("firstAvailable"), MaxAlternatives);
            var names = new HashSet<string>(StringComparer.Ordinal);
            var index = 0;
            foreach (var alternative in request.Items("firstAvailable"))
            {
                var own = field.Child("firstAvailable").Index(index++);
                Checks.Name(errors, own.Child("name"), alternative.Str("name"), NameChecks.DnsLabel);
                if (!names.Add(alternative.Str("name")))
                    errors.Duplicate(own, alternative.Str("name"));
                Devices(errors, alternative, own);
            }
        }
    }

    private static void Devices(FieldErrors errors, JsonObject request, FieldPath field)
    {
        Checks.RequiredName(errors, request, field, "deviceClassName", NameChecks.DnsSubdomain);
        Selectors(errors, request, field.Child("selectors"));
        var count = request.Long("count");
        switch (request.Str("allocationMode"))
        {
            case "All":
                if (count != 0)
                    errors.Invalid(field.Child("count"), count, "must not be specified when allocationMode is 'All'");
                break;
            case "ExactCount":
                if (count <= 0)
                    errors.Invalid(field.Child("count"), count, "must be greater than zero");
                break;
            case var other:
                errors.NotSupported(field.Child("allocationMode"), other, "All", "ExactCount");
                break;
        }
        DeviceNames.Tolerations(errors, request, field.Child("tolerations"));
    }

    private static void Selectors(FieldErrors errors, JsonObject value, FieldPath field)
    {
        TooMany(errors, value, "selectors", field, MaxItems);
        var index = 0;
        foreach (var selector in value.Items("selectors"))
        {
            var path = field.Index(index++);
            if (selector.Obj("cel") is not { } cel)
                errors.Required(path.Child("cel"), "");
            else if (cel.Str("expression").Trim().Length == 0)
                errors.Required(path.Child("cel", "expression"), "");
            else if (Encoding.UTF8.GetByteCount(cel.Str("expression")) > MaxExpressionBytes)
                errors.TooLong(path.Child("cel", "expression"), MaxExpressionBytes);
        }
    }

    /// <param name="known">The requests that a configuration may be for; null where it is for all.</param>
    private static void Configurations(FieldErrors errors, JsonObject? value, FieldPath field, HashSet<string>? known)
    {
        TooMany(errors, value, "config", field, MaxItems);
        var index = 0;
        foreach (var configuration in value.Items("config"))
        {
            var path = field.Index(index++);
            if (known is not null)
                References(errors, configuration, path.Child("requests"), known);
            if (configuration.Obj("opaque") is not { } opaque)
            {
                errors.Required(path.Child("opaque"), "");
                continue;
            }
            VolumeSourceValidation.DriverName(errors, path.Child("opaque", "driver"), opaque.Str("driver"));
            var parameters = path.Child("opaque", "parameters");
            if (!opaque.Has("parameters"))
                errors.Required(parameters, "");
            else if (opaque["parameters"] is not JsonObject)
                errors.Invalid(parameters, "<value omitted>", "parameters must be a valid JSON object");
            else if (Encoding.UTF8.GetByteCount(opaque["parameters"]!.ToJsonString()) > MaxParameterBytes)
                errors.TooLong(parameters, MaxParameterBytes);
        }
    }

    private static void Allocation(FieldErrors errors, JsonObject allocation, FieldPath field, HashSet<string> known)
    {
        TooMany(errors, allocation.Obj("devices"), "results", field.Child("devices", "results"), MaxItems);
        var index = 0;
        foreach (var result in allocation.Obj("devices").Items("results"))
        {
            var path = field.Child("devices", "results").Index(index++);
            Reference(errors, result.Str("request"), path.Child("request"), known);
            VolumeSourceValidation.DriverName(errors, path.Child("driver"), result.Str("driver"));
            DeviceNames.Pool(errors, result.Str("pool"), path.Child("pool"));
            Checks.Name(errors, path.Child("device"), result.Str("device"), NameChecks.DnsLabel);
            DeviceNames.Tolerations(errors, result, path.Child("tolerations"));
        }
        Configurations(errors, allocation.Obj("devices"), field.Child("devices", "config"), known);
        if (allocation.Obj("nodeSelector") is { } nodes)
            SchedulingValidation.NodeSelector(errors, nodes, field.Child("nodeSelector"));
    }

    private static HashSet<string> Requests(JsonObject? devices)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var request in devices.Items("requests"))
        {
            names.Add(request.Str("name"));
            foreach (var alternative in request.Items("firstAvailable"))
                names.Add($"{request.Str("name")}/{alternative.Str("name")}");
        }
        return names;
    }

    private static void References(FieldErrors errors, JsonObject value, FieldPath field, HashSet<string> known)
    {
        TooMany(errors, value, "requests", field, MaxItems);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var name in value.Strings("requests"))
        {
            var path = field.Index(index++);
            Reference(errors, name, path, known);
            if (!seen.Add(name))
                errors.Duplicate(path, name);
        }
    }

    private static void Reference(FieldErrors errors, string name, FieldPath field, HashSet<string> known)
    {
        const string NotThere = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
        var segments = name.Split('/');
        if (segments.Length > 2)
        {
            errors.Invalid(field, name, NotThere);
            return;
        }
        foreach (var segment in segments)
            Checks.Name(errors, field, segment, NameChecks.DnsLabel);
        if (!known.Contains(name))
            errors.Invalid(field, name, NotThere);
    }

    internal static void TooMany(FieldErrors errors, JsonObject? value, string list, FieldPath field, int max)
    {
        if (value.Arr(list) is { } items && items.Count > max)
            errors.TooMany(field, items.Count, max);
    }
}
