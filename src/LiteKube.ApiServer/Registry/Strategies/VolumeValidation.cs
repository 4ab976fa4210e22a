using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The volumes of a pod.</summary>
internal static class VolumeValidation
{
    private const string ModeRange = "must be a number between 0 and 0777 (octal), both inclusive";
    private static readonly string[] DownwardFields = ["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid"];

    /// <returns>The names of the volumes.</returns>
    public static HashSet<string> Validate(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var volume in spec.Items("volumes"))
        {
            var path = field.Index(index++);
            ValidateSource(errors, volume, path);
            if (!Checks.Required(errors, volume, path, "name"))
                continue;
            Checks.Name(errors, path.Child("name"), volume.Str("name"), NameChecks.DnsLabel);
            if (!names.Add(volume.Str("name")))
                errors.Duplicate(path.Child("name"), volume.Str("name"));
        }
        return names;
    }

    public static void RelativePath(FieldErrors errors, FieldPath field, string path)
    {
        if (path.StartsWith('/'))
            errors.Invalid(field, path, "must be a relative path");
        NoBackstep(errors, field, path);
    }

    private static void NoBackstep(FieldErrors errors, FieldPath field, string path)
    {
        if (path.Split('/').Contains(".."))
            errors.Invalid(field, path, "must not contain '..'");
    }

    private static void ValidateSource(FieldErrors errors, JsonObject volume, FieldPath field)
    {
        var sources = volume.Where(p => p.Key != "name" && p.Value is JsonObject).Select(p => p.Key).ToList();
        if (sources.Count == 0)
            errors.Required(field, "must specify a volume type");
        for (var i = 0; i < sources.Count; i++)
        {
            if (i > 0)
                errors.Forbidden(field.Child(sources[i]), "may not specify more than 1 volume type");
            else
                ValidateOne(errors, sources[i], volume.Obj(sources[i])!, field.Child(sources[i]));
        }
    }

    private static void ValidateOne(FieldErrors errors, string kind, JsonObject source, FieldPath field)
    {
        switch (kind)
        {
            case "hostPath":
                if (Checks.Required(errors, source, field, "path"))
                    NoBackstep(errors, field.Child("path"), source.Str("path"));
                Checks.OneOf(errors, source, field, "type", isRequired: false, "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice");
                break;
            case "emptyDir":
                if (source.Has("sizeLimit"))
                    Checks.Quantity(errors, field.Child("sizeLimit"), source["sizeLimit"], out _);
                break;
            case "secret":
                Checks.Required(errors, source, field, "secretName");
                Mode(errors, source, field, "defaultMode");
                Items(errors, source, field.Child("items"));
                break;
            case "configMap":
                Checks.Required(errors, source, field, "name");
                Mode(errors, source, field, "defaultMode");
                Items(errors, source, field.Child("items"));
                break;
            case "downwardAPI":
                Mode(errors, source, field, "defaultMode");
                DownwardItems(errors, source, field, []);
                break;
            case "projected":
                Mode(errors, source, field, "defaultMode");
                Projected(errors, source, field.Child("sources"));
                break;
            case "persistentVolumeClaim":
                Checks.Required(errors, source, field, "claimName");
                break;
            case "nfs":
                Checks.Required(errors, source, field, "server");
                if (Checks.Required(errors, source, field, "path") && !source.Str("path").StartsWith('/'))
                    errors.Invalid(field.Child("path"), source.Str("path"), "must be an absolute path");
                break;
            case "csi":
                Checks.Required(errors, source, field, "driver");
                break;
            case "ephemeral":
                Checks.Required(errors, source, field, "volumeClaimTemplate");
                if (source.Obj("volumeClaimTemplate", "spec") is { } claim)
                    StorageValidation.ValidateClaimSpec(errors, claim, field.Child("volumeClaimTemplate").Child("spec"));
                break;
            case "image":
                Checks.OneOf(errors, source, field, "pullPolicy", isRequired: false, "Always", "IfNotPresent", "Never");
                break;
        }
    }

    private static void Projected(FieldErrors errors, JsonObject projected, FieldPath field)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var source in projected.Items("sources"))
        {
            var path = field.Index(index++);
            var kinds = source.Where(p => p.Value is JsonObject).Select(p => p.Key).ToList();
            if (kinds.Count == 0)
                errors.Required(path, "must specify exactly one of: secret, downwardAPI, configMap, serviceAccountToken, clusterTrustBundle, podCertificate");
            else if (kinds.Count > 1)
                errors.Forbidden(path.Child(kinds[1]), "may not specify more than 1 volume type per source");
            foreach (var kind in kinds.Take(1))
            {
                var (value, own) = (source.Obj(kind)!, path.Child(kind));
                switch (kind)
                {
                    case "secret" or "configMap":
                        Checks.Required(errors, value, own, "name");
                        Items(errors, value, own.Child("items"));
                        foreach (var item in value.Items("items"))
                            Conflict(errors, own, item.Str("path"), paths);
                        break;
                    case "downwardAPI":
                        DownwardItems(errors, value, own, paths);
                        break;
                    case "serviceAccountToken":
                        if (value.LongOrNull("expirationSeconds") is { } seconds && seconds < 600)
                            errors.Invalid(own.Child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
                        if (value.LongOrNull("expirationSeconds") is > 1L << 32)
                            errors.Invalid(own.Child("expirationSeconds"), value["expirationSeconds"], "may not specify a duration larger than 2^32 seconds");
                        if (Checks.Required(errors, value, own, "path"))
                        {
                            RelativePath(errors, own.Child("path"), value.Str("path"));
                            Conflict(errors, own, value.Str("path"), paths);
                        }
                        break;
                }
            }
        }
    }

    private static void Conflict(FieldErrors errors, FieldPath field, string path, HashSet<string> paths)
    {
        if (path.Length > 0 && !paths.Add(path))
            errors.Invalid(field, path, "conflicting duplicate paths");
    }

    private static void Items(FieldErrors errors, JsonObject source, FieldPath field)
    {
        var index = 0;
        foreach (var item in source.Items("items"))
        {
            var path = field.Index(index++);
            Checks.Required(errors, item, path, "key");
            if (Checks.Required(errors, item, path, "path"))
                RelativePath(errors, path.Child("path"), item.Str("path"));
            Mode(errors, item, path, "mode");
        }
    }

    private static void DownwardItems(FieldErrors errors, JsonObject source, FieldPath field, HashSet<string> paths)
    {
        var index = 0;
        foreach (var item in source.Items("items"))
        {
            var path = field.Child("items").Index(index++);
            if (Checks.Required(errors, item, path, "path"))
            {
                RelativePath(errors, path.Child("path"), item.Str("path"));
                Conflict(errors, field, item.Str("path"), paths);
            }
            if (item.Obj("fieldRef") is { } reference)
            {
                ContainerValidation.ValidateFieldRef(errors, reference, path.Child("fieldRef"), DownwardFields);
                if (item.Has("resourceFieldRef"))
                    errors.Invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
            else if (item.Obj("resourceFieldRef") is { } resource)
            {
                Checks.Required(errors, resource, path.Child("resourceFieldRef"), "containerName");
                Checks.Required(errors, resource, path.Child("resourceFieldRef"), "resource");
            }
            else
            {
                errors.Required(path, "one of fieldRef and resourceFieldRef is required");
            }
            Mode(errors, item, path, "mode");
        }
    }

    private static void Mode(FieldErrors errors, JsonObject value, FieldPath field, string name)
    {
        if (value.LongOrNull(name) is < 0 or > 511)
            errors.Invalid(field.Child(name), value[name], ModeRange);
    }
}
