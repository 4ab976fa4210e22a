using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: what drivers publish, and taints of it.</summary>
internal static partial class DeviceSliceValidation
{
    private const int MaxDevices = 128;
    private const int MaxDevicesWithExtras = 64;
    private const int MaxCounterSets = 8;
    private const int MaxCounters = 32;
    private const int MaxCounterConsumptions = 2;
    private const int MaxAttributes = 32;
    private const int MaxAttributeValues = 48;
    private const int MaxValueLength = 64;
    private const int MaxTaints = 16;
    private const int MaxRuleConditions = 8;
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly string[] ListKinds = ["bools", "ints", "strings", "versions"];

    public static void Slice(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (spec, before) = (value.Obj("spec") ?? [], old.Obj("spec"));
        VolumeSourceValidation.DriverName(errors, Spec.Child("driver"), spec.Str("driver"));
        var (pool, path) = (spec.Obj("pool"), Spec.Child("pool"));
        DeviceNames.Pool(errors, pool.Str("name"), path.Child("name"));
        if (pool.Long("resourceSliceCount") <= 0)
            errors.Invalid(path.Child("resourceSliceCount"), pool.Long("resourceSliceCount"), "must be greater than zero");
        if (pool.Long("generation") < 0)
            errors.Invalid(path.Child("generation"), pool.Long("generation"), "must be greater than or equal to zero");
        if (before is not null)
        {
            Checks.Immutable(errors, pool?["name"], before.Obj("pool")?["name"], path.Child("name"));
            foreach (var field in (ReadOnlySpan<string>)["driver", "nodeName"])
                Checks.Immutable(errors, spec[field], before[field], Spec.Child(field));
        }
        const string Rule = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
        Place(errors, spec, Spec, ["allNodes", "perDeviceNodeSelection"], Rule, Rule + ", but multiple fields are set", "must be either unset or set to a non-empty string");
        if (spec.Obj("nodeSelector") is { } selector && selector.Arr("nodeSelectorTerms") is not { Count: 1 })
            errors.Invalid(Spec.Child("nodeSelector", "nodeSelectorTerms"), selector["nodeSelectorTerms"], "must have exactly one node selector term");
        if (spec.Has("sharedCounters") && spec.Has("devices"))
            errors.Invalid(Spec, "", "only one of `sharedCounters` or `devices` is allowed");
        Devices(errors, spec, before, Spec.Child("devices"));
        CounterSets(errors, spec, "sharedCounters", "name", MaxCounterSets, Spec.Child("sharedCounters"));
        if (spec.StrOrNull("partitionTypeAttribute") is { } attribute)
            PartitionType(errors, spec, attribute);
        DeviceNames.SkippedOperations(errors, spec, Spec.Child("skipNodeOperations"));
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
        DeviceNames.Taint(errors, spec.Obj("taint") ?? [], old.Obj("spec", "taint"), Spec.Child("taint"));
    }

    public static void TaintRuleStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var path = FieldPath.Of("status").Child("conditions");
        Checks.Conditions(errors, value.Obj("status"), path);
        Checks.TooMany(errors, value.Obj("status"), "conditions", path, MaxRuleConditions);
    }

    private static void Devices(FieldErrors errors, JsonObject spec, JsonObject? before, FieldPath field)
    {
        var hasExtras = spec.Items("devices").Any(d => d.Arr("taints") is { Count: > 0 } || d.Arr("consumesCounters") is { Count: > 0 } || AttributesOf(d).Any(a => ListKinds.Any(a.Value.Has)));
        if (Checks.TooMany(errors, spec, "devices", field, hasExtras ? MaxDevicesWithExtras : MaxDevices))
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var device in spec.Items("devices"))
        {
            var path = field.Index(index++);
            Device(errors, device, before.Items("devices").FirstOrDefault(d => d.Str("name") == device.Str("name")), spec.Bool("perDeviceNodeSelection"), path);
            if (!names.Add(device.Str("name")))
                errors.Duplicate(path, device.Str("name"));
        }
    }

    private static void Device(FieldErrors errors, JsonObject device, JsonObject? before, bool hasPlace, FieldPath field)
    {
        Checks.Name(errors, field.Child("name"), device.Str("name"), NameChecks.DnsLabel);
        Attributes(errors, device, field);
        if (before is null || !device["capacity"].SameAs(before["capacity"]))
        {
            foreach (var (name, node) in device.Obj("capacity") ?? [])
            {
                DeviceNames.Qualified(errors, name, field.Child("capacity"));
                DeviceCapacityValidation.Capacity(errors, node as JsonObject ?? [], device.Bool("allowMultipleAllocations"), field.Child("capacity").Key(name));
            }
        }
        if ((before is null || !device["taints"].SameAs(before["taints"])) && !Checks.TooMany(errors, device, "taints", field.Child("taints"), MaxTaints))
        {
            var index = 0;
            foreach (var taint in device.Items("taints"))
                DeviceNames.Taint(errors, taint, null, field.Child("taints").Index(index++));
        }
        CounterSets(errors, device, "consumesCounters", "counterSet", MaxCounterConsumptions, field.Child("consumesCounters"));
        const string Rule = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        if (hasPlace)
            Place(errors, device, field, ["allNodes"], Rule, Rule, "must not be empty");
        else if (device.Has("nodeName") || device.Has("nodeSelector") || device.Has("allNodes"))
            errors.Invalid(field, null, "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec");
        DeviceNames.Binding(errors, device, field);
    }

    private static void Attributes(FieldErrors errors, JsonObject device, FieldPath field)
    {
        var total = (device.Obj("attributes")?.Count ?? 0) + (device.Obj("capacity")?.Count ?? 0);
        if (total > MaxAttributes)
            errors.Invalid(field, total, $"the total number of attributes and capacities must not exceed {MaxAttributes.ToString(CultureInfo.InvariantCulture)}");
        var values = AttributesOf(device).Sum(a => Math.Max(1, ListKinds.Sum(k => a.Value.Arr(k)?.Count ?? 0)));
        if (values > MaxAttributeValues)
            errors.Invalid(field, values, $"the total number of attribute values must not exceed {MaxAttributeValues.ToString(CultureInfo.InvariantCulture)}");
        foreach (var (name, attribute) in AttributesOf(device))
        {
            DeviceNames.Qualified(errors, name, field.Child("attributes"));
            Attribute(errors, attribute, field.Child("attributes").Key(name));
        }
    }

    private static void Attribute(FieldErrors errors, JsonObject attribute, FieldPath path)
    {
        if (attribute.StrOrNull("string") is { } text && text.Length > MaxValueLength)
            errors.TooLong(path.Child("string"), MaxValueLength);
        if (attribute.StrOrNull("version") is { } version)
            Version(errors, version, path.Child("version"));
        foreach (var kind in ListKinds)
        {
            if (attribute.Arr(kind) is { Count: 0 } empty)
                errors.Invalid(path.Child(kind), empty, "must not be empty if specified");
            var index = 0;
            foreach (var item in kind is "strings" or "versions" ? attribute.Strings(kind) : [])
            {
                var own = path.Child(kind).Index(index++);
                if (kind == "versions")
                    Version(errors, item, own);
                else if (item.Length > MaxValueLength)
                    errors.TooLong(own, MaxValueLength);
            }
        }
        var count = attribute.Count(p => p.Value is not null);
        if (count == 0)
            errors.Invalid(path, "", "exactly one value must be specified");
        else if (count > 1)
            errors.InvalidOmitted(path, "exactly one value must be specified");
    }

    private static void Version(FieldErrors errors, string version, FieldPath field)
    {
        if (!SemanticVersion().IsMatch(version))
            errors.Invalid(field, version, "must be a string compatible with semver.org spec 2.0.0");
        if (version.Length > MaxValueLength)
            errors.TooLong(field, MaxValueLength);
    }

    /// <summary>Sets of counters that a slice has, or that a device takes of.</summary>
    /// <param name="name">The field that names the set.</param>
    private static void CounterSets(FieldErrors errors, JsonObject value, string list, string name, int max, FieldPath field)
    {
        if (Checks.TooMany(errors, value, list, field, max))
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var set in value.Items(list))
        {
            var path = field.Index(index++);
            if (Checks.Required(errors, set, path, name))
                Checks.Name(errors, path.Child(name), set.Str(name), NameChecks.DnsLabel);
            var counters = set.Obj("counters") ?? [];
            if (counters.Count == 0)
                errors.Required(path.Child("counters"), "");
            else if (counters.Count > MaxCounters)
                errors.TooMany(path.Child("counters"), counters.Count, MaxCounters);
            else
                counters.ToList().ForEach(c => Checks.Name(errors, path.Child("counters"), c.Key, NameChecks.DnsLabel));
            if (!names.Add(set.Str(name)))
                errors.Duplicate(path, set.Str(name));
        }
    }

    /// <summary>Each device that takes of counters must say by a text of which type it is.</summary>
    private static void PartitionType(FieldErrors errors, JsonObject spec, string name)
    {
        if (!spec.Items("devices").Any(d => d.Arr("consumesCounters") is { Count: > 0 }))
        {
            errors.Invalid(Spec.Child("partitionTypeAttribute"), name, "may only be set on a slice which declares devices that consume counters");
            return;
        }
        var own = spec.Str("driver") + "/";
        var bare = name.StartsWith(own, StringComparison.Ordinal) ? name[own.Length..] : name;
        var index = 0;
        foreach (var device in spec.Items("devices"))
        {
            var path = Spec.Child("devices").Index(index++).Child("attributes").Key(name);
            if (device.Arr("consumesCounters") is not { Count: > 0 })
                continue;
            if ((device.Obj("attributes", name) ?? device.Obj("attributes", bare)) is not { } attribute)
                errors.Required(path, "device consumes counters and `partitionTypeAttribute` names this attribute, so it must be set");
            else if (!attribute.Has("string"))
                errors.InvalidOmitted(path, "must be a string value because `partitionTypeAttribute` names this attribute");
        }
    }

    private static void Place(FieldErrors errors, JsonObject value, FieldPath field, string[] flags, string none, string several, string empty)
    {
        var set = new List<string>();
        if (value.StrOrNull("nodeName") is { } node)
        {
            if (node.Length == 0)
                errors.Invalid(field.Child("nodeName"), node, empty);
            else
                Checks.Name(errors, field.Child("nodeName"), node, NameChecks.DnsSubdomain);
            if (node.Length > 0)
                set.Add("`nodeName`");
        }
        if (value.Obj("nodeSelector") is { } selector)
        {
            set.Add("`nodeSelector`");
            SchedulingValidation.NodeSelector(errors, selector, field.Child("nodeSelector"));
        }
        foreach (var flag in flags)
        {
            if (value.BoolOrNull(flag) is true)
                set.Add($"`{flag}`");
            else if (value.BoolOrNull(flag) is false)
                errors.Invalid(field.Child(flag), false, "must be either unset or set to true");
        }
        if (set.Count == 0)
            errors.Required(field, none);
        else if (set.Count > 1)
            errors.Invalid(field, $"{{{string.Join(", ", set)}}}", several);
    }

    private static IEnumerable<KeyValuePair<string, JsonObject>> AttributesOf(JsonObject device) =>
        (device.Obj("attributes") ?? []).Select(a => KeyValuePair.Create(a.Key, a.Value as JsonObject ?? []));

    [GeneratedRegex(@"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?\z", RegexOptions.ECMAScript)]
    private static partial Regex SemanticVersion();
}
