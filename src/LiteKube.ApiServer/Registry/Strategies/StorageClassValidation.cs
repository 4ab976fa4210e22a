using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>storage.k8s.io: classes, drivers, attachments, capacities.</summary>
internal static class StorageClassValidation
{
    private const int MaxParameterBytes = 256 * 1024;
    private const int MaxParameters = 512;
    private const int MaxErrorBytes = 1024;
    private const int MaxNodeIdLength = 192;
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Class(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Driver(errors, value, "provisioner");
        Parameters(errors, value, mayBeEmpty: true);
        if (value.Str("reclaimPolicy") is not ("" or "Delete" or "Retain"))
            errors.NotSupported(FieldPath.Of("reclaimPolicy"), value["reclaimPolicy"], "Delete", "Retain");
        if (!value.Has("volumeBindingMode"))
            errors.Required(FieldPath.Of("volumeBindingMode"), "");
        else if (value.Str("volumeBindingMode") is not ("Immediate" or "WaitForFirstConsumer"))
            errors.NotSupported(FieldPath.Of("volumeBindingMode"), value["volumeBindingMode"], "Immediate", "WaitForFirstConsumer");
        Topologies(errors, value, FieldPath.Of("allowedTopologies"));
        if (old is null)
            return;
        foreach (var field in (ReadOnlySpan<string>)["parameters", "provisioner", "reclaimPolicy"])
        {
            if (!value[field].SemanticallySameAs(old[field]))
                errors.Forbidden(FieldPath.Of(field), $"updates to {field} are forbidden.");
        }
        Checks.Immutable(errors, value["volumeBindingMode"], old["volumeBindingMode"], FieldPath.Of("volumeBindingMode"));
    }

    public static void AttributesClass(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        Driver(errors, value, "driverName");
        Parameters(errors, value, mayBeEmpty: false);
        if (old is null)
            return;
        foreach (var field in (ReadOnlySpan<string>)["driverName", "parameters"])
        {
            if (!value[field].SemanticallySameAs(old[field]))
                errors.Forbidden(FieldPath.Of(field), $"updates to {field} are forbidden.");
        }
    }

    public static void CsiDriver(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        Checks.Required(errors, spec, Spec, "attachRequired");
        Checks.Required(errors, spec, Spec, "podInfoOnMount");
        Checks.Required(errors, spec, Spec, "storageCapacity");
        Checks.OneOf(errors, spec, Spec, "fsGroupPolicy", isRequired: false, "File", "None", "ReadWriteOnceWithFSType");
        TokenRequests(errors, spec, Spec.Child("tokenRequests"));
        foreach (var mode in spec.Strings("volumeLifecycleModes"))
        {
            if (mode is not ("Persistent" or "Ephemeral"))
                errors.NotSupported(Spec.Child("volumeLifecycleModes"), mode, "Persistent", "Ephemeral");
        }
        if (spec.LongOrNull("nodeAllocatableUpdatePeriodSeconds") is { } seconds && seconds < 10)
            errors.Invalid(Spec.Child("nodeAllocatableUpdatePeriodSeconds"), seconds, "must be greater than or equal to 10 seconds");
        if (spec.Bool("serviceAccountTokenInSecrets") && spec.Arr("tokenRequests") is not { Count: > 0 })
            errors.Invalid(Spec.Child("serviceAccountTokenInSecrets"), true, "serviceAccountTokenInSecrets may only be set when TokenRequests are configured");
        if (old?.Obj("spec") is not { } before)
            return;
        Checks.Immutable(errors, spec["attachRequired"], before["attachRequired"], Spec.Child("attachedRequired"));
        Checks.Immutable(errors, spec["volumeLifecycleModes"], before["volumeLifecycleModes"], Spec.Child("volumeLifecycleModes"));
    }

    public static void CsiNode(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var driver in value.Obj("spec").Items("drivers"))
            NodeDriver(errors, driver, Spec.Child("drivers").Index(index++), names);
        foreach (var before in old.Obj("spec").Items("drivers"))
        {
            foreach (var driver in value.Obj("spec").Items("drivers"))
            {
                if (driver.Str("name") != before.Str("name"))
                    continue;
                var (now, was) = ((JsonObject)driver.DeepClone(), (JsonObject)before.DeepClone());
                now.Remove("allocatable");
                was.Remove("allocatable");
                Checks.Immutable(errors, now, was, Spec.Child("drivers"));
            }
        }
    }

    public static void Capacity(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (old is null)
        {
            Checks.LabelSelector(errors, value.Obj("nodeTopology"), FieldPath.Of("nodeTopology"));
            Checks.Name(errors, FieldPath.Of("storageClassName"), value.Str("storageClassName"), NameChecks.DnsSubdomain);
            if (value.Has("capacity") && ResourceValidation.Read(value["capacity"]).Sign < 0)
                errors.Invalid(FieldPath.Of("capacity"), value["capacity"], Checks.IsNegative);
            return;
        }
        Checks.Immutable(errors, value["nodeTopology"], old["nodeTopology"], FieldPath.Of("nodeTopology"));
        Checks.Immutable(errors, value["storageClassName"], old["storageClassName"], FieldPath.Of("storageClassName"));
    }

    public static void Attachment(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        VolumeSourceValidation.DriverName(errors, Spec.Child("attacher"), spec.Str("attacher"));
        Source(errors, spec.Obj("source") ?? [], Spec.Child("source"));
        Checks.Name(errors, Spec.Child("nodeName"), spec.Str("nodeName"), NameChecks.DnsSubdomain);
        AttachmentStatus(errors, value, old);
        if (old is not null)
            Checks.Immutable(errors, spec, old["spec"], Spec);
    }

    public static void AttachmentStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (status, path) = (value.Obj("status"), FieldPath.Of("status"));
        if (SizeOf(status.Obj("attachmentMetadata")) > MaxParameterBytes)
            errors.TooLong(path.Child("attachmentMetadata"), MaxParameterBytes);
        foreach (var name in (ReadOnlySpan<string>)["attachError", "detachError"])
        {
            if (status.Obj(name) is not { } error)
                continue;
            if (Encoding.UTF8.GetByteCount(error.Str("message")) > MaxErrorBytes)
                errors.TooLong(path.Child(name, "message"), MaxErrorBytes);
            if (error.LongOrNull("errorCode") is < 0)
                errors.Invalid(path.Child(name, "errorCode"), error["errorCode"], "must be between 0 and 2147483647, inclusive");
        }
    }

    private static void Source(FieldErrors errors, JsonObject source, FieldPath field)
    {
        var (inline, name) = (source.Obj("inlineVolumeSpec"), source.StrOrNull("persistentVolumeName"));
        if (inline is null && name is null)
            errors.Required(field, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        else if (inline is not null && name is not null)
            errors.Forbidden(field, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        else if (name is not null)
        {
            if (name.Length == 0)
                errors.Required(field.Child("persistentVolumeName"), "must specify non empty persistentVolumeName");
            else
                Checks.Name(errors, field.Child("persistentVolumeName"), name, NameChecks.DnsSubdomain);
        }
        else
            StorageValidation.ValidateVolumeSpec(errors, inline!, "", field.Child("inlineVolumeSpec"), isInline: true);
    }

    private static void Driver(FieldErrors errors, JsonObject value, string field)
    {
        var name = value.Str(field);
        if (name.Length == 0)
            errors.Required(FieldPath.Of(field), "");
        else
            Checks.Name(errors, FieldPath.Of(field), name.ToLowerInvariant(), NameChecks.QualifiedName);
    }

    private static void Parameters(FieldErrors errors, JsonObject value, bool mayBeEmpty)
    {
        var (parameters, path) = (value.Obj("parameters") ?? [], FieldPath.Of("parameters"));
        if (parameters.Count > MaxParameters)
        {
            errors.TooLong(path, MaxParameters);
            return;
        }
        if (!mayBeEmpty && parameters.Count == 0)
            errors.Required(path, "must contain at least one key/value pair");
        if (parameters.ContainsKey(""))
            errors.Invalid(path, "", "field can not be empty.");
        if (SizeOf(parameters) > MaxParameterBytes)
            errors.TooLong(path, MaxParameterBytes);
    }

    private static long SizeOf(JsonObject? map)
    {
        long size = 0;
        foreach (var (key, text) in map ?? [])
            size += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(JsonFields.AsText(text));
        return size;
    }

    private static void Topologies(FieldErrors errors, JsonObject value, FieldPath field)
    {
        var terms = new List<string>();
        var index = 0;
        foreach (var term in value.Items("allowedTopologies"))
        {
            var path = field.Index(index++).Child("matchLabelExpressions");
            var keys = new HashSet<string>(StringComparer.Ordinal);
            var (parts, i) = (new List<string>(), 0);
            foreach (var requirement in term.Items("matchLabelExpressions"))
            {
                var own = path.Index(i++);
                var values = requirement.Strings("values").ToList();
                if (values.Count == 0)
                    errors.Required(own.Child("values"), "");
                for (var v = 0; v < values.Count; v++)
                {
                    if (values.IndexOf(values[v]) < v)
                        errors.Duplicate(own.Child("values").Index(v), values[v]);
                }
                Checks.Name(errors, own.Child("key"), requirement.Str("key"), NameChecks.QualifiedName);
                if (!keys.Add(requirement.Str("key")))
                    errors.Duplicate(own.Child("key"), requirement.Str("key"));
                parts.Add($"{requirement.Str("key")}={string.Join(',', values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))}");
            }
            var whole = string.Join(';', parts.Order(StringComparer.Ordinal));
            if (terms.Contains(whole))
                errors.Duplicate(path, "");
            terms.Add(whole);
        }
    }

    private static void TokenRequests(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var audiences = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var request in spec.Items("tokenRequests"))
        {
            var path = field.Index(index++);
            if (!audiences.Add(request.Str("audience")))
            {
                errors.Duplicate(path.Child("audience"), request.Str("audience"));
                continue;
            }
            if (request.LongOrNull("expirationSeconds") is not { } seconds)
                continue;
            if (seconds < 600)
                errors.Invalid(path.Child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
            if (seconds > 1L << 32)
                errors.Invalid(path.Child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds");
        }
    }

    private static void NodeDriver(FieldErrors errors, JsonObject driver, FieldPath field, HashSet<string> names)
    {
        VolumeSourceValidation.DriverName(errors, field.Child("name"), driver.Str("name"));
        var id = driver.Str("nodeID");
        if (id.Length == 0)
            errors.Required(field.Child("nodeID"), "");
        if (id.Length > MaxNodeIdLength)
            errors.Invalid(field.Child("nodeID"), id, $"must be {MaxNodeIdLength} characters or less");
        Checks.NonNegative(errors, driver.Obj("allocatable"), field.Child("allocatable"), "count");
        if (!names.Add(driver.Str("name")))
            errors.Duplicate(field.Child("name"), driver.Str("name"));
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in driver.Strings("topologyKeys"))
        {
            if (key.Length == 0)
                errors.Required(field, "");
            if (!keys.Add(key))
                errors.Duplicate(field, key);
            Checks.Name(errors, field, key, NameChecks.QualifiedName);
        }
    }
}
