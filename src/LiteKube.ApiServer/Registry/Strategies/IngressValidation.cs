using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Ingresses and their classes.</summary>
internal static class IngressValidation
{
    private const string ClassAnnotation = "kubernetes.io/ingress.class";
    private const int MaxControllerLength = 250;
    private static readonly FieldPath Spec = FieldPath.Of("spec");

    public static void Ingress(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (spec.Arr("rules") is not { Count: > 0 } && !spec.Has("defaultBackend"))
            errors.Invalid(Spec, spec["rules"], "either `defaultBackend` or `rules` must be specified");
        if (spec.Obj("defaultBackend") is { } backend)
            Backend(errors, backend, Spec.Child("defaultBackend"));
        var index = 0;
        foreach (var rule in spec.Items("rules"))
            Rule(errors, rule, Spec.Child("rules").Index(index++));
        Tls(errors, spec, Spec.Child("tls"));
        if (spec.StrOrNull("ingressClassName") is { } name)
            Checks.Name(errors, Spec.Child("ingressClassName"), name, NameChecks.DnsSubdomain);
        if (old is null && spec.StrOrNull("ingressClassName") is { } wanted && value.Meta().Obj("annotations").StrOrNull(ClassAnnotation) is { } annotated && annotated != wanted)
            errors.Invalid(FieldPath.Of("annotations").Child(ClassAnnotation), annotated, "must match `ingressClassName` when both are specified");
    }

    public static void IngressStatus(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var index = 0;
        foreach (var ingress in value.Obj("status", "loadBalancer").Items("ingress"))
        {
            var path = FieldPath.Of("status").Child("loadBalancer", "ingress").Index(index++);
            Checks.OptionalName(errors, ingress, path, "ip", NameChecks.Address);
            Hostname(errors, ingress, path);
        }
    }

    /// <summary>The name that a load balancer goes by.</summary>
    public static void Hostname(FieldErrors errors, JsonObject ingress, FieldPath field)
    {
        Checks.OptionalName(errors, ingress, field, "hostname", NameChecks.DnsSubdomain);
        if (ingress.Str("hostname") is { Length: > 0 } name && AddressFormats.IsAddress(name))
            errors.Invalid(field.Child("hostname"), name, "must be a DNS name, not an IP address");
    }

    public static void Class(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        var spec = value.Obj("spec") ?? [];
        if (old is not null)
            Checks.Immutable(errors, spec["controller"], old.Obj("spec")?["controller"], Spec.Child("controller"));
        if (spec.Str("controller").Length > MaxControllerLength)
            errors.TooLong(Spec.Child("controller"), MaxControllerLength);
        Checks.DomainPrefixedPath(errors, Spec.Child("controller"), spec.Str("controller"));
        if (spec.Obj("parameters") is { } parameters)
            Parameters(errors, parameters, Spec.Child("parameters"));
    }

    private static void Parameters(FieldErrors errors, JsonObject parameters, FieldPath field)
    {
        Reference(errors, parameters, field);
        switch (parameters.StrOrNull("scope"))
        {
            case null:
                errors.Required(field.Child("scope"), "");
                break;
            case "Namespace":
                if (parameters.StrOrNull("namespace") is not { } ns)
                    errors.Required(field.Child("namespace"), "`parameters.scope` is set to 'Namespace'");
                else
                    Checks.Name(errors, field.Child("namespace"), ns, NameChecks.DnsLabel);
                break;
            case "Cluster":
                if (parameters.Has("namespace"))
                    errors.Forbidden(field.Child("namespace"), "`parameters.scope` is set to 'Cluster'");
                break;
            case var other:
                errors.NotSupported(field.Child("scope"), other, "Cluster", "Namespace");
                break;
        }
    }

    private static void Reference(FieldErrors errors, JsonObject reference, FieldPath field)
    {
        if (reference.StrOrNull("apiGroup") is { } group)
            Checks.Name(errors, field.Child("apiGroup"), group, NameChecks.DnsSubdomain);
        Checks.RequiredName(errors, reference, field, "kind", NameChecks.PathSegment);
        Checks.RequiredName(errors, reference, field, "name", NameChecks.PathSegment);
    }

    private static void Rule(FieldErrors errors, JsonObject rule, FieldPath field)
    {
        if (rule.Str("host") is { Length: > 0 } host)
        {
            if (AddressFormats.IsAddress(host))
                errors.Invalid(field.Child("host"), host, "must be a DNS name, not an IP address");
            Checks.Name(errors, field.Child("host"), host, HostRule(host));
        }
        if (rule.Obj("http") is not { } http)
            return;
        if (http.Arr("paths") is not { Count: > 0 })
            errors.Required(field.Child("http", "paths"), "");
        var index = 0;
        foreach (var path in http.Items("paths"))
            HttpPath(errors, path, field.Child("http", "paths").Index(index++));
    }

    private static void Tls(FieldErrors errors, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var tls in spec.Items("tls"))
        {
            var path = field.Index(index++);
            var i = 0;
            foreach (var host in tls.Strings("hosts"))
                Checks.Name(errors, path.Child("hosts").Index(i++), host, HostRule(host));
            Checks.OptionalName(errors, tls, path, "secretName", NameChecks.DnsSubdomain);
        }
    }

    private static Func<string, IReadOnlyList<string>> HostRule(string host) => host.Contains('*', StringComparison.Ordinal) ? NameFormats.WildcardDns1123Subdomain : NameChecks.DnsSubdomain;

    private static void HttpPath(FieldErrors errors, JsonObject value, FieldPath field)
    {
        if (!value.Has("pathType"))
        {
            errors.Required(field.Child("pathType"), "pathType must be specified");
            return;
        }
        var path = value.Str("path");
        switch (value.Str("pathType"))
        {
            case "Exact" or "Prefix":
                if (!path.StartsWith('/'))
                    errors.Invalid(field.Child("path"), path, "must be an absolute path");
                foreach (var bad in (ReadOnlySpan<string>)["//", "/./", "/../", "%2f", "%2F"])
                {
                    if (path.Contains(bad, StringComparison.Ordinal))
                        errors.Invalid(field.Child("path"), path, $"must not contain '{bad}'");
                }
                foreach (var bad in (ReadOnlySpan<string>)["/..", "/."])
                {
                    if (path.EndsWith(bad, StringComparison.Ordinal))
                        errors.Invalid(field.Child("path"), path, $"cannot end with '{bad}'");
                }
                break;
            case "ImplementationSpecific":
                if (path.Length > 0 && !path.StartsWith('/'))
                    errors.Invalid(field.Child("path"), path, "must be an absolute path");
                break;
            default:
                errors.NotSupported(field.Child("pathType"), value.Str("pathType"), "Exact", "ImplementationSpecific", "Prefix");
                break;
        }
        Backend(errors, value.Obj("backend") ?? [], field.Child("backend"));
    }

    private static void Backend(FieldErrors errors, JsonObject backend, FieldPath field)
    {
        var (service, resource) = (backend.Obj("service"), backend.Obj("resource"));
        if (service is not null && resource is not null)
            errors.Invalid(field, "", "cannot set both resource and service backends");
        else if (resource is not null)
            Reference(errors, resource, field.Child("resource"));
        else if (service is null)
            errors.Invalid(field, "", "resource or service backend is required");
        else
            Service(errors, service, field);
    }

    private static void Service(FieldErrors errors, JsonObject service, FieldPath field)
    {
        Checks.RequiredName(errors, service, field.Child("service"), "name", NameChecks.DnsLabel);
        var port = service.Obj("port");
        var (name, number) = (port.Str("name"), port.Long("number"));
        if (name.Length > 0 && number != 0)
            errors.Invalid(field, "", "cannot set both port name & port number");
        else if (name.Length > 0)
            Checks.Name(errors, field.Child("service", "port", "name"), name, NameChecks.PortName);
        else if (number != 0)
            Checks.PortNumber(errors, field.Child("service", "port", "number"), number);
        else
            errors.Required(field, "port name or number is required");
    }
}
