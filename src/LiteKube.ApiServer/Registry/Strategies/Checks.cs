using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Checks of single fields that many kinds share, with Kubernetes' texts.</summary>
internal static class Checks
{
    public const string IsNegative = "must be greater than or equal to 0";
    public const string FieldImmutable = "field is immutable";
    public const string BetweenPorts = "must be between 1 and 65535, inclusive";

    public static void Name(FieldErrors errors, FieldPath field, string value, Func<string, string?> rule)
    {
        if (rule(value) is { } complaint)
            errors.Invalid(field, value, complaint);
    }

    /// <summary>False when it is missing, which is an error then.</summary>
    public static bool Required(FieldErrors errors, JsonObject? value, FieldPath parent, string field, string detail = "")
    {
        if (value.Has(field) && !(value!.StrOrNull(field) is { Length: 0 }))
            return true;
        errors.Required(parent.Child(field), detail);
        return false;
    }

    public static void RequiredName(FieldErrors errors, JsonObject? value, FieldPath parent, string field, Func<string, string?> rule)
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
        if (!supported.Contains(text))
            errors.NotSupported(parent.Child(field), text, supported);
    }

    public static void Immutable(FieldErrors errors, JsonNode? value, JsonNode? old, FieldPath field)
    {
        if (!value.SemanticallySameAs(old))
            errors.Invalid(field, value, FieldImmutable);
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

    public static void Address(FieldErrors errors, FieldPath field, string text)
    {
        if (!IsAddress(text))
            errors.Invalid(field, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }

    public static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out var address)
        // "1.2.3" and "010.0.0.1" are addresses to inet_aton only.
        && (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || address.ToString() == text) && !text.Contains('%', StringComparison.Ordinal);

    public static bool IsCidr(string text) => text.Contains('/', StringComparison.Ordinal) && IsAddress(text[..text.IndexOf('/', StringComparison.Ordinal)])
        && int.TryParse(text[(text.IndexOf('/', StringComparison.Ordinal) + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
        && bits <= (text.Contains(':', StringComparison.Ordinal) ? 128 : 32);

    /// <summary>Labels in a map that is no object's metadata: a selector, a template's labels.</summary>
    public static void Labels(FieldErrors errors, JsonObject? labels, FieldPath field)
    {
        foreach (var (key, value) in labels ?? [])
        {
            if (NameChecks.QualifiedName(key) is { } complaint)
                errors.Invalid(field, key, complaint);
            if (NameChecks.LabelValue(JsonFields.AsText(value)) is { } valueComplaint)
                errors.Invalid(field, JsonFields.AsText(value), valueComplaint);
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
            if (NameChecks.QualifiedName(requirement.Str("key")) is { } complaint)
                errors.Invalid(path.Child("key"), requirement.Str("key"), complaint);
            foreach (var value in requirement.Strings("values"))
            {
                if (NameChecks.LabelValue(value) is { } valueComplaint)
                    errors.Invalid(path.Child("values"), value, valueComplaint);
            }
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
