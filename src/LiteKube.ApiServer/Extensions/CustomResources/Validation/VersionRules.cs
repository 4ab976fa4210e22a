using System.Globalization;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>What one of a CRD's versions says beside its schema.</summary>
internal static class VersionRules
{
    private const int MaxSelectableFields = 8;

    private static readonly string[] ColumnTypes = ["boolean", "date", "integer", "number", "string"];
    private static readonly string[] ColumnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

    private static readonly (string Field, string GoName)[] RootFieldsAllowed =
    [
        ("description", "Description"), ("type", "Type"), ("format", "Format"), ("title", "Title"), ("maximum", "Maximum"), ("exclusiveMaximum", "ExclusiveMaximum"), ("minimum", "Minimum"),
        ("exclusiveMinimum", "ExclusiveMinimum"), ("maxLength", "MaxLength"), ("minLength", "MinLength"), ("pattern", "Pattern"), ("maxItems", "MaxItems"), ("minItems", "MinItems"),
        ("uniqueItems", "UniqueItems"), ("multipleOf", "MultipleOf"), ("required", "Required"), ("items", "Items"), ("properties", "Properties"), ("externalDocs", "ExternalDocs"), ("example", "Example"),
        ("x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"), ("x-kubernetes-validations", "XValidations"),
    ];

    /// <summary>With a status subresource, status is validated by its part of the schema alone: nothing at the root may be lost by that.</summary>
    public static void RootFields(DefinitionVersion version, FieldPath path, FieldErrors errors)
    {
        foreach (var (field, _) in version.SchemaSource!)
        {
            if (field == "type" && version.Schema.Type is not ("object" or ""))
            {
                errors.Invalid(path.Child("type"), version.Schema.Type, "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled");
                return;
            }
            if (RootFieldsAllowed.Any(a => a.Field == field)) continue;
            errors.Invalid(path, version.SchemaSource, $"only [{string.Join(' ', RootFieldsAllowed.Select(a => a.GoName))}] fields are allowed at the root of the schema if the status subresource is enabled");
            return;
        }
    }

    public static void Deprecation(DefinitionVersion version, FieldPath path, FieldErrors errors)
    {
        if (version.Value.StrOrNull("deprecationWarning") is not { } warning) return;
        var place = path.Child("deprecationWarning");
        if (!version.IsDeprecated)
        {
            errors.Invalid(place, warning, "can only be set for deprecated versions");
            return;
        }
        if (warning.Length > 256) errors.Invalid(place, warning, "must be <= 256 characters long");
        if (warning.Length == 0) errors.Invalid(place, warning, "must not be an empty string");
        for (var i = 0; i < warning.Length; i++)
        {
            if (!char.IsControl(warning[i]) && !(char.IsWhiteSpace(warning[i]) && warning[i] != ' ')) continue;
            errors.Invalid(place, warning, string.Create(CultureInfo.InvariantCulture, $"must only contain printable UTF-8 characters; non-printable character found at index {i}"));
            return;
        }
    }

    public static void Scale(DefinitionVersion version, FieldPath path, FieldErrors errors)
    {
        if (version.Scale is not { } scale) return;
        Replicas(scale.Str("specReplicasPath"), path.Child("scale.specReplicasPath"), ".spec.", errors);
        Replicas(scale.Str("statusReplicasPath"), path.Child("scale.statusReplicasPath"), ".status.", errors);
        var selector = scale.Str("labelSelectorPath");
        if (selector.Length == 0 || !IsSimplePath(selector, path.Child("scale.labelSelectorPath"), errors)) return;
        if (!selector.StartsWith(".spec.", StringComparison.Ordinal) && !selector.StartsWith(".status.", StringComparison.Ordinal))
            errors.Invalid(path.Child("scale.labelSelectorPath"), selector, "should be a json path under either .spec or .status");
    }

    private static void Replicas(string text, FieldPath path, string prefix, FieldErrors errors)
    {
        if (text.Length == 0) errors.Required(path, "");
        else if (IsSimplePath(text, path, errors) && !text.StartsWith(prefix, StringComparison.Ordinal)) errors.Invalid(path, text, $"should be a json path under {prefix.TrimEnd('.')}");
    }

    private static bool IsSimplePath(string text, FieldPath path, FieldErrors errors)
    {
        if (text.StartsWith('.')) return true;
        errors.Invalid(path, text, "must be a simple json path starting with .");
        return false;
    }

    public static void Columns(DefinitionVersion version, FieldPath path, FieldErrors errors)
    {
        var index = 0;
        foreach (var column in version.Value.Items("additionalPrinterColumns"))
        {
            var place = path.Index(index++);
            var (type, format, jsonPath) = (column.Str("type"), column.Str("format"), column.Str("jsonPath"));
            if (column.Str("name").Length == 0) errors.Required(place.Child("name"), "");
            if (type.Length == 0) errors.Required(place.Child("type"), $"must be one of {string.Join(',', ColumnTypes)}");
            else if (!ColumnTypes.Contains(type)) errors.Invalid(place.Child("type"), type, $"must be one of {string.Join(',', ColumnTypes)}");
            if (format.Length > 0 && !ColumnFormats.Contains(format)) errors.Invalid(place.Child("format"), format, $"must be one of {string.Join(',', ColumnFormats)}");
            if (jsonPath.Length == 0) errors.Required(place.Child("JSONPath"), "");
            else IsSimplePath(jsonPath, place.Child("JSONPath"), errors);
        }
    }

    public static void SelectableFields(DefinitionVersion version, FieldPath path, FieldErrors errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var field in version.Value.Items("selectableFields"))
        {
            var place = path.Index(index++).Child("jsonPath");
            var jsonPath = field.Str("jsonPath");
            if (jsonPath.Length == 0)
            {
                errors.Required(place, "");
                continue;
            }
            if (SchemaFieldPath.Find(jsonPath, version.Schema, allowsBrackets: false, out StructuralSchema found) is { } complaint)
            {
                errors.Invalid(place, jsonPath, $"is an invalid path: {complaint}");
                continue;
            }
            if (jsonPath.Split('.') is ["", "metadata", ..]) errors.Invalid(place, jsonPath, "must not point to fields in metadata");
            if (found.Type is not ("string" or "boolean" or "integer")) errors.Invalid(place, jsonPath, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.");
            if (!seen.Add(jsonPath)) errors.Duplicate(place, jsonPath);
        }
        if (seen.Count > MaxSelectableFields) errors.TooMany(path, seen.Count, MaxSelectableFields);
    }
}
