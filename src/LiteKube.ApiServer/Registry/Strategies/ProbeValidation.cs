using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Probes and lifecycle hooks of a container.</summary>
internal static class ProbeValidation
{
    private const string HeaderMessage = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

    public static void Validate(FieldErrors errors, JsonObject container, FieldPath field, PodScope pod)
    {
        if (container.Obj("lifecycle") is { } lifecycle)
        {
            foreach (var name in (ReadOnlySpan<string>)["postStart", "preStop"])
            {
                if (lifecycle.Obj(name) is { } hook)
                    Handler(errors, hook, field.Child("lifecycle", name), pod);
            }
            StopSignal(errors, lifecycle, field.Child("lifecycle", "stopSignal"), pod);
        }
        foreach (var name in (ReadOnlySpan<string>)["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Obj(name) is { } probe)
                Probe(errors, probe, name, field.Child(name), pod);
        }
    }

    private static void Probe(FieldErrors errors, JsonObject probe, string name, FieldPath field, PodScope pod)
    {
        Handler(errors, probe, field, pod);
        Checks.NonNegative(errors, probe, field, "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold");
        var grace = probe.LongOrNull("terminationGracePeriodSeconds");
        if (grace <= 0)
            errors.Invalid(field.Child("terminationGracePeriodSeconds"), grace, "must be greater than 0");
        if (name == "readinessProbe")
        {
            if (grace is not null)
                errors.Invalid(field.Child("terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes");
        }
        else if (probe.Long("successThreshold") != 1)
        {
            errors.Invalid(field.Child("successThreshold"), probe.Long("successThreshold"), "must be 1");
        }
    }

    private static void Handler(FieldErrors errors, JsonObject handler, FieldPath field, PodScope pod)
    {
        var seen = 0;
        foreach (var kind in (ReadOnlySpan<string>)["exec", "httpGet", "tcpSocket", "grpc", "sleep"])
        {
            if (handler.Obj(kind) is not { } action)
                continue;
            var path = field.Child(kind);
            if (++seen > 1)
                errors.Forbidden(path, "may not specify more than 1 handler type");
            else
                Action(errors, kind, action, path, pod);
        }
        if (seen == 0)
            errors.Required(field, "must specify a handler type");
    }

    private static void Action(FieldErrors errors, string kind, JsonObject action, FieldPath field, PodScope pod)
    {
        switch (kind)
        {
            case "exec":
                if (action.Arr("command") is not { Count: > 0 })
                    errors.Required(field.Child("command"), "");
                break;
            case "httpGet":
                Checks.Required(errors, action, field, "path");
                Checks.PortNumberOrName(errors, field.Child("port"), action["port"]);
                if (action.Str("scheme") is not ("HTTP" or "HTTPS"))
                    errors.NotSupported(field.Child("scheme"), action.Str("scheme"), "HTTP", "HTTPS");
                foreach (var header in action.Items("httpHeaders"))
                {
                    var name = header.Str("name");
                    var isGood = name.Length > 0;
                    foreach (var c in name)
                        isGood &= char.IsAsciiLetterOrDigit(c) || c == '-';
                    if (!isGood)
                        errors.Invalid(field.Child("httpHeaders"), name, HeaderMessage);
                }
                break;
            case "tcpSocket":
                Checks.PortNumberOrName(errors, field.Child("port"), action["port"]);
                break;
            case "grpc":
                Checks.PortNumber(errors, field.Child("port"), action.Long("port"));
                break;
            case "sleep":
                if (pod.GracePeriodSeconds is { } grace && (action.Long("seconds") < 0 || action.Long("seconds") > grace))
                    errors.Invalid(field, action.Long("seconds"), $"must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                break;
        }
    }

    /// <summary>Signals are an operating system's own (KEP-4960).</summary>
    private static void StopSignal(FieldErrors errors, JsonObject lifecycle, FieldPath field, PodScope pod)
    {
        if (lifecycle.StrOrNull("stopSignal") is not { } signal)
            return;
        var os = pod.Spec.Obj("os").Str("name");
        if (os.Length == 0)
            errors.Forbidden(field, "may not be set for containers with empty `spec.os.name`");
        else if (os == "windows" && signal is not ("SIGTERM" or "SIGKILL"))
            errors.NotSupported(field, signal, "SIGKILL", "SIGTERM");
        else if (!signal.StartsWith("SIG", StringComparison.Ordinal))
            errors.Invalid(field, signal, "must be the name of a signal");
    }
}
