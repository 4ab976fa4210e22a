using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: claims of devices, their templates and classes (KEP-4381).</summary>
internal static class DeviceValidation
{
    private const int MaxItems = 32;
    private const int MaxAlternatives = 8;
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
        DeviceSelectors.Validate(errors, spec, old.Obj("spec"), Spec.Child("selectors"));
        Configurations(errors, spec, Spec.Child("config"), null, MaxItems, isStored: old is not null && spec["config"].SameAs(old.Obj("spec")?["config"]));
        if (spec.StrOrNull("extendedResourceName") is { } name && !ResourceNames.IsExtended(name))
            errors.Invalid(Spec.Child("extendedResourceName"), name, "must be a valid extended resource name");
    }

    private static void ClaimSpec(FieldErrors errors, JsonObject? spec, FieldPath field)
    {
        var (devices, path) = (spec.Obj("devices"), field.Child("devices"));
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var request in Checks.TooMany(errors, devices, "requests", path.Child("requests"), MaxItems) ? [] : devices.Items("requests"))
        {
            var own = path.Child("requests").Index(index++);
            Request(errors, request, own);
            if (!names.Add(request.Str("name")))
                errors.Duplicate(own, request.Str("name"));
        }
        var known = Requests(devices);
        index = 0;
        foreach (var constraint in Checks.TooMany(errors, devices, "constraints", path.Child("constraints"), MaxItems) ? [] : devices.Items("constraints"))
        {
            var own = path.Child("constraints").Index(index++);
            References(errors, constraint, own.Child("requests"), known);
            if (constraint.StrOrNull("matchAttribute") is { } match)
                DeviceNames.FullyQualified(errors, match, own.Child("matchAttribute"));
            else if (constraint.StrOrNull("distinctAttribute") is { } distinct)
                DeviceNames.FullyQualified(errors, distinct, own.Child("distinctAttribute"));
            else
                errors.Required(own, "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set");
        }
        Configurations(errors, devices, path.Child("config"), known, MaxItems);
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
            if (Checks.TooMany(errors, request, "firstAvailable", field.Child("firstAvailable"), MaxAlternatives))
                return;
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
        DeviceSelectors.Validate(errors, request, null, field.Child("selectors"));
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

    /// <param name="known">The requests that a configuration may be for; null where it is for all.</param>
    /// <param name="max">A claim's own, or with those of its classes.</param>
    /// <param name="checkSource">Says where an allocation's configuration comes from; null: it is none of one.</param>
    internal static void Configurations(FieldErrors errors, JsonObject? value, FieldPath field, HashSet<string>? known, int max, bool isStored = false, Action<JsonObject, FieldPath>? checkSource = null)
    {
        if (Checks.TooMany(errors, value, "config", field, max))
            return;
        var index = 0;
        foreach (var configuration in value.Items("config"))
        {
            var path = field.Index(index++);
            checkSource?.Invoke(configuration, path);
            if (known is not null)
                References(errors, configuration, path.Child("requests"), known);
            if (configuration.Obj("opaque") is not { } opaque)
            {
                errors.Required(path.Child("opaque"), "");
                continue;
            }
            VolumeSourceValidation.DriverName(errors, path.Child("opaque", "driver"), opaque.Str("driver"));
            DeviceNames.RawObject(errors, opaque["parameters"], path.Child("opaque", "parameters"), MaxParameterBytes, isStored);
        }
    }

    internal static HashSet<string> Requests(JsonObject? devices)
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
        if (Checks.TooMany(errors, value, "requests", field, MaxItems))
            return;
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

    internal static void Reference(FieldErrors errors, string name, FieldPath field, HashSet<string> known)
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
}
