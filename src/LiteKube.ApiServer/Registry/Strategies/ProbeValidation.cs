using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Probes and lifecycle hooks of a container.</summary>
internal static class ProbeValidation
{
    private static readonly string[] Handlers = ["exec", "httpGet", "tcpSocket", "grpc"];

    public static void Validate(FieldErrors errors, JsonObject container, FieldPath field)
    {
        foreach (var name in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Obj(name) is not { } probe)
                continue;
            var path = field.Child(name);
            ValidateHandler(errors, probe, path);
            Checks.NonNegative(errors, probe, path, "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold");
            if (name != "readinessProbe" && probe.Long("successThreshold") != 1)
                errors.Invalid(path.Child("successThreshold"), probe.Long("successThreshold"), "must be 1");
            if (probe.LongOrNull("terminationGracePeriodSeconds") is { } grace)
            {
                if (name == "readinessProbe")
                    errors.Invalid(path.Child("terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes");
                else if (grace <= 0)
                    errors.Invalid(path.Child("terminationGracePeriodSeconds"), grace, "must be greater than 0");
            }
        }
        foreach (var name in (string[])["postStart", "preStop"])
        {
            if (container.Obj("lifecycle", name) is { } hook)
                ValidateHandler(errors, hook, field.Child("lifecycle").Child(name));
        }
    }

    private static void ValidateHandler(FieldErrors errors, JsonObject handler, FieldPath field)
    {
        var seen = 0;
        foreach (var kind in (string[])[.. Handlers, "sleep"])
        {
            if (handler.Obj(kind) is not { } action)
                continue;
            var path = field.Child(kind);
            if (++seen > 1)
            {
                errors.Forbidden(path, "may not specify more than 1 handler type");
                continue;
            }
            switch (kind)
            {
                case "exec":
                    if (!action.Strings("command").Any())
                        errors.Required(path.Child("command"), "");
                    break;
                case "httpGet":
                    Checks.Required(errors, action, path, "path");
                    Checks.PortNumberOrName(errors, path.Child("port"), action["port"]);
                    Checks.OneOf(errors, action, path, "scheme", isRequired: false, "HTTP", "HTTPS");
                    var index = 0;
                    foreach (var header in action.Items("httpHeaders"))
                    {
                        if (header.Str("name").Length == 0 || header.Str("name").Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_')))
                            errors.Invalid(path.Child("httpHeaders").Index(index), header.Str("name"), "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')");
                        index++;
                    }
                    break;
                case "tcpSocket":
                    Checks.PortNumberOrName(errors, path.Child("port"), action["port"]);
                    break;
                case "grpc":
                    Checks.PortNumber(errors, path.Child("port"), action.Long("port"));
                    break;
                case "sleep":
                    Checks.NonNegative(errors, action, path, "seconds");
                    break;
            }
        }
        if (seen == 0)
            errors.Required(field, "must specify a handler type");
    }
}
