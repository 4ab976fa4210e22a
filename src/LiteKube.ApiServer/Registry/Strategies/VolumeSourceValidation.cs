using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The sources of storage that pods and PersistentVolumes have in common, in-tree drivers of old included.</summary>
internal static partial class VolumeSourceValidation
{
    private const string LunRange = "must be between 0 and 255, inclusive";
    private const string PartitionRange = "must be between 1 and 255, inclusive";

    /// <param name="isPersistent">The source of a PersistentVolume, whose secrets name their namespace.</param>
    /// <param name="volumeName">The volume's name, which some drivers count.</param>
    /// <returns>False for a kind of source that is not judged here.</returns>
    public static bool Validate(FieldErrors errors, string kind, JsonObject source, FieldPath field, bool isPersistent, string volumeName)
    {
        var path = field.Child(kind);
        switch (kind)
        {
            case "hostPath":
                HostPath(errors, source, path);
                return true;
            case "local":
                if (Checks.Required(errors, source, path, "path"))
                    NoBackstep(errors, path.Child("path"), source.Str("path"));
                return true;
            case "nfs":
                Nfs(errors, source, path);
                return true;
            case "gcePersistentDisk":
                Disk(errors, source, field.Child("persistentDisk"), "pdName");
                return true;
            case "awsElasticBlockStore":
                Disk(errors, source, path, "volumeID");
                return true;
            case "iscsi":
                IScsi(errors, source, path, isPersistent);
                if (source.Has("initiatorName") && $"{volumeName}:{source.Str("targetPortal")}".Length > 64)
                    errors.Invalid(isPersistent ? path.Child("targetportal") : field.Child("name"), isPersistent ? source.Str("targetPortal") : volumeName, "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.");
                return true;
            case "fc":
                FibreChannel(errors, source, path);
                return true;
            case "csi":
                Csi(errors, source, path, isPersistent);
                return true;
            case "flexVolume":
                Flex(errors, source, path);
                return true;
            default:
                return Retired(errors, kind, source, path, isPersistent);
        }
    }

    /// <summary>A path below a directory: relative, without "..".</summary>
    public static void RelativePath(FieldErrors errors, FieldPath field, string path)
    {
        if (path.StartsWith('/'))
            errors.Invalid(field, path, "must be a relative path");
        NoBackstep(errors, field, path);
    }

    public static void NoBackstep(FieldErrors errors, FieldPath field, string path)
    {
        if (HasBackstep(path))
            errors.Invalid(field, path, "must not contain '..'");
    }

    public static bool HasBackstep(string path)
    {
        foreach (var part in path.AsSpan().Split('/'))
        {
            if (path.AsSpan(part).SequenceEqual(".."))
                return true;
        }
        return false;
    }

    /// <summary>A CSI driver's name; a DRA driver's follows the same rule.</summary>
    public static void DriverName(FieldErrors errors, FieldPath field, string name)
    {
        if (name.Length == 0)
            errors.Required(field, "");
        if (name.Length > 63)
            errors.TooLong(field, 63);
        foreach (var complaint in NameChecks.DnsSubdomain(name.ToLowerInvariant()))
            errors.Invalid(field, name, complaint);
    }

    private static void HostPath(FieldErrors errors, JsonObject source, FieldPath field)
    {
        if (!Checks.Required(errors, source, field, "path"))
            return;
        NoBackstep(errors, field.Child("path"), source.Str("path"));
        if (source.Str("type") is { Length: > 0 } type and not ("DirectoryOrCreate" or "Directory" or "FileOrCreate" or "File" or "Socket" or "CharDevice" or "BlockDevice"))
            errors.NotSupported(field.Child("type"), type, "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket");
    }

    private static void Nfs(FieldErrors errors, JsonObject source, FieldPath field)
    {
        Checks.Required(errors, source, field, "server");
        Checks.Required(errors, source, field, "path");
        if (!source.Str("path").StartsWith('/'))
            errors.Invalid(field.Child("path"), source.Str("path"), "must be an absolute path");
    }

    private static void Disk(FieldErrors errors, JsonObject source, FieldPath field, string id)
    {
        Checks.Required(errors, source, field, id);
        if (source.Long("partition") is < 0 or > 255)
            errors.Invalid(field.Child("partition"), source["partition"], PartitionRange);
    }

    private static void IScsi(FieldErrors errors, JsonObject source, FieldPath field, bool isPersistent)
    {
        Checks.Required(errors, source, field, "targetPortal");
        if (Checks.Required(errors, source, field, "iqn"))
            QualifiedName(errors, source.Str("iqn"), field.Child("iqn"), isPersistent);
        if (source.Long("lun") is < 0 or > 255)
            errors.Invalid(field.Child("lun"), source["lun"], LunRange);
        if ((source.Bool("chapAuthDiscovery") || source.Bool("chapAuthSession")) && !source.Has("secretRef"))
            errors.Required(field.Child("secretRef"), "");
        if (isPersistent && source.Obj("secretRef") is { } secret)
            Checks.Required(errors, secret, field.Child("secretRef"), "name");
        if (source.StrOrNull("initiatorName") is { } initiator)
            QualifiedName(errors, initiator, field.Child("initiatorname"), isPersistent);
    }

    private static void QualifiedName(FieldErrors errors, string name, FieldPath field, bool isPersistent)
    {
        var form = name.Length < 3 ? null : name[..3] switch { "iqn" => Iqn(), "eui" => Eui(), "naa" => Naa(), _ => null };
        if (form is null)
            errors.Invalid(field, name, isPersistent ? "must be valid format" : "must be valid format starting with iqn, eui, or naa");
        else if (!form.IsMatch(name))
            errors.Invalid(field, name, "must be valid format");
    }

    private static void FibreChannel(FieldErrors errors, JsonObject source, FieldPath field)
    {
        var (names, ids) = (source.Arr("targetWWNs") is { Count: > 0 }, source.Arr("wwids") is { Count: > 0 });
        if (!names && !ids)
            errors.Required(field.Child("targetWWNs"), "must specify either targetWWNs or wwids, but not both");
        if (names && ids)
            errors.Invalid(field.Child("targetWWNs"), source["targetWWNs"], "targetWWNs and wwids can not be specified simultaneously");
        if (!names)
            return;
        if (source.LongOrNull("lun") is not { } lun)
            errors.Required(field.Child("lun"), "lun is required if targetWWNs is specified");
        else if (lun is < 0 or > 255)
            errors.Invalid(field.Child("lun"), lun, LunRange);
    }

    private static void Csi(FieldErrors errors, JsonObject source, FieldPath field, bool isPersistent)
    {
        DriverName(errors, field.Child("driver"), source.Str("driver"));
        if (!isPersistent)
        {
            if (source.Obj("nodePublishSecretRef") is { } secret && Checks.Required(errors, secret, field.Child("nodePublishSecretRef"), "name"))
                Checks.Name(errors, field.Child("name"), secret.Str("name"), NameChecks.DnsSubdomain);
            return;
        }
        Checks.Required(errors, source, field, "volumeHandle");
        foreach (var name in (ReadOnlySpan<string>)["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"])
        {
            if (source.Obj(name) is not { } secret)
                continue;
            Checks.RequiredName(errors, secret, field.Child(name), "name", NameChecks.DnsSubdomain);
            Checks.RequiredName(errors, secret, field.Child(name), "namespace", NameChecks.DnsLabel);
        }
    }

    private static void Flex(FieldErrors errors, JsonObject source, FieldPath field)
    {
        Checks.Required(errors, source, field, "driver");
        foreach (var (key, _) in source.Obj("options") ?? [])
        {
            var domain = "." + key.Split('/')[0].ToLowerInvariant();
            if (domain.EndsWith(".kubernetes.io", StringComparison.Ordinal) || domain.EndsWith(".k8s.io", StringComparison.Ordinal))
                errors.Invalid(field.Child("options").Key(key), key, "kubernetes.io and k8s.io namespaces are reserved");
        }
    }

    [GeneratedRegex(@"iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$")]
    private static partial Regex Iqn();

    [GeneratedRegex("^eui.[A-Za-z0-9]{16}$")]
    private static partial Regex Eui();

    [GeneratedRegex("^naa.[A-Za-z0-9]{32}$")]
    private static partial Regex Naa();
}
