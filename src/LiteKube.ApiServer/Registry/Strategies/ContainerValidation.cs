using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The containers of a pod: regular, init and ephemeral ones.</summary>
internal static class ContainerValidation
{
    private static readonly string[] PodFields = ["metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"];

    public static void ValidateAll(FieldErrors errors, JsonObject spec, FieldPath field, IReadOnlySet<string> volumes)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var containers = spec.Items("containers").ToList();
        if (containers.Count == 0)
            errors.Required(field.Child("containers"), "");
        for (var i = 0; i < containers.Count; i++)
            Validate(errors, containers[i], field.Child("containers").Index(i), names, volumes, ContainerRole.Regular);
        CheckHostPorts(errors, containers, field.Child("containers"));
        var index = 0;
        foreach (var container in spec.Items("initContainers"))
            Validate(errors, container, field.Child("initContainers").Index(index++), names, volumes, ContainerRole.Init);
        index = 0;
        foreach (var container in spec.Items("ephemeralContainers"))
        {
            var path = field.Child("ephemeralContainers").Index(index++);
            Validate(errors, container, path, names, volumes, ContainerRole.Ephemeral);
            foreach (var forbidden in (string[])["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"])
            {
                if (container.Has(forbidden))
                    errors.Forbidden(path.Child(forbidden), "cannot be set for an Ephemeral Container");
            }
            if (container.Str("targetContainerName") is { Length: > 0 } target && !containers.Any(c => c.Str("name") == target))
                errors.NotFound(path.Child("targetContainerName"), target);
        }
    }

    private enum ContainerRole
    {
        Regular,
        Init,
        Ephemeral,
    }

    private static void Validate(FieldErrors errors, JsonObject container, FieldPath field, HashSet<string> names, IReadOnlySet<string> volumes, ContainerRole role)
    {
        var name = container.Str("name");
        if (Checks.Required(errors, container, field, "name"))
        {
            Checks.Name(errors, field.Child("name"), name, NameChecks.DnsLabel);
            if (!names.Add(name))
                errors.Duplicate(field.Child("name"), name);
        }
        var image = container.Str("image");
        if (image.Length == 0)
            errors.Required(field.Child("image"), "");
        else if (image.Trim() != image)
            errors.Invalid(field.Child("image"), image, "must not have leading or trailing whitespace");
        Checks.OneOf(errors, container, field, "imagePullPolicy", isRequired: true, "Always", "IfNotPresent", "Never");
        Checks.OneOf(errors, container, field, "terminationMessagePolicy", isRequired: true, "File", "FallbackToLogsOnError");
        ValidatePorts(errors, container, field.Child("ports"));
        ValidateEnvironment(errors, container, field);
        ValidateMounts(errors, container, field, volumes);
        ResourceValidation.Validate(errors, container.Obj("resources"), field.Child("resources"));
        SecurityContextValidation.ValidateContainer(errors, container.Obj("securityContext"), field.Child("securityContext"));
        var isSidecar = role == ContainerRole.Init && container.Str("restartPolicy") == "Always";
        if (role == ContainerRole.Init && !isSidecar)
        {
            foreach (var forbidden in (string[])["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"])
            {
                if (container.Has(forbidden))
                    errors.Forbidden(field.Child(forbidden), "may not be set for init containers without restartPolicy=Always");
            }
        }
        if (role == ContainerRole.Init)
            Checks.OneOf(errors, container, field, "restartPolicy", isRequired: false, "Always", "OnFailure", "Never");
        if (role == ContainerRole.Regular || isSidecar)
            ProbeValidation.Validate(errors, container, field);
    }

    private static void ValidatePorts(FieldErrors errors, JsonObject container, FieldPath field)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var port in container.Items("ports"))
        {
            var path = field.Index(index++);
            if (port.Str("name") is { Length: > 0 } name)
            {
                var complaints = NameChecks.PortName(name).ToList();
                foreach (var complaint in complaints)
                    errors.Invalid(path.Child("name"), name, complaint);
                if (complaints.Count == 0 && !names.Add(name))
                    errors.Duplicate(path.Child("name"), name);
            }
            if (port.Long("containerPort") == 0)
                errors.Required(path.Child("containerPort"), "");
            else
                Checks.PortNumber(errors, path.Child("containerPort"), port.Long("containerPort"));
            if (port.Long("hostPort") != 0)
                Checks.PortNumber(errors, path.Child("hostPort"), port.Long("hostPort"));
            Checks.OneOf(errors, port, path, "protocol", isRequired: true, "TCP", "UDP", "SCTP");
            if (port.Str("hostIP") is { Length: > 0 } address)
                Checks.Address(errors, path.Child("hostIP"), address);
        }
    }

    private static void CheckHostPorts(FieldErrors errors, List<JsonObject> containers, FieldPath field)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < containers.Count; i++)
        {
            var index = 0;
            foreach (var port in containers[i].Items("ports"))
            {
                var key = $"{port.Str("protocol")}/{port.Str("hostIP")}/{port.Long("hostPort")}";
                if (port.Long("hostPort") != 0 && !used.Add(key))
                    errors.Duplicate(field.Index(i).Child("ports").Index(index).Child("hostPort"), key);
                index++;
            }
        }
    }

    private static void ValidateEnvironment(FieldErrors errors, JsonObject container, FieldPath field)
    {
        var index = 0;
        foreach (var variable in container.Items("env"))
        {
            var path = field.Child("env").Index(index++);
            Checks.RequiredName(errors, variable, path, "name", NameChecks.EnvironmentName);
            if (variable.Obj("valueFrom") is not { } source)
                continue;
            path = path.Child("valueFrom");
            if (variable.Str("value").Length > 0)
                errors.Invalid(path, "", "may not be specified when `value` is not empty");
            var count = ((string[])["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]).Count(source.Has);
            if (count == 0)
                errors.Invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`");
            else if (count > 1)
                errors.Invalid(path, "", "may not have more than one field specified at a time");
            if (source.Obj("fieldRef") is { } reference)
                ValidateFieldRef(errors, reference, path.Child("fieldRef"), PodFields);
            if (source.Obj("resourceFieldRef") is { } resource)
                Checks.Required(errors, resource, path.Child("resourceFieldRef"), "resource");
            foreach (var key in (string[])["configMapKeyRef", "secretKeyRef"])
            {
                if (source.Obj(key) is not { } selector)
                    continue;
                Checks.Required(errors, selector, path.Child(key), "name");
                Checks.RequiredName(errors, selector, path.Child(key), "key", NameChecks.ConfigKey);
            }
        }
        index = 0;
        foreach (var source in container.Items("envFrom"))
        {
            var path = field.Child("envFrom").Index(index++);
            if (source.Str("prefix") is { Length: > 0 } prefix)
                Checks.Name(errors, path.Child("prefix"), prefix, NameChecks.EnvironmentName);
            var sources = ((string[])["configMapRef", "secretRef"]).Where(source.Has).ToList();
            if (sources.Count == 0)
                errors.Invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
            else if (sources.Count > 1)
                errors.Invalid(path, "", "may not have more than one field specified at a time");
            foreach (var kind in sources)
                Checks.Required(errors, source.Obj(kind), path.Child(kind), "name");
        }
    }

    internal static void ValidateFieldRef(FieldErrors errors, JsonObject reference, FieldPath field, string[] supported)
    {
        Checks.Required(errors, reference, field, "apiVersion");
        if (!Checks.Required(errors, reference, field, "fieldPath"))
            return;
        var path = reference.Str("fieldPath");
        if (path.EndsWith("']", StringComparison.Ordinal) && (path.StartsWith("metadata.annotations['", StringComparison.Ordinal) || path.StartsWith("metadata.labels['", StringComparison.Ordinal)))
        {
            var key = path[(path.IndexOf('\'', StringComparison.Ordinal) + 1)..^2];
            if (NameChecks.QualifiedName(path.StartsWith("metadata.annotations", StringComparison.Ordinal) ? key.ToLowerInvariant() : key) is { } complaint)
                errors.Invalid(field, key, complaint);
            return;
        }
        if (!supported.Contains(path))
            errors.NotSupported(field.Child("fieldPath"), path, supported);
    }

    private static void ValidateMounts(FieldErrors errors, JsonObject container, FieldPath field, IReadOnlySet<string> volumes)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var mount in container.Items("volumeMounts"))
        {
            var path = field.Child("volumeMounts").Index(index++);
            if (Checks.Required(errors, mount, path, "name") && !volumes.Contains(mount.Str("name")))
                errors.NotFound(path.Child("name"), mount.Str("name"));
            if (Checks.Required(errors, mount, path, "mountPath") && !paths.Add(mount.Str("mountPath")))
                errors.Invalid(path.Child("mountPath"), mount.Str("mountPath"), "must be unique");
            if (mount.Str("subPath").Length > 0 && mount.Str("subPathExpr").Length > 0)
                errors.Invalid(path.Child("subPathExpr"), mount.Str("subPathExpr"), "subPathExpr and subPath are mutually exclusive");
            foreach (var sub in (string[])["subPath", "subPathExpr"])
                VolumeValidation.RelativePath(errors, path.Child(sub), mount.Str(sub));
            Checks.OneOf(errors, mount, path, "mountPropagation", isRequired: false, "None", "HostToContainer", "Bidirectional");
            if (mount.Str("mountPropagation") == "Bidirectional" && !container.Obj("securityContext").Bool("privileged"))
                errors.Forbidden(path.Child("mountPropagation"), "Bidirectional mount propagation is available only to privileged containers");
        }
        index = 0;
        foreach (var device in container.Items("volumeDevices"))
        {
            var path = field.Child("volumeDevices").Index(index++);
            if (Checks.Required(errors, device, path, "name") && !volumes.Contains(device.Str("name")))
                errors.NotFound(path.Child("name"), device.Str("name"));
            if (Checks.Required(errors, device, path, "devicePath") && !paths.Add(device.Str("devicePath")))
                errors.Invalid(path.Child("devicePath"), device.Str("devicePath"), "must be unique");
        }
    }
}
