using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>PersistentVolumes, claims on them and their classes.</summary>
internal static class StorageValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly string[] AccessModes = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];
    private static readonly string[] NoSource = ["capacity", "claimRef", "nodeAffinity"];

    public static void Volume(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        AccessModesOf(errors, spec, Spec, "");
        if (spec.Obj("capacity") is not { Count: > 0 } capacity)
            errors.Required(Spec.Child("capacity"), "");
        else if (!capacity.Has("storage") || capacity.Count > 1)
            errors.NotSupported(Spec.Child("capacity"), capacity, "storage");
        else
            Positive(errors, Spec.Child("capacity").Key("storage"), capacity["storage"]);
        Checks.OneOf(errors, spec, Spec, "persistentVolumeReclaimPolicy", isRequired: false, "Delete", "Recycle", "Retain");
        Checks.OneOf(errors, spec, Spec, "volumeMode", isRequired: false, "Block", "Filesystem");
        var sources = spec.Where(p => p.Value is JsonObject && !NoSource.Contains(p.Key)).Select(p => p.Key).ToList();
        if (sources.Count == 0)
            errors.Required(Spec, "must specify a volume type");
        foreach (var extra in sources.Skip(1))
            errors.Forbidden(Spec.Child(extra), "may not specify more than 1 volume type");
        if (spec.Obj("nodeAffinity", "required") is { } affinity)
            SchedulingValidation.NodeSelector(errors, affinity, Spec.Child("nodeAffinity").Child("required"));
        else if (spec.Has("local"))
            errors.Required(Spec.Child("nodeAffinity"), "Local volume requires node affinity");
        if (old?.Obj("spec") is not { } before)
            return;
        if (sources.Any(s => !spec[s].SameAs(before[s])) || before.Any(p => p.Value is JsonObject && !NoSource.Contains(p.Key) && !spec.ContainsKey(p.Key)))
            errors.Forbidden(Spec.Child("persistentvolumesource"), "spec.persistentvolumesource is immutable after creation");
        Checks.Immutable(errors, spec["volumeMode"], before["volumeMode"], Spec.Child("volumeMode"));
        if (before.Has("nodeAffinity"))
            Checks.Immutable(errors, spec["nodeAffinity"], before["nodeAffinity"], Spec.Child("nodeAffinity"));
    }

    public static void Claim(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        ValidateClaimSpec(errors, spec, Spec);
        if (old?.Obj("spec") is not { } before)
            return;
        var (now, was) = ((JsonObject)spec.DeepClone(), (JsonObject)before.DeepClone());
        // A binder fills in the volume; a class may be given to a claim that has none yet.
        if (was.Str("volumeName").Length == 0)
            (now["volumeName"], was["volumeName"]) = ("", "");
        if (!was.Has("storageClassName"))
            (now["storageClassName"], was["storageClassName"]) = ("", "");
        (now["volumeAttributesClassName"], was["volumeAttributesClassName"]) = ("", "");
        var isBound = old.Obj("status").Str("phase") == "Bound";
        if (isBound)
        {
            now.GetOrAdd("resources").SetOrRemove("requests", was.Obj("resources")?["requests"]);
            var (size, oldSize) = (Read(spec), Read(before));
            if (size < oldSize && size < Read(old.Obj("status").Obj("capacity")?["storage"]))
                errors.Forbidden(Spec.Child("resources").Child("requests").Child("storage"), "field can not be less than status.capacity");
        }
        if (!now.SameAs(was))
            errors.Forbidden(Spec, $"spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{SpecDifference.Describe(was, now)}");
    }

    public static void ValidateClaimSpec(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        Checks.LabelSelector(errors, spec.Obj("selector"), field.Child("selector"));
        AccessModesOf(errors, spec, field, "at least 1 access mode is required");
        var path = field.Child("resources").Key("storage");
        if (spec.Obj("resources", "requests") is not { } requests || !requests.Has("storage"))
            errors.Required(path, "");
        else
            Positive(errors, path, requests["storage"]);
        if (spec.Str("storageClassName") is { Length: > 0 } name)
            Checks.Name(errors, field.Child("storageClassName"), name, NameChecks.DnsSubdomain);
        Checks.OneOf(errors, spec, field, "volumeMode", isRequired: false, "Block", "Filesystem");
    }

    public static void Class(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        if (value.Str("provisioner").Length == 0)
            errors.Required(FieldPath.Of("provisioner"), "");
        if (value.Str("reclaimPolicy") is not ("" or "Delete" or "Retain"))
            errors.NotSupported(FieldPath.Of("reclaimPolicy"), value.Str("reclaimPolicy"), "Delete", "Retain");
        if (value.Str("volumeBindingMode") is not ("Immediate" or "WaitForFirstConsumer"))
            errors.NotSupported(FieldPath.Of("volumeBindingMode"), value.Str("volumeBindingMode"), "Immediate", "WaitForFirstConsumer");
        if (old is null)
            return;
        foreach (var field in (string[])["parameters", "provisioner", "reclaimPolicy"])
        {
            if (!value[field].SemanticallySameAs(old[field]))
                errors.Forbidden(FieldPath.Of(field), $"updates to {field} are forbidden.");
        }
        Checks.Immutable(errors, value["volumeBindingMode"], old["volumeBindingMode"], FieldPath.Of("volumeBindingMode"));
    }

    private static void AccessModesOf(FieldErrors errors, JsonObject spec, FieldPath field, string missing)
    {
        var modes = spec.Strings("accessModes").ToList();
        if (modes.Count == 0)
            errors.Required(field.Child("accessModes"), missing);
        foreach (var mode in modes.Where(m => !AccessModes.Contains(m)))
            errors.NotSupported(field.Child("accessModes"), mode, AccessModes);
        if (modes.Count > 1 && modes.Contains("ReadWriteOncePod"))
            errors.Forbidden(field.Child("accessModes"), "may not use ReadWriteOncePod with other access modes");
    }

    private static void Positive(FieldErrors errors, FieldPath field, JsonNode? value)
    {
        Checks.Quantity(errors, field, value, out var quantity);
        if (quantity <= Quantity.Zero)
            errors.Invalid(field, JsonFields.AsText(value), "must be greater than zero");
    }

    private static Quantity Read(JsonObject spec) => Read(spec.Obj("resources", "requests")?["storage"]);

    private static Quantity Read(JsonNode? value) => Quantity.TryParse(JsonFields.AsText(value), out var quantity) ? quantity : Quantity.Zero;
}
