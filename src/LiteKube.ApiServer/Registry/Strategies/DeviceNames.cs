using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>resource.k8s.io: names, taints, tolerations and what else devices and their requests have in common.</summary>
internal static partial class DeviceNames
{
    private const int MaxPoolLength = 253;
    private const int MaxIdLength = 32;
    private const int MaxTolerations = 16;
    private const int MaxBindingConditions = 4;

    /// <summary>Subdomains with slashes between them.</summary>
    public static void Pool(FieldErrors errors, string name, FieldPath field)
    {
        if (name.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        if (name.Length > MaxPoolLength)
            errors.TooLong(field, MaxPoolLength);
        foreach (var part in name.Split('/'))
            Checks.Name(errors, field, part, NameChecks.DnsSubdomain);
    }

    /// <summary>domain/identifier, as constraints name attributes.</summary>
    public static void FullyQualified(FieldErrors errors, string name, FieldPath field)
    {
        Qualified(errors, name, field);
        if (!name.Contains('/', StringComparison.Ordinal))
            errors.Invalid(field, name, "a fully qualified name must be a domain and a name separated by a slash");
    }

    /// <summary>[domain/]identifier.</summary>
    public static void Qualified(FieldErrors errors, string name, FieldPath field)
    {
        var parts = name.Split('/');
        if (parts.Length > 2)
        {
            errors.Invalid(field, name, "must not contain more than one slash");
            return;
        }
        if (parts.Length == 2 && parts[0].Length == 0)
            errors.Invalid(field, "", "the domain must not be empty");
        else if (parts.Length == 2)
            VolumeSourceValidation.DriverName(errors, field, parts[0]);
        if (parts.Length == 2 && parts[1].Length == 0)
            errors.Invalid(field, "", "the name must not be empty");
        else
            Identifier(errors, parts[^1], field);
    }

    public static void Taint(FieldErrors errors, JsonObject taint, JsonObject? old, FieldPath field)
    {
        Checks.Name(errors, field.Child("key"), taint.Str("key"), NameChecks.QualifiedName);
        if (taint.Str("value").Length > 0)
            Checks.Name(errors, field.Child("value"), taint.Str("value"), NameChecks.LabelValue);
        if (old is null || old.Str("effect") != taint.Str("effect"))
            Checks.OneOf(errors, taint, field, "effect", isRequired: true, "NoExecute", "NoSchedule", "None");
    }

    public static void Tolerations(FieldErrors errors, JsonObject value, FieldPath field)
    {
        if (Checks.TooMany(errors, value, "tolerations", field, MaxTolerations))
            return;
        var index = 0;
        foreach (var toleration in value.Items("tolerations"))
        {
            var path = field.Index(index++);
            Checks.OptionalName(errors, toleration, path, "key", NameChecks.QualifiedName);
            switch (toleration.Str("operator"))
            {
                case "Exists":
                    if (toleration.Str("value").Length > 0)
                        errors.Invalid(path.Child("value"), toleration.Str("value"), "must be empty for operator `Exists`");
                    break;
                case "Equal":
                    Checks.Name(errors, path.Child("value"), toleration.Str("value"), NameChecks.LabelValue);
                    break;
                case "":
                    errors.Required(path.Child("operator"), "");
                    break;
                case var other:
                    errors.NotSupported(path.Child("operator"), other, "Equal", "Exists");
                    break;
            }
            Checks.OneOf(errors, toleration, path, "effect", isRequired: false, "NoExecute", "NoSchedule", "None");
        }
    }

    /// <summary>The conditions that a device must have, and must not have, before a pod is bound to it.</summary>
    public static void Binding(FieldErrors errors, JsonObject value, FieldPath field)
    {
        foreach (var list in (ReadOnlySpan<string>)["bindingConditions", "bindingFailureConditions"])
        {
            if (Checks.TooMany(errors, value, list, field.Child(list), MaxBindingConditions))
                continue;
            var index = 0;
            foreach (var condition in value.Strings(list))
                Checks.Name(errors, field.Child(list).Index(index++), condition, NameChecks.QualifiedName);
        }
        var (wanted, failing) = (value.Strings("bindingConditions").ToList(), value.Strings("bindingFailureConditions").ToList());
        Distinct(errors, wanted, field.Child("bindingConditions"));
        Distinct(errors, failing, field.Child("bindingFailureConditions"));
        for (var i = 0; i < failing.Count; i++)
        {
            if (wanted.Contains(failing[i]))
                errors.Invalid(field.Child("bindingFailureConditions").Index(i), failing[i], "bindingFailureConditions must not overlap with bindingConditions");
        }
        if (wanted.Count == 0 && failing.Count > 0)
            errors.Invalid(field.Child("bindingConditions"), value["bindingConditions"], "bindingConditions are required to use bindingFailureConditions");
        if (failing.Count == 0 && wanted.Count > 0)
            errors.Invalid(field.Child("bindingFailureConditions"), value["bindingFailureConditions"], "bindingFailureConditions are required to use bindingConditions");
    }

    public static void SkippedOperations(FieldErrors errors, JsonObject value, FieldPath field)
    {
        var skipped = value.Strings("skipNodeOperations").ToList();
        if (skipped.Contains("NodePrepareResources") && !skipped.Contains("NodeUnprepareResources") && !skipped.Contains("*"))
            errors.Invalid(field, value["skipNodeOperations"], "NodePrepareResources cannot be skipped unless NodeUnprepareResources is also skipped");
    }

    public static void Uid(FieldErrors errors, string uid, FieldPath field)
    {
        if (!Guid.TryParse(uid, out _))
            errors.Invalid(field, uid, $"error validating uid: invalid UUID {(uid.Length is 32 or 36 or 38 or 45 ? "format" : $"length: {uid.Length}")}");
        else if (!NormalUid().IsMatch(uid))
            errors.Invalid(field, uid, "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters");
    }

    /// <summary>A JSON object of a driver's own.</summary>
    /// <param name="isStored">It was there before the limit was.</param>
    public static void RawObject(FieldErrors errors, JsonNode? value, FieldPath field, int maxBytes, bool isStored = false)
    {
        if (value is null)
            errors.Required(field, "");
        else if (!isStored && System.Text.Encoding.UTF8.GetByteCount(value.ToJsonString()) > maxBytes)
            errors.TooLong(field, maxBytes);
        else if (value is not JsonObject)
            errors.Invalid(field, "<value omitted>", "must be a valid JSON object");
    }

    private static void Distinct(FieldErrors errors, List<string> values, FieldPath field)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < values.Count; i++)
        {
            if (!seen.Add(values[i]))
                errors.Duplicate(field.Index(i), values[i]);
        }
    }

    private static void Identifier(FieldErrors errors, string id, FieldPath field)
    {
        if (id.Length > MaxIdLength)
            errors.TooLong(field, MaxIdLength);
        if (id.Length == 0 || !(char.IsAsciiLetter(id[0]) || id[0] == '_') || id.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_'))
            errors.Invalid(field, id, "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')");
    }

    [GeneratedRegex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    private static partial Regex NormalUid();
}
