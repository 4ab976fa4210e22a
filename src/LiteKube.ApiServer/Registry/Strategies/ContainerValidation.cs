using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The containers of a pod: regular, init and ephemeral ones.</summary>
internal static class ContainerValidation
{
    private const int MaxRestartRules = 20;
    private const int MaxExitCodes = 255;

    public static void ValidateAll(FieldErrors errors, PodScope pod, FieldPath field)
    {
        var (regular, all) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        Regular(errors, pod, field.Child("containers"), regular);
        all.UnionWith(regular);
        Init(errors, pod, field.Child("initContainers"), all);
        if (pod.Spec.Arr("ephemeralContainers") is { Count: > 0 })
            Ephemeral(errors, pod, field.Child("ephemeralContainers"), all);
    }

    private static void Regular(FieldErrors errors, PodScope pod, FieldPath field, HashSet<string> names)
    {
        if (pod.Spec.Arr("containers") is not { Count: > 0 })
        {
            errors.Required(field, "");
            return;
        }
        var index = 0;
        foreach (var container in pod.Spec.Items("containers"))
        {
            var path = field.Index(index++);
            Common(errors, container, path, pod);
            if (!names.Add(container.Str("name")))
                errors.Duplicate(path.Child("name"), container.Str("name"));
            ProbeValidation.Validate(errors, container, path, pod);
            RestartRules(errors, container, path);
        }
        index = 0;
        HashSet<string>? used = null;
        foreach (var container in pod.Spec.Items("containers"))
            HostPorts(errors, container, field.Index(index++), ref used);
    }

    private static void Init(FieldErrors errors, PodScope pod, FieldPath field, HashSet<string> names)
    {
        var index = 0;
        foreach (var container in pod.Spec.Items("initContainers"))
        {
            var path = field.Index(index++);
            Common(errors, container, path, pod);
            RestartRules(errors, container, path);
            if (container.Str("name") is { Length: > 0 } name && !names.Add(name))
                errors.Duplicate(path.Child("name"), name);
            // They run one after the other: only within one of them ports can collide.
            HashSet<string>? used = null;
            HostPorts(errors, container, field.Index(0), ref used);
            if (container.Str("restartPolicy") == "Always")
            {
                ProbeValidation.Validate(errors, container, path, pod);
                continue;
            }
            foreach (var forbidden in (ReadOnlySpan<string>)["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"])
            {
                if (container.Has(forbidden))
                    errors.Forbidden(path.Child(forbidden), "may not be set for init containers without restartPolicy=Always");
            }
        }
    }

    private static void Ephemeral(FieldErrors errors, PodScope pod, FieldPath field, HashSet<string> names)
    {
        const string NotAllowed = "cannot be set for an Ephemeral Container";
        var others = new HashSet<string>(names, StringComparer.Ordinal);
        var index = 0;
        foreach (var container in pod.Spec.Items("ephemeralContainers"))
        {
            var path = field.Index(index++);
            Common(errors, container, path, pod);
            if (!names.Add(container.Str("name")))
                errors.Duplicate(path.Child("name"), container.Str("name"));
            if (container.Str("targetContainerName") is { Length: > 0 } target && !others.Contains(target))
                errors.NotFound(path.Child("targetContainerName"), target);
            foreach (var forbidden in (ReadOnlySpan<string>)["ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"])
            {
                if (container[forbidden] is not (null or JsonObject { Count: 0 } or JsonArray { Count: 0 }))
                    errors.Forbidden(path.Child(forbidden), NotAllowed);
            }
            var i = 0;
            foreach (var mount in container.Items("volumeMounts"))
            {
                foreach (var sub in (ReadOnlySpan<string>)["subPath", "subPathExpr"])
                {
                    if (mount.Str(sub).Length > 0)
                        errors.Forbidden(path.Child("volumeMounts").Index(i).Child(sub), NotAllowed);
                }
                i++;
            }
        }
    }

    private static void Common(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        Checks.RequiredName(errors, container, field, "name", NameChecks.DnsLabel);
        var image = container.Str("image");
        if (image.Length == 0)
            errors.Required(field.Child("image"), "");
        Checks.OneOf(errors, container, field, "terminationMessagePolicy", isRequired: true, "File", "FallbackToLogsOnError");
        Ports(errors, container, field.Child("ports"));
        EnvironmentValidation.Validate(errors, container, field, pod);
        MountValidation.Validate(errors, container, field, pod);
        Checks.OneOf(errors, container, field, "imagePullPolicy", isRequired: true, "Always", "IfNotPresent", "Never");
        ResourceValidation.Container(errors, container.Obj("resources"), field.Child("resources"), pod.Claims);
        if (container.Arr("resizePolicy") is { Count: > 0 })
            ResizePolicies(errors, container, field.Child("resizePolicy"), pod);
        SecurityContextValidation.ValidateContainer(errors, container.Obj("securityContext"), field.Child("securityContext"), pod.UsesHostUsers);
        if (pod.IsPod && image.Length > 0 && (char.IsWhiteSpace(image[0]) || char.IsWhiteSpace(image[^1])))
            errors.Invalid(field.Child("image"), image, "must not have leading or trailing whitespace");
    }

    private static void Ports(FieldErrors errors, JsonObject container, FieldPath field)
    {
        if (container.Arr("ports") is not { Count: > 0 })
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var port in container.Items("ports"))
        {
            var path = field.Index(index++);
            if (port.Str("name") is { Length: > 0 } name)
            {
                var complaints = NameChecks.PortName(name);
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
            Checks.OneOf(errors, port, path, "protocol", isRequired: true, "SCTP", "TCP", "UDP");
            if (port.Str("hostIP") is { Length: > 0 } address)
                Checks.Address(errors, path.Child("hostIP"), address);
        }
    }

    private static void HostPorts(FieldErrors errors, JsonObject container, FieldPath field, ref HashSet<string>? used)
    {
        var index = 0;
        foreach (var port in container.Items("ports"))
        {
            var path = field.Child("ports").Index(index++);
            if (port.Long("hostPort") == 0)
                continue;
            var key = $"{port.Str("protocol")}/{port.Str("hostIP")}/{port.Long("hostPort")}";
            used ??= new(StringComparer.Ordinal);
            if (!used.Add(key))
                errors.Duplicate(path.Child("hostPort"), key);
        }
    }

    /// <summary>Which ends of a container restart it (KEP-5307).</summary>
    private static void RestartRules(FieldErrors errors, JsonObject container, FieldPath field)
    {
        var policy = container.StrOrNull("restartPolicy");
        if (policy is not (null or "Always" or "OnFailure" or "Never"))
            errors.NotSupported(field.Child("restartPolicy"), policy, "Always", "Never", "OnFailure");
        if (container.Arr("restartPolicyRules") is not { Count: > 0 } rules)
            return;
        if (policy is null)
            errors.Required(field.Child("restartPolicy"), "must specify restartPolicy when restart rules are used");
        if (rules.Count > MaxRestartRules)
            errors.TooLong(field.Child("restartPolicyRules"), MaxRestartRules);
        var index = 0;
        foreach (var rule in container.Items("restartPolicyRules"))
        {
            var path = field.Child("restartPolicyRules").Index(index++);
            Checks.OneOf(errors, rule, path, "action", isRequired: true, "Restart", "RestartAllContainers");
            if (rule.Obj("exitCodes") is not { } codes)
            {
                errors.Required(path.Child("exitCodes"), "must be specified");
                continue;
            }
            Checks.OneOf(errors, codes, path.Child("exitCodes"), "operator", isRequired: true, "In", "NotIn");
            if (codes.Arr("values") is { Count: > MaxExitCodes })
                errors.TooLong(path.Child("exitCodes", "values"), MaxExitCodes);
        }
    }

    private static void ResizePolicies(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        var resources = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var policy in container.Items("resizePolicy"))
        {
            var (resource, restart) = (policy.Str("resourceName"), policy.Str("restartPolicy"));
            if (!resources.Add(resource))
                errors.Duplicate(field.Index(index), resource);
            index++;
            if (resource.Length == 0)
                errors.Required(field, "");
            else if (resource is not ("cpu" or "memory"))
                errors.NotSupported(field, resource, "cpu", "memory");
            if (restart.Length == 0)
                errors.Required(field, "");
            else if (restart is not ("NotRequired" or "RestartContainer"))
                errors.NotSupported(field, restart, "NotRequired", "RestartContainer");
            if (pod.RestartPolicy == "Never" && restart != "NotRequired" && container.StrOrNull("restartPolicy") is (null or "Never"))
                errors.Invalid(field, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'");
        }
    }
}
