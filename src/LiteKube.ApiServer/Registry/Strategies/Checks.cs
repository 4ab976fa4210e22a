using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Checks of single fields that many kinds share, with Kubernetes' texts.</summary>
internal static class Checks
{
    public const string IsNegative = "must be greater than or equal to 0";
    public const string FieldImmutable = "field is immutable";
    public const string BetweenPorts = "must be between 1 and 65535, inclusive";

    public static void Name(FieldErrors errors, FieldPath field, string value, Func<string, IReadOnlyList<string>> rule)
    {
        foreach (var complaint in rule(value))
            errors.Invalid(field, value, complaint);
    }

    /// <summary>The same for a field that may be absent or empty.</summary>
    public static void OptionalName(FieldErrors errors, JsonObject? value, FieldPath parent, string field, Func<string, IReadOnlyList<string>> rule)
    {
        if (value.Str(field) is { Length: > 0 } name)
            Name(errors, parent.Child(field), name, rule);
    }

    /// <summary>False when it is missing, which is an error then.</summary>
    public static bool Required(FieldErrors errors, JsonObject? value, FieldPath parent, string field, string detail = "")
    {
        if (value.Has(field) && !(value!.StrOrNull(field) is { Length: 0 }))
            return true;
        errors.Required(parent.Child(field), detail);
        return false;
    }

    public static void RequiredName(FieldErrors errors, JsonObject? value, FieldPath parent, string field, Func<string, IReadOnlyList<string>> rule)
    {
        if (Required(errors, value, parent, field))
            Name(errors, parent.Child(field), value.Str(field), rule);
    }

    public static void NonNegative(FieldErrors errors, JsonObject? value, FieldPath parent, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (value.LongOrNull(field) is { } number && number < 0)
                errors.Invalid(parent.Child(field), number, IsNegative);
        }
    }

    /// <summary>One of the values; absence is an error only when <paramref name="isRequired"/>.</summary>
    public static void OneOf(FieldErrors errors, JsonObject? value, FieldPath parent, string field, bool isRequired, params string[] supported)
    {
        var text = value.Str(field);
        if (text.Length == 0)
        {
            if (isRequired)
                errors.Required(parent.Child(field), "");
            return;
        }
        if (Array.IndexOf(supported, text) < 0)
            errors.NotSupported(parent.Child(field), text, supported);
    }

    public static void Immutable(FieldErrors errors, JsonNode? value, JsonNode? old, FieldPath field)
    {
        if (!value.SemanticallySameAs(old))
            errors.Invalid(field, value, FieldImmutable);
    }

    /// <summary>Whether the list has more than so many elements, which it then says.</summary>
    public static bool TooMany(FieldErrors errors, JsonObject? value, string list, FieldPath field, int max)
    {
        if (value.Arr(list) is not { } items || items.Count <= max)
            return false;
        errors.TooMany(field, items.Count, max);
        return true;
    }

    public static void PortNumber(FieldErrors errors, FieldPath field, long port)
    {
        if (port is < 1 or > 65535)
            errors.Invalid(field, port, BetweenPorts);
    }

    /// <summary>A number or the name of a port.</summary>
    public static void PortNumberOrName(FieldErrors errors, FieldPath field, JsonNode? port)
    {
        if (port is JsonValue value && JsonFields.AsLong(value) is { } number)
        {
            PortNumber(errors, field, number);
            return;
        }
        foreach (var complaint in NameChecks.PortName(JsonFields.AsText(port)))
            errors.Invalid(field, JsonFields.AsText(port), complaint);
    }

    public static void Address(FieldErrors errors, FieldPath field, string text) => Name(errors, field, text, NameChecks.Address);

    public static void Range(FieldErrors errors, FieldPath field, string text) => Name(errors, field, text, NameChecks.Range);

    /// <summary>An address that traffic may be sent to.</summary>
    public static void NotSpecial(FieldErrors errors, FieldPath field, string text)
    {
        foreach (var complaint in AddressFormats.SpecialUses(text))
            errors.Invalid(field, text, complaint);
    }

    /// <summary>acme.io/foo: a subdomain, a slash, a path.</summary>
    public static void DomainPrefixedPath(FieldErrors errors, FieldPath field, string text)
    {
        const string PathCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~%!$&'()*+,;=:";
        if (text.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash == text.Length - 1)
        {
            errors.Invalid(field, text, "must be a domain-prefixed path (such as \"acme.io/foo\")");
            return;
        }
        Name(errors, field, text[..slash], NameChecks.DnsSubdomain);
        if (text.AsSpan(slash + 1).ContainsAnyExcept(PathCharacters))
            errors.Invalid(field, text[(slash + 1)..], "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
    }

    /// <summary>metav1.Condition, as kinds use it that have no condition type of their own.</summary>
    public static void Conditions(FieldErrors errors, JsonObject? status, FieldPath field)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var condition in status.Items("conditions"))
        {
            var path = field.Index(index++);
            var type = condition.Str("type");
            if (!types.Add(type))
                errors.Duplicate(path, type);
            if (type.Length == 0)
                errors.Required(path.Child("type"), "is required");
            else
                Name(errors, path.Child("type"), type, NameChecks.QualifiedName);
            OneOf(errors, condition, path, "status", isRequired: true, "False", "True", "Unknown");
            if (condition.Long("observedGeneration") < 0)
                errors.Invalid(path.Child("observedGeneration"), condition["observedGeneration"], "must be greater than or equal to zero");
            if (condition.Str("lastTransitionTime").Length == 0)
                errors.Required(path.Child("lastTransitionTime"), "");
            ConditionReason(errors, condition, path.Child("reason"));
            if (System.Text.Encoding.UTF8.GetByteCount(condition.Str("message")) > 32 * 1024)
                errors.TooLong(path.Child("message"), 32 * 1024);
        }
    }

    private static void ConditionReason(FieldErrors errors, JsonObject condition, FieldPath field)
    {
        var reason = condition.Str("reason");
        if (reason.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        var isGood = char.IsAsciiLetter(reason[0]) && (char.IsAsciiLetterOrDigit(reason[^1]) || (reason[^1] == '_' && reason.Length > 1));
        foreach (var c in reason)
            isGood &= char.IsAsciiLetterOrDigit(c) || c is '_' or ',' or ':';
        if (!isGood)
            errors.Invalid(field, reason, "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')");
        if (reason.Length > 1024)
            errors.TooLong(field, 1024);
    }

    /// <summary>Labels in a map that is no object's metadata: a selector, a template's labels.</summary>
    public static void Labels(FieldErrors errors, JsonObject? labels, FieldPath field)
    {
        if (labels is null)
            return;
        foreach (var (key, value) in labels)
        {
            Name(errors, field, key, NameChecks.QualifiedName);
            Name(errors, field, JsonFields.AsText(value), NameChecks.LabelValue);
        }
    }

    public static void LabelSelector(FieldErrors errors, JsonObject? selector, FieldPath field)
    {
        if (selector is null)
            return;
        Labels(errors, selector.Obj("matchLabels"), field.Child("matchLabels"));
        var index = 0;
        foreach (var requirement in selector.Items("matchExpressions"))
        {
            var path = field.Child("matchExpressions").Index(index++);
            switch (requirement.Str("operator"))
            {
                case "In" or "NotIn":
                    if (!requirement.Strings("values").Any())
                        errors.Required(path.Child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
                    break;
                case "Exists" or "DoesNotExist":
                    if (requirement.Strings("values").Any())
                        errors.Forbidden(path.Child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                    break;
                default:
                    errors.Invalid(path.Child("operator"), requirement.Str("operator"), "not a valid selector operator");
                    break;
            }
            Name(errors, path.Child("key"), requirement.Str("key"), NameChecks.QualifiedName);
            var valueIndex = 0;
            foreach (var value in requirement.Strings("values"))
                Name(errors, path.Child("values").Index(valueIndex++), value, NameChecks.LabelValue);
        }
    }

    public static bool IsEmptySelector(JsonObject? selector) => selector is null || (selector.Obj("matchLabels") is not { Count: > 0 } && selector.Arr("matchExpressions") is not { Count: > 0 });

    public static void Quantity(FieldErrors errors, FieldPath field, JsonNode? value, out Quantity quantity)
    {
        if (!Apis.Values.Quantity.TryParse(JsonFields.AsText(value), out quantity))
            errors.Invalid(field, value, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
        else if (quantity < Apis.Values.Quantity.Zero)
            errors.Invalid(field, value, IsNegative);
    }

    /// <summary>A count, or a percentage such as "25%".</summary>
    public static void IntOrPercent(FieldErrors errors, FieldPath field, JsonNode? value)
    {
        if (value is JsonValue number && JsonFields.AsLong(number) is { } count)
        {
            if (count < 0)
                errors.Invalid(field, count, IsNegative);
            return;
        }
        var text = JsonFields.AsText(value);
        if (Percent(text) is null)
            errors.Invalid(field, text, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')");
    }

    public static void NotOverHundredPercent(FieldErrors errors, FieldPath field, JsonNode? value)
    {
        if (Percent(JsonFields.AsText(value)) is { } percent && percent > 100)
            errors.Invalid(field, value, "must not be greater than 100%");
    }

    public static bool IsZero(JsonNode? value) => value is JsonValue number && (JsonFields.AsLong(number) == 0 || Percent(JsonFields.AsText(value)) == 0);

    private static int? Percent(string text) =>
        text.EndsWith('%') && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var percent) ? percent : null;
}
