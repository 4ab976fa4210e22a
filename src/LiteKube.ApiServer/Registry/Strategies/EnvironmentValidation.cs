using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>A container's environment, and references to fields and resources, which volumes use as well.</summary>
internal static class EnvironmentValidation
{
    private static readonly string[] PodFields = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];
    private static readonly string[] Resources = ["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];
    private static readonly string[] ByteDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

    public static void Validate(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        var index = 0;
        foreach (var variable in container.Items("env"))
        {
            var path = field.Child("env").Index(index++);
            Checks.RequiredName(errors, variable, path, "name", NameChecks.EnvironmentName);
            if (variable.Obj("valueFrom") is { } source)
                ValueFrom(errors, variable, source, path.Child("valueFrom"), pod);
        }
        index = 0;
        foreach (var source in container.Items("envFrom"))
        {
            var path = field.Child("envFrom").Index(index++);
            Checks.OptionalName(errors, source, path, "prefix", NameChecks.EnvironmentName);
            var count = 0;
            foreach (var kind in (ReadOnlySpan<string>)["configMapRef", "secretRef"])
            {
                if (source.Obj(kind) is not { } reference)
                    continue;
                count++;
                Checks.RequiredName(errors, reference, path.Child(kind), "name", NameChecks.DnsSubdomain);
            }
            if (count == 0)
                errors.Invalid(field.Child("envFrom"), "", "must specify one of: `configMapRef` or `secretRef`");
            else if (count > 1)
                errors.Invalid(field.Child("envFrom"), "", "may not have more than one field specified at a time");
        }
    }

    /// <param name="supported">The paths without subscript that may be named.</param>
    public static void FieldRef(FieldErrors errors, JsonObject reference, FieldPath field, string[] supported)
    {
        if (!Checks.Required(errors, reference, field, "apiVersion") || !Checks.Required(errors, reference, field, "fieldPath"))
            return;
        var path = reference.Str("fieldPath");
        if (reference.Str("apiVersion") != "v1")
        {
            errors.Invalid(field.Child("fieldPath"), path, $"error converting fieldPath: unsupported pod version: {reference.Str("apiVersion")}");
            return;
        }
        if (path.EndsWith("']", StringComparison.Ordinal) && path.IndexOf("['", StringComparison.Ordinal) is > 0 and var bracket)
        {
            var (map, key) = (path[..bracket], path[(bracket + 2)..^2]);
            if (map == "metadata.annotations")
                Checks.Name(errors, field, key.ToLowerInvariant(), NameChecks.QualifiedName);
            else if (map == "metadata.labels")
                Checks.Name(errors, field, key, NameChecks.QualifiedName);
            else
                errors.Invalid(field.Child("fieldPath"), path, $"error converting fieldPath: field label does not support subscript: {path}");
            return;
        }
        if (!IsField(path))
            errors.Invalid(field.Child("fieldPath"), path, $"error converting fieldPath: field label not supported: {path}");
        else if (Array.IndexOf(supported, path) < 0)
            errors.NotSupported(field.Child("fieldPath"), path, supported.Order(StringComparer.Ordinal));
    }

    /// <param name="isVolume">In a volume the container must be named.</param>
    public static void ResourceRef(FieldErrors errors, JsonObject reference, FieldPath field, bool isVolume)
    {
        var resource = reference.Str("resource");
        var isPages = resource.StartsWith("requests.hugepages-", StringComparison.Ordinal) || resource.StartsWith("limits.hugepages-", StringComparison.Ordinal);
        if (isVolume && reference.Str("containerName").Length == 0)
            errors.Required(field.Child("containerName"), "");
        else if (resource.Length == 0)
            errors.Required(field.Child("resource"), "");
        else if (Array.IndexOf(Resources, resource) < 0 && !isPages)
            errors.NotSupported(field.Child("resource"), resource, Resources);
        var divisor = JsonFields.AsText(reference["divisor"]);
        if (!Quantity.TryParse(divisor, out var amount) || amount.IsZero)
            return;
        const string Bytes = "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the ";
        var isBytes = Array.IndexOf(ByteDivisors, amount.ToString()) >= 0;
        var complaint = resource switch
        {
            "limits.cpu" or "requests.cpu" => amount.ToString() is "1" or "1m" ? null : "only divisor's values 1m and 1 are supported with the cpu resource",
            "limits.memory" or "requests.memory" => isBytes ? null : Bytes + "memory resource",
            "limits.ephemeral-storage" or "requests.ephemeral-storage" => isBytes ? null : Bytes + "local ephemeral storage resource",
            _ => isPages && !isBytes ? Bytes + "hugepages resource" : null,
        };
        if (complaint is not null)
            errors.Invalid(field.Child("divisor"), resource, complaint);
    }

    private static bool IsField(string path) => path is "metadata.annotations" or "metadata.labels" or "metadata.name" or "metadata.namespace" or "metadata.uid" or "spec.nodeName" or "spec.restartPolicy"
        or "spec.serviceAccountName" or "spec.schedulerName" or "status.phase" or "status.hostIP" or "status.hostIPs" or "status.podIP" or "status.podIPs" or "spec.host";

    private static void ValueFrom(FieldErrors errors, JsonObject variable, JsonObject source, FieldPath field, PodScope pod)
    {
        var count = 0;
        if (source.Obj("fieldRef") is { } reference)
        {
            count++;
            FieldRef(errors, reference, field.Child("fieldRef"), PodFields);
        }
        if (source.Obj("resourceFieldRef") is { } resource)
        {
            count++;
            ResourceRef(errors, resource, field.Child("resourceFieldRef"), isVolume: false);
        }
        foreach (var kind in (ReadOnlySpan<string>)["configMapKeyRef", "secretKeyRef"])
        {
            if (source.Obj(kind) is not { } selector)
                continue;
            count++;
            Checks.Name(errors, field.Child(kind, "name"), selector.Str("name"), NameChecks.DnsSubdomain);
            Checks.RequiredName(errors, selector, field.Child(kind), "key", NameChecks.ConfigKey);
        }
        if (source.Obj("fileKeyRef") is { } file)
        {
            count++;
            FileKey(errors, file, field.Child("fileKeyRef"), pod);
        }
        if (count == 0)
            errors.Invalid(field, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
        else if (variable.Str("value").Length > 0)
            errors.Invalid(field, "", "may not be specified when `value` is not empty");
        else if (count > 1)
            errors.Invalid(field, "", "may not have more than one field specified at a time");
    }

    /// <summary>A variable from a file that another container wrote (KEP-3721).</summary>
    private static void FileKey(FieldErrors errors, JsonObject file, FieldPath field, PodScope pod)
    {
        Checks.RequiredName(errors, file, field, "key", NameChecks.EnvironmentName);
        if (Checks.Required(errors, file, field, "volumeName"))
        {
            if (!pod.Volumes.TryGetValue(file.Str("volumeName"), out var volume))
                errors.NotFound(field.Child("volumeName"), file.Str("volumeName"));
            else if (!volume.Has("emptyDir"))
                errors.Invalid(field.Child("volumeName"), file.Str("volumeName"), "referenced volume must be of type emptyDir");
        }
        if (Checks.Required(errors, file, field, "path"))
            VolumeSourceValidation.RelativePath(errors, field.Child("path"), file.Str("path"));
    }
}
