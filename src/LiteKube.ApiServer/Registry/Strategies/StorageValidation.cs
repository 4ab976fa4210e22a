using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>PersistentVolumes and the claims on them.</summary>
internal static class StorageValidation
{
    private const string BetaClass = "volume.beta.kubernetes.io/storage-class";
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly string[] AccessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    private static readonly string[] VolumeModes = ["Block", "Filesystem"];

    /// <summary>In the order in which Kubernetes looks for them: the first one counts, the others are too many.</summary>
    private static readonly string[] Sources =
    [
        "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs", "iscsi", "cinder", "fc", "flexVolume",
        "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi",
    ];

    public static void Volume(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        ValidateVolumeSpec(errors, spec, value.MetaName(), Spec, isInline: false);
        if (old?.Obj("spec") is { } before)
            VolumeUpdate(errors, spec, before);
    }

    /// <param name="isInline">The spec within a VolumeAttachment, which has no claim, capacity or place.</param>
    public static void ValidateVolumeSpec(FieldErrors errors, JsonObject spec, string name, FieldPath field, bool isInline)
    {
        if (isInline)
            Inline(errors, spec, field);
        AccessModesOf(errors, spec, field, "");
        if (!isInline)
            Capacity(errors, spec, field.Child("capacity"));
        if (!isInline)
            Checks.OneOf(errors, spec, field, "persistentVolumeReclaimPolicy", isRequired: false, "Delete", "Recycle", "Retain");
        if (!isInline && spec.Obj("nodeAffinity") is { } affinity)
        {
            if (affinity.Obj("required") is { } required)
                SchedulingValidation.NodeSelector(errors, required, field.Child("nodeAffinity", "required"));
            else
                errors.Required(field.Child("nodeAffinity", "required"), "must specify required node constraints");
        }
        Source(errors, spec, name, field);
        if (spec.Obj("hostPath").Str("path") is { Length: > 0 } path && path.Trim('/').Length == 0 && spec.Str("persistentVolumeReclaimPolicy") == "Recycle")
            errors.Forbidden(field.Child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'");
        if (isInline)
            return;
        Checks.OptionalName(errors, spec, field, "storageClassName", NameChecks.DnsSubdomain);
        Checks.OneOf(errors, spec, field, "volumeMode", isRequired: false, VolumeModes);
        if (spec.StrOrNull("volumeAttributesClassName") is not { } attributes)
            return;
        if (attributes.Length == 0)
            errors.Required(field.Child("volumeAttributesClassName"), "an empty string is disallowed");
        else
            Checks.Name(errors, field.Child("volumeAttributesClassName"), attributes, NameChecks.DnsSubdomain);
        if (!spec.Has("csi"))
            errors.Required(field.Child("csi"), "has to be specified when using volumeAttributesClassName");
    }

    public static void Claim(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        ValidateClaimSpec(errors, spec, Spec, old?.Obj("spec"));
        if (old?.Obj("spec") is { } before)
            ClaimUpdate(errors, value, old, spec, before);
    }

    public static void ClaimStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var (status, path) = (value.Obj("status"), FieldPath.Of("status"));
        foreach (var (name, text) in status.Obj("capacity") ?? [])
        {
            if (Quantity.TryParse(JsonFields.AsText(text), out var quantity) && quantity < Quantity.Zero)
                errors.Invalid(path.Child("capacity").Key(name), quantity.ToLong(), "must be a valid resource quantity");
        }
        foreach (var (name, state) in status.Obj("allocatedResourceStatuses") ?? [])
        {
            ClaimResource(errors, name, path.Child("allocatedResourceStatus"));
            if (JsonFields.AsText(state) is not ("ControllerResizeInProgress" or "ControllerResizeInfeasible" or "NodeResizePending" or "NodeResizeInProgress" or "NodeResizeInfeasible"))
                errors.NotSupported(path.Child("allocatedResourceStatus"), name, "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending");
        }
        foreach (var (name, text) in status.Obj("allocatedResources") ?? [])
        {
            ClaimResource(errors, name, path.Child("allocatedResources"));
            ResourceValidation.QuantityValue(errors, name, text, path.Child("allocatedResources").Key(name));
        }
    }

    public static void ValidateClaimSpec(FieldErrors errors, JsonObject spec, FieldPath field, JsonObject? before = null)
    {
        if (spec.Arr("accessModes") is not { Count: > 0 })
            errors.Required(field.Child("accessModes"), "at least 1 access mode is required");
        Checks.LabelSelector(errors, spec.Obj("selector"), field.Child("selector"));
        SupportedModes(errors, spec, field);
        var path = field.Child("resources").Key("storage");
        if (spec.Obj("resources", "requests") is not { } requests || !requests.Has("storage"))
            errors.Required(path, "");
        else if (ResourceValidation.Positive(errors, requests["storage"], path))
            ResourceValidation.QuantityValue(errors, "storage", requests["storage"], path);
        Checks.OptionalName(errors, spec, field, "storageClassName", NameChecks.DnsSubdomain);
        Checks.OneOf(errors, spec, field, "volumeMode", isRequired: false, VolumeModes);
        DataSources(errors, spec, field, before);
        Checks.OptionalName(errors, spec, field, "volumeAttributesClassName", NameChecks.DnsSubdomain);
    }

    private static void VolumeUpdate(FieldErrors errors, JsonObject spec, JsonObject before)
    {
        foreach (var kind in Sources)
        {
            var now = spec[kind];
            // The secret for growing may be named later.
            if (kind == "csi" && now is JsonObject csi && before.Obj("csi") is { } oldCsi && !oldCsi.Has("controllerExpandSecretRef"))
            {
                now = csi.DeepClone();
                ((JsonObject)now).Remove("controllerExpandSecretRef");
            }
            if (now.SemanticallySameAs(before[kind]))
                continue;
            errors.Forbidden(Spec.Child("persistentvolumesource"), $"spec.persistentvolumesource is immutable after creation\n{SpecDifference.Describe(before[kind], now)}");
            break;
        }
        Checks.Immutable(errors, spec["volumeMode"], before["volumeMode"], FieldPath.Of("volumeMode"));
        if (before.Has("nodeAffinity") && !spec["nodeAffinity"].SemanticallySameAs(before["nodeAffinity"]))
            errors.Invalid(FieldPath.Of("nodeAffinity"), spec["nodeAffinity"], Checks.FieldImmutable + ", except for updating from beta label to GA");
        if (before.Has("volumeAttributesClassName") && !spec.Has("volumeAttributesClassName"))
            errors.Forbidden(Spec.Child("volumeAttributesClassName"), "update from non-nil value to nil is forbidden");
    }

    private static void ClaimUpdate(FieldErrors errors, JsonObject value, JsonObject old, JsonObject spec, JsonObject before)
    {
        var (now, was) = ((JsonObject)spec.DeepClone(), (JsonObject)before.DeepClone());
        // A binder fills in the volume; a class may be given to a claim that has none yet.
        if (was.Str("volumeName").Length == 0)
            was.SetOrRemove("volumeName", now["volumeName"]);
        var (annotated, oldAnnotated) = (value.Meta().Obj("annotations").StrOrNull(BetaClass), old.Meta().Obj("annotations").StrOrNull(BetaClass));
        if (oldAnnotated is not null && !was.Has("storageClassName") && now.StrOrNull("storageClassName") == oldAnnotated && (annotated is null || annotated == oldAnnotated))
        {
            now.Remove("storageClassName");
        }
        else
        {
            if ((annotated ?? "") != (oldAnnotated ?? ""))
                errors.Invalid(FieldPath.Of("metadata").Child("annotations", BetaClass), annotated ?? "", Checks.FieldImmutable);
            if (!was.Has("storageClassName") && now.Has("storageClassName") && (oldAnnotated is null || now.Str("storageClassName") == oldAnnotated))
                now.Remove("storageClassName");
        }
        if (value.Obj("status").Str("phase") == "Bound")
        {
            if (now.Obj("resources", "requests") is { } requests)
                requests.SetOrRemove("storage", was.Obj("resources", "requests")?["storage"]);
            if (now.Has("volumeAttributesClassName"))
                now.SetOrRemove("volumeAttributesClassName", was["volumeAttributesClassName"]);
        }
        if (!now.SameAs(was))
            errors.Forbidden(Spec, $"spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n{SpecDifference.Describe(was, now)}");
        var (size, oldSize) = (Read(spec), Read(before));
        if (size < oldSize && size <= Read(old.Obj("status").Obj("capacity")?["storage"]))
            errors.Forbidden(Spec.Child("resources", "requests", "storage"), "field can not be less than status.capacity");
        Checks.Immutable(errors, spec["volumeMode"], before["volumeMode"], FieldPath.Of("volumeMode"));
        if (!before.Has("volumeAttributesClassName"))
            return;
        if (!spec.Has("volumeAttributesClassName"))
            errors.Forbidden(Spec.Child("volumeAttributesClassName"), "update from non-nil value to nil is forbidden");
        else if (spec.Str("volumeAttributesClassName").Length == 0 && before.Str("volumeAttributesClassName").Length > 0)
            errors.Forbidden(Spec.Child("volumeAttributesClassName"), "update from non-nil value to an empty string is forbidden");
    }

    private static void Inline(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        foreach (var name in (ReadOnlySpan<string>)["claimRef", "capacity", "nodeAffinity", "storageClassName"])
        {
            if (spec.Has(name) && !(spec[name] is JsonObject { Count: 0 }) && !(spec.StrOrNull(name) is ""))
                errors.Forbidden(field.Child(name), "may not be specified in the context of inline volumes");
        }
        if (!spec.Has("csi"))
            errors.Required(field.Child("csi"), "has to be specified in the context of inline volumes");
        if (spec.Str("persistentVolumeReclaimPolicy") is not ("" or "Retain"))
            errors.Forbidden(field.Child("persistentVolumeReclaimPolicy"), "may only be Retain in the context of inline volumes");
        if (spec.StrOrNull("volumeMode") is not (null or "Filesystem"))
            errors.Forbidden(field.Child("volumeMode"), "may not specify volumeMode other than Filesystem in the context of inline volumes");
    }

    private static void Capacity(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var capacity = spec.Obj("capacity") ?? [];
        if (capacity.Count == 0)
            errors.Required(field, "");
        if (!capacity.Has("storage") || capacity.Count > 1)
            errors.NotSupported(field, capacity.Count == 0 ? null : capacity, "storage");
        foreach (var (name, text) in capacity)
            ResourceValidation.Positive(errors, text, field.Key(name));
    }

    private static void Source(FieldErrors errors, JsonObject spec, string name, FieldPath field)
    {
        var count = 0;
        foreach (var kind in Sources)
        {
            if (spec.Obj(kind) is not { } source)
                continue;
            // A flexVolume never counts as one too many: upstream has no such check.
            if (count++ > 0 && kind != "flexVolume")
            {
                errors.Forbidden(field.Child(kind == "cephfs" ? "cephFS" : kind), "may not specify more than 1 volume type");
                continue;
            }
            VolumeSourceValidation.Validate(errors, kind, source, field, isPersistent: true, name);
            if (kind == "local" && !spec.Has("nodeAffinity"))
                errors.Required(field.Child("nodeAffinity"), "Local volume requires node affinity");
        }
        if (count == 0)
            errors.Required(field, "must specify a volume type");
    }

    private static void DataSources(FieldErrors errors, JsonObject spec, FieldPath field, JsonObject? before)
    {
        var (source, reference) = (spec.Obj("dataSource"), spec.Obj("dataSourceRef"));
        // A group that was taken once stays taken.
        var anyGroup = before.Obj("dataSource").Has("apiGroup") || before.Obj("dataSourceRef").Has("apiGroup");
        if (source is not null)
            DataSource(errors, source, field.Child("dataSource"), anyGroup);
        if (reference is not null)
        {
            DataSource(errors, reference, field.Child("dataSourceRef"), anyGroup);
            Checks.OptionalName(errors, reference, field.Child("dataSourceRef"), "namespace", NameChecks.DnsLabel);
        }
        if (source is null || reference is null)
            return;
        if (reference.Str("namespace").Length > 0)
            errors.Invalid(field, new JsonObject(), "may not be specified when dataSourceRef.namespace is specified");
        else if (source.Str("apiGroup") != reference.Str("apiGroup") || source.Str("kind") != reference.Str("kind") || source.Str("name") != reference.Str("name"))
            errors.Invalid(field, new JsonObject(), "must match dataSourceRef");
    }

    private static void DataSource(FieldErrors errors, JsonObject source, FieldPath field, bool anyGroup)
    {
        Checks.Required(errors, source, field, "name");
        Checks.Required(errors, source, field, "kind");
        var group = source.Str("apiGroup");
        if (group.Length == 0 && source.Str("kind") != "PersistentVolumeClaim")
            errors.Invalid(field, source.Str("kind"), "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
        if (group.Length > 0 && !anyGroup)
            Checks.Name(errors, field.Child("apiGroup"), group, NameChecks.DnsSubdomain);
    }

    private static void ClaimResource(FieldErrors errors, string name, FieldPath field)
    {
        var complaints = NameChecks.QualifiedName(name);
        foreach (var complaint in complaints)
            errors.Invalid(field, name, complaint);
        if (complaints.Count == 0 && ResourceNames.IsNative(name) && name != "storage")
            errors.NotSupported(field, name, "storage");
    }

    private static void AccessModesOf(FieldErrors errors, JsonObject spec, FieldPath field, string missing)
    {
        if (spec.Arr("accessModes") is not { Count: > 0 })
            errors.Required(field.Child("accessModes"), missing);
        SupportedModes(errors, spec, field);
    }

    private static void SupportedModes(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var (alone, others) = (false, false);
        foreach (var mode in spec.Strings("accessModes"))
        {
            if (Array.IndexOf(AccessModes, mode) < 0)
                errors.NotSupported(field.Child("accessModes"), mode, AccessModes);
            else if (mode == "ReadWriteOncePod")
                alone = true;
            else
                others = true;
        }
        if (alone && others)
            errors.Forbidden(field.Child("accessModes"), "may not use ReadWriteOncePod with other access modes");
    }

    private static Quantity Read(JsonObject spec) => Read(spec.Obj("resources", "requests")?["storage"]);

    private static Quantity Read(JsonNode? value) => Quantity.TryParse(JsonFields.AsText(value), out var quantity) ? quantity : Quantity.Zero;
}
