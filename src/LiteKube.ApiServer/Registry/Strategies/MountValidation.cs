using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What a container mounts and which devices it is given.</summary>
internal static class MountValidation
{
    public static void Validate(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        var (hasMounts, hasDevices) = (container.Arr("volumeMounts") is { Count: > 0 }, container.Arr("volumeDevices") is { Count: > 0 });
        if (hasMounts)
            Mounts(errors, container, field.Child("volumeMounts"), pod);
        if (hasDevices)
            Devices(errors, container, field.Child("volumeDevices"), pod);
    }

    private static void Mounts(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var mount in container.Items("volumeMounts"))
        {
            var path = field.Index(index++);
            var (name, at) = (mount.Str("name"), mount.Str("mountPath"));
            if (name.Length == 0)
                errors.Required(path.Child("name"), "");
            if (!pod.Volumes.ContainsKey(name))
                errors.NotFound(path.Child("name"), name);
            if (at.Length == 0)
                errors.Required(path.Child("mountPath"), "");
            if (!paths.Add(at))
                errors.Invalid(path.Child("mountPath"), at, "must be unique");
            foreach (var device in container.Items("volumeDevices"))
            {
                if (device.Str("name") == name)
                    errors.Invalid(path.Child("name"), name, "must not already exist in volumeDevices");
                if (device.Str("devicePath") == at)
                    errors.Invalid(path.Child("mountPath"), at, "must not already exist as a path in volumeDevices");
            }
            SubPaths(errors, mount, path, field);
            Propagation(errors, mount, container, field);
        }
    }

    private static void SubPaths(FieldErrors errors, JsonObject mount, FieldPath path, FieldPath field)
    {
        var (sub, expression) = (mount.Str("subPath"), mount.Str("subPathExpr"));
        if (sub.Length > 0)
            VolumeSourceValidation.RelativePath(errors, field.Child("subPath"), sub);
        if (expression.Length == 0)
            return;
        if (sub.Length > 0)
            errors.Invalid(path.Child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
        VolumeSourceValidation.RelativePath(errors, field.Child("subPathExpr"), expression);
    }

    private static void Propagation(FieldErrors errors, JsonObject mount, JsonObject container, FieldPath field)
    {
        var propagation = mount.StrOrNull("mountPropagation");
        if (propagation is not (null or "None" or "HostToContainer" or "Bidirectional"))
            errors.NotSupported(field.Child("mountPropagation"), propagation, "Bidirectional", "HostToContainer", "None");
        if (propagation == "Bidirectional" && !container.Obj("securityContext").Bool("privileged"))
            errors.Forbidden(field.Child("mountPropagation"), "Bidirectional mount propagation is available only to privileged containers");
        switch (mount.StrOrNull("recursiveReadOnly"))
        {
            case null or "Disabled":
                break;
            case "Enabled" or "IfPossible":
                if (!mount.Bool("readOnly"))
                    errors.Forbidden(field.Child("recursiveReadOnly"), "may only be specified when readOnly is true");
                if (propagation is not (null or "None"))
                    errors.Forbidden(field.Child("recursiveReadOnly"), "may only be specified when mountPropagation is None or not specified");
                break;
            case var other:
                errors.NotSupported(field.Child("recursiveReadOnly"), other, "Disabled", "Enabled", "IfPossible");
                break;
        }
    }

    private static void Devices(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        var (names, paths) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        var index = 0;
        foreach (var device in container.Items("volumeDevices"))
        {
            var path = field.Index(index++);
            var (name, at) = (device.Str("name"), device.Str("devicePath"));
            if (name.Length == 0)
                errors.Required(path.Child("name"), "");
            else if (!names.Add(name))
                errors.Invalid(path.Child("name"), name, "must be unique");
            if (!pod.Volumes.TryGetValue(name, out var volume))
                errors.NotFound(path.Child("name"), name);
            else if (!volume.Has("persistentVolumeClaim") && !volume.Has("ephemeral"))
                errors.Invalid(path.Child("name"), name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
            if (at.Length == 0)
                errors.Required(path.Child("devicePath"), "");
            else if (VolumeSourceValidation.HasBackstep(at))
                errors.Invalid(path.Child("devicePath"), at, "can not contain backsteps ('..')");
            if (!paths.Add(at))
                errors.Invalid(path.Child("devicePath"), at, "must be unique");
            foreach (var mount in container.Items("volumeMounts"))
            {
                if (mount.Str("name") == name)
                    errors.Invalid(path.Child("name"), name, "must not already exist in volumeMounts");
                if (mount.Str("mountPath") == at)
                    errors.Invalid(path.Child("devicePath"), at, "must not already exist as a path in volumeMounts");
            }
        }
    }
}
