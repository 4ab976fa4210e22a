using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: what drivers publish, and taints of it.</summary>
internal static class DeviceSliceValidation
{
    private const int MaxDevices = 128;
    private const int MaxDevicesWithExtras = 64;
    private const int MaxAttributes = 32;
    private const int MaxValueLength = 64;
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Slice(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        VolumeSourceValidation.DriverName(errors, Spec.Child("driver"), spec.Str("driver"));
        var (pool, path) = (spec.Obj("pool"), Spec.Child("pool"));
        DeviceNames.Pool(errors, pool.Str("name"), path.Child("name"));
        if (pool.Long("resourceSliceCount") <= 0)
            errors.Invalid(path.Child("resourceSliceCount"), pool.Long("resourceSliceCount"), "must be greater than zero");
        if (pool.Long("generation") < 0)
            errors.Invalid(path.Child("generation"), pool.Long("generation"), "must be greater than or equal to zero");
        Place(errors, spec, Spec, "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required");
        Devices(errors, spec, Spec.Child("devices"));
        if (old?.Obj("spec") is not { } before)
            return;
        Checks.Immutable(errors, spec["pool"].Get("name"), before["pool"].Get("name"), path.Child("name"));
        foreach (var field in (ReadOnlySpan<string>)["driver", "nodeName"])
            Checks.Immutable(errors, spec[field], before[field], Spec.Child(field));
    }

    public static void TaintRule(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.Obj("deviceSelector") is { } selector)
        {
            var path = Spec.Child("deviceSelector");
            if (selector.StrOrNull("driver") is { } driver)
                VolumeSourceValidation.DriverName(errors, path.Child("driver"), driver);
            if (selector.StrOrNull("pool") is { } pool)
                DeviceNames.Pool(errors, pool, path.Child("pool"));
            if (selector.StrOrNull("device") is { } device)
                Checks.Name(errors, path.Child("device"), device, NameChecks.DnsLabel);
        }
        DeviceNames.Taint(errors, spec.Obj("taint") ?? [], Spec.Child("taint"));
    }

    public static void TaintRuleStatus(FieldErrors errors, JsonObject value, JsonObject? old) => Checks.Conditions(errors, value.Obj("status"), FieldPath.Of("status").Child("conditions"));

    private static void Devices(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var extras = false;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var device in spec.Items("devices"))
        {
            var path = field.Index(index++);
            Checks.Name(errors, path.Child("name"), device.Str("name"), NameChecks.DnsLabel);
            if (!names.Add(device.Str("name")))
                errors.Duplicate(path, device.Str("name"));
            extras |= device.Arr("taints") is { Count: > 0 } || device.Arr("consumesCounters") is { Count: > 0 };
            if (spec.Bool("perDeviceNodeSelection"))
                Place(errors, device, path, "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the spec");
            Attributes(errors, device, path);
            var i = 0;
            foreach (var taint in device.Items("taints"))
                DeviceNames.Taint(errors, taint, path.Child("taints").Index(i++));
        }
        DeviceValidation.TooMany(errors, spec, "devices", field, extras ? MaxDevicesWithExtras : MaxDevices);
    }

    private static void Attributes(FieldErrors errors, JsonObject device, FieldPath field)
    {
        var total = 0;
        foreach (var list in (ReadOnlySpan<string>)["attributes", "capacity"])
        {
            foreach (var (name, node) in device.Obj(list) ?? [])
            {
                total++;
                var path = field.Child(list).Key(name);
                DeviceNames.Qualified(errors, name, path);
                if (list == "capacity" || node is not JsonObject attribute)
                    continue;
                if (attribute.Count != 1)
                    errors.InvalidOmitted(path, attribute.Count == 0 ? "exactly one value must be specified" : "exactly one value must be specified, but multiple fields are set");
                foreach (var kind in (ReadOnlySpan<string>)["string", "version"])
                {
                    if (attribute.Str(kind).Length > MaxValueLength)
                        errors.TooLong(path.Child(kind), MaxValueLength);
                }
            }
        }
        if (total > MaxAttributes)
            errors.InvalidOmitted(field, $"the total number of attributes and capacities must not exceed {MaxAttributes}");
    }

    private static void Place(FieldErrors errors, JsonObject value, FieldPath field, string rule)
    {
        var count = 0;
        if (value.StrOrNull("nodeName") is { } node)
        {
            count++;
            if (node.Length == 0)
                errors.Invalid(field.Child("nodeName"), node, "must be either unset or set to a non-empty string");
            else
                Checks.Name(errors, field.Child("nodeName"), node, NameChecks.DnsSubdomain);
        }
        if (value.Obj("nodeSelector") is { } selector)
        {
            count++;
            SchedulingValidation.NodeSelector(errors, selector, field.Child("nodeSelector"));
            if (selector.Arr("nodeSelectorTerms") is { Count: > 1 } terms)
                errors.Invalid(field.Child("nodeSelector", "nodeSelectorTerms"), terms, "must have exactly one node selector term");
        }
        foreach (var flag in (ReadOnlySpan<string>)["allNodes", "perDeviceNodeSelection"])
        {
            if (value.BoolOrNull(flag) is not { } set)
                continue;
            if (set)
                count++;
            else
                errors.Invalid(field.Child(flag), false, "must be either unset or set to true");
        }
        if (count == 0)
            errors.Required(field, rule);
        else if (count > 1)
            errors.InvalidOmitted(field, rule);
    }

    private static JsonNode? Get(this JsonNode? value, string field) => (value as JsonObject)?[field];
}

/// <summary>Names, taints and tolerations of devices.</summary>
internal static class DeviceNames
{
    private const int MaxPoolLength = 253;
    private const int MaxDomainLength = 63;
    private const int MaxIdLength = 32;

    /// <summary>Subdomains with slashes between them.</summary>
    public static void Pool(FieldErrors errors, string name, FieldPath field)
    {
        if (name.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        if (name.Length > MaxPoolLength)
            errors.TooLong(field, MaxPoolLength);
        foreach (var part in name.Split('/'))
            Checks.Name(errors, field, part, NameChecks.DnsSubdomain);
    }

    /// <summary>domain/identifier, as constraints name attributes.</summary>
    public static void Attribute(FieldErrors errors, string name, FieldPath field)
    {
        if (name.Length == 0)
            errors.Required(field, "");
        else if (!name.Contains('/', StringComparison.Ordinal))
            errors.Invalid(field, name, "a fully qualified name must be a domain and a name separated by a slash");
        else
            Qualified(errors, name, field);
    }

    /// <summary>[domain/]identifier.</summary>
    public static void Qualified(FieldErrors errors, string name, FieldPath field)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash == 0)
            errors.Required(field, "the domain must not be empty");
        else if (slash > MaxDomainLength)
            errors.TooLong(field, MaxDomainLength);
        else if (slash > 0)
            Checks.Name(errors, field, name[..slash], NameChecks.DnsSubdomain);
        var id = name[(slash + 1)..];
        if (id.Length == 0)
            errors.Required(field, "the name must not be empty");
        else if (id.Length > MaxIdLength)
            errors.TooLong(field, MaxIdLength);
        else if (!(char.IsAsciiLetter(id[0]) || id[0] == '_') || id.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_'))
            errors.Invalid(field, id, "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')");
    }

    public static void Taint(FieldErrors errors, JsonObject taint, FieldPath field)
    {
        Checks.Name(errors, field.Child("key"), taint.Str("key"), NameChecks.QualifiedName);
        if (taint.Str("value").Length > 0)
            Checks.Name(errors, field.Child("value"), taint.Str("value"), NameChecks.LabelValue);
        Checks.OneOf(errors, taint, field, "effect", isRequired: true, "NoExecute", "NoSchedule", "None");
    }

    public static void Tolerations(FieldErrors errors, JsonObject value, FieldPath field)
    {
        var index = 0;
        foreach (var toleration in value.Items("tolerations"))
        {
            var path = field.Index(index++);
            Checks.OptionalName(errors, toleration, path, "key", NameChecks.QualifiedName);
            switch (toleration.Str("operator"))
            {
                case "Exists":
                    if (toleration.Str("value").Length > 0)
                        errors.Invalid(path.Child("value"), toleration.Str("value"), "must be empty for operator `Exists`");
                    break;
                case "Equal":
                    Checks.Name(errors, path.Child("value"), toleration.Str("value"), NameChecks.LabelValue);
                    break;
                case "":
                    errors.Required(path.Child("operator"), "");
                    break;
                case var other:
                    errors.NotSupported(path.Child("operator"), other, "Equal", "Exists");
                    break;
            }
            Checks.OneOf(errors, toleration, path, "effect", isRequired: false, "NoExecute", "NoSchedule");
        }
    }
}
