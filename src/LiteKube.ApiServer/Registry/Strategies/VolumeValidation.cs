using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The volumes of a pod.</summary>
internal static class VolumeValidation
{
    private const string ModeRange = "must be a number between 0 and 0777 (octal), both inclusive";
    private static readonly string[] DownwardFields = ["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"];

    /// <summary>In the order in which Kubernetes looks for them: the first one counts, the others are too many.</summary>
    private static readonly string[] Sources =
    [
        "emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi", "glusterfs", "flocker", "persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI",
        "fc", "flexVolume", "configMap", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral", "image",
    ];

    public static void Validate(FieldErrors errors, PodScope pod, FieldPath field)
    {
        if (pod.Spec.Arr("volumes") is not { Count: > 0 })
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var volume in pod.Spec.Items("volumes"))
        {
            var path = field.Index(index++);
            var name = volume.Str("name");
            Source(errors, volume, path, name, pod);
            Checks.RequiredName(errors, volume, path, "name", NameChecks.DnsLabel);
            if (name.Length > 0 && !names.Add(name))
                errors.Duplicate(path.Child("name"), name);
        }
    }

    private static void Source(FieldErrors errors, JsonObject volume, FieldPath field, string name, PodScope pod)
    {
        var count = 0;
        foreach (var kind in Sources)
        {
            if (volume.Obj(kind) is not { } source)
                continue;
            if (count++ == 0)
                One(errors, kind, source, field, name, pod);
            else
                errors.Forbidden(field.Child(kind switch { "cephfs" => "cephFS", "downwardAPI" => "downwarAPI", _ => kind }), "may not specify more than 1 volume type");
        }
        if (count == 0)
            errors.Required(field, "must specify a volume type");
    }

    private static void One(FieldErrors errors, string kind, JsonObject source, FieldPath field, string name, PodScope pod)
    {
        var path = field.Child(kind);
        switch (kind)
        {
            case "emptyDir":
                if (source.Has("sizeLimit") && ResourceValidation.Read(source["sizeLimit"]).Sign < 0)
                    errors.Forbidden(path.Child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
                break;
            case "secret":
                Checks.Required(errors, source, path, "secretName");
                Mode(errors, source, path, "defaultMode");
                KeysToPaths(errors, source, path.Child("items"));
                break;
            case "configMap":
                Checks.Required(errors, source, path, "name");
                Mode(errors, source, path, "defaultMode");
                KeysToPaths(errors, source, path.Child("items"));
                break;
            case "downwardAPI":
                Mode(errors, source, path, "defaultMode");
                foreach (var file in source.Items("items"))
                    DownwardFile(errors, file, path);
                break;
            case "projected":
                Mode(errors, source, path, "defaultMode");
                ProjectionValidation.Validate(errors, source, path, pod);
                break;
            case "persistentVolumeClaim":
                Checks.Required(errors, source, path, "claimName");
                break;
            case "ephemeral":
                Ephemeral(errors, source, field, name, pod);
                break;
            case "image":
                Checks.OneOf(errors, source, path, "pullPolicy", isRequired: true, "Always", "IfNotPresent", "Never");
                if (pod.IsPod)
                    Checks.Required(errors, source, path, "reference");
                break;
            default:
                VolumeSourceValidation.Validate(errors, kind, source, field, isPersistent: false, name);
                break;
        }
    }

    private static void Ephemeral(FieldErrors errors, JsonObject source, FieldPath field, string name, PodScope pod)
    {
        var path = field.Child("ephemeral", "volumeClaimTemplate");
        if (source.Obj("volumeClaimTemplate") is { } template)
        {
            WorkloadValidation.TemplateMetadata(errors, template.Obj("metadata"), path.Child("metadata"));
            StorageValidation.ValidateClaimSpec(errors, template.Obj("spec") ?? [], path.Child("spec"));
        }
        else
        {
            errors.Required(path, "");
        }
        if (pod.PodName.Length == 0 || name.Length == 0)
            return;
        var claim = $"{pod.PodName}-{name}";
        foreach (var complaint in NameChecks.DnsSubdomain(claim))
            errors.Invalid(field.Child("name"), name, $"PVC name {GoText.Quote(claim)}: {complaint}");
    }

    public static void KeysToPaths(FieldErrors errors, JsonObject source, FieldPath field)
    {
        var index = 0;
        foreach (var item in source.Items("items"))
        {
            var path = field.Index(index++);
            Checks.Required(errors, item, path, "key");
            Checks.Required(errors, item, path, "path");
            LocalPath(errors, path.Child("path"), item.Str("path"));
            Mode(errors, item, path, "mode");
        }
    }

    public static void DownwardFile(FieldErrors errors, JsonObject file, FieldPath field)
    {
        Checks.Required(errors, file, field, "path");
        LocalPath(errors, field.Child("path"), file.Str("path"));
        if (file.Obj("fieldRef") is { } reference)
        {
            EnvironmentValidation.FieldRef(errors, reference, field.Child("fieldRef"), DownwardFields);
            if (file.Has("resourceFieldRef"))
                errors.Invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
        }
        else if (file.Obj("resourceFieldRef") is { } resource)
        {
            EnvironmentValidation.ResourceRef(errors, resource, field.Child("resourceFieldRef"), isVolume: true);
        }
        else
        {
            errors.Required(field, "one of fieldRef and resourceFieldRef is required");
        }
        Mode(errors, file, field, "mode");
    }

    /// <summary>A file of an atomically written volume: relative, and not beginning like the writer's own "..data".</summary>
    public static void LocalPath(FieldErrors errors, FieldPath field, string path)
    {
        VolumeSourceValidation.RelativePath(errors, field, path);
        if (path.StartsWith("..", StringComparison.Ordinal) && !path.StartsWith("../", StringComparison.Ordinal))
            errors.Invalid(field, path, "must not start with '..'");
    }

    private static void Mode(FieldErrors errors, JsonObject value, FieldPath field, string name)
    {
        if (value.LongOrNull(name) is < 0 or > 511)
            errors.Invalid(field.Child(name), value[name], ModeRange);
    }
}
