using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Sources whose drivers are gone from Kubernetes, but whose fields its API still takes and judges.</summary>
internal static partial class VolumeSourceValidation
{
    private static bool Retired(FieldErrors errors, string kind, JsonObject source, FieldPath field, bool isPersistent)
    {
        switch (kind)
        {
            case "gitRepo":
                Checks.Required(errors, source, field, "repository");
                RelativePath(errors, field.Child("directory"), source.Str("directory"));
                return true;
            case "glusterfs":
                Required(errors, source, field, "endpoints", "path");
                if (isPersistent && source.StrOrNull("endpointsNamespace") is { } ns)
                    GlusterNamespace(errors, ns, field.Child("endpointsNamespace"));
                return true;
            case "flocker":
                Flocker(errors, source, field);
                return true;
            case "rbd":
                RequiredList(errors, source, field, "monitors");
                Checks.Required(errors, source, field, "image");
                return true;
            case "cephfs":
                RequiredList(errors, source, field, "monitors");
                return true;
            case "cinder":
                Checks.Required(errors, source, field, "volumeID");
                Secret(errors, source, field, isPersistent);
                return true;
            case "quobyte":
                Quobyte(errors, source, field);
                return true;
            case "azureFile":
                Required(errors, source, field, "secretName", "shareName");
                if (isPersistent && source.StrOrNull("secretNamespace") is "")
                    errors.Required(field.Child("secretNamespace"), "");
                return true;
            case "azureDisk":
                AzureDisk(errors, source, field);
                return true;
            case "vsphereVolume":
                Checks.Required(errors, source, field, "volumePath");
                return true;
            case "photonPersistentDisk":
                Checks.Required(errors, source, field, "pdID");
                return true;
            case "portworxVolume":
                Checks.Required(errors, source, field, "volumeID");
                return true;
            case "scaleIO":
                Required(errors, source, field, "gateway", "system", "volumeName");
                return true;
            case "storageos":
                Checks.RequiredName(errors, source, field, "volumeName", NameChecks.DnsLabel);
                Checks.OptionalName(errors, source, field, "volumeNamespace", NameChecks.DnsLabel);
                Secret(errors, source, field, isPersistent);
                return true;
            default:
                return false;
        }
    }

    private static void Required(FieldErrors errors, JsonObject source, FieldPath field, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            Checks.Required(errors, source, field, name);
    }

    private static void RequiredList(FieldErrors errors, JsonObject source, FieldPath field, string name)
    {
        if (source.Arr(name) is not { Count: > 0 })
            errors.Required(field.Child(name), "");
    }

    private static void Secret(FieldErrors errors, JsonObject source, FieldPath field, bool isPersistent)
    {
        if (source.Obj("secretRef") is not { } secret)
            return;
        Checks.Required(errors, secret, field.Child("secretRef"), "name");
        if (isPersistent)
            Checks.Required(errors, secret, field.Child("secretRef"), "namespace");
    }

    private static void GlusterNamespace(FieldErrors errors, string ns, FieldPath field)
    {
        if (ns.Length == 0)
            errors.Invalid(field, ns, "if the endpointnamespace is set, it must be a valid namespace name");
        else
            Checks.Name(errors, field, ns, NameChecks.DnsLabel);
    }

    private static void Flocker(FieldErrors errors, JsonObject source, FieldPath field)
    {
        var (name, uuid) = (source.Str("datasetName"), source.Str("datasetUUID"));
        if (name.Length == 0 && uuid.Length == 0)
            errors.Required(field, "one of datasetName and datasetUUID is required");
        if (name.Length > 0 && uuid.Length > 0)
            errors.Invalid(field, "resource", "datasetName and datasetUUID can not be specified simultaneously");
        if (name.Contains('/', StringComparison.Ordinal))
            errors.Invalid(field.Child("datasetName"), name, "must not contain '/'");
    }

    private static void Quobyte(FieldErrors errors, JsonObject source, FieldPath field)
    {
        const string Pairs = "must be a host:port pair or multiple pairs separated by commas";
        var registry = source.Str("registry");
        if (registry.Length == 0)
            errors.Required(field.Child("registry"), Pairs);
        else if (source.Str("tenant").Length >= 65)
            errors.Required(field.Child("tenant"), "must be a UUID and may not exceed a length of 64 characters");
        else
        {
            foreach (var pair in registry.Split(','))
            {
                if (pair.Count(c => c == ':') != 1)
                    errors.Invalid(field.Child("registry"), registry, Pairs);
            }
        }
        Checks.Required(errors, source, field, "volume");
    }

    private static void AzureDisk(FieldErrors errors, JsonObject source, FieldPath field)
    {
        Required(errors, source, field, "diskName", "diskURI");
        Checks.OneOf(errors, source, field, "cachingMode", isRequired: false, "None", "ReadOnly", "ReadWrite");
        Checks.OneOf(errors, source, field, "kind", isRequired: false, "Dedicated", "Managed", "Shared");
        var (kind, uri) = (source.StrOrNull("kind"), source.Str("diskURI"));
        if (kind == "Managed" && !uri.StartsWith("/subscriptions/", StringComparison.Ordinal))
            errors.NotSupported(field.Child("diskURI"), uri, "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}");
        if (kind is not (null or "Managed") && !uri.StartsWith("https://", StringComparison.Ordinal))
            errors.NotSupported(field.Child("diskURI"), uri, "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd");
    }
}
