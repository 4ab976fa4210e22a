using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>
/// Judges values by a schema with the words of Kubernetes' OpenAPI validator (kube-openapi's pkg/validation). On updates
/// what did not change is tolerated (KEP-4008).
/// </summary>
internal static class SchemaValidator
{
    /// <param name="prefix">Where the value stands; null: it is the whole object. Messages name the path below it only, as Kubernetes' do.</param>
    /// <param name="correlation">The old value beside the new one, for updates.</param>
    public static void Validate(StructuralSchema schema, JsonNode? value, FieldPath? prefix, FieldErrors errors, Correlation? correlation = null)
    {
        foreach (var finding in Ratcheted(schema, value, "", correlation).Findings)
            finding.Report(errors, prefix);
    }

    private static SchemaResult Ratcheted(StructuralSchema schema, JsonNode? value, string path, Correlation? correlation)
    {
        var result = Check(schema, value, path, correlation);
        return result.IsValid || correlation is not { IsUnchanged: true } ? result : result.Forgiven();
    }

    private static SchemaResult Check(StructuralSchema schema, JsonNode? value, string path, Correlation? correlation)
    {
        var result = new SchemaResult();
        var format = FormatChecks.Effective(schema);
        var types = TypesOf(schema);
        if (value is null)
        {
            result.Merge(TypeChecks.Check(schema, types, format, value, path));
            CheckEnum(result, schema, value, path);
            return result;
        }
        if (types.Length > 0 || format.Length > 0) result.Pass(TypeChecks.Check(schema, types, format, value, path));
        result.Pass(Junctors(schema, value, path, correlation));
        switch (value)
        {
            case JsonObject o:
                CheckEnum(result, schema, value, path);
                result.Pass(Object(schema, o, path, correlation));
                result.Count++;
                break;
            case JsonArray list:
                result.Pass(List(schema, list, path, correlation));
                CheckEnum(result, schema, value, path);
                result.Count++;
                break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String:
                Text(result, schema, format, scalar.GetValue<string>(), path);
                result.Count++;
                CheckEnum(result, schema, value, path);
                result.Count++;
                break;
            case JsonValue scalar:
                if (scalar.GetValueKind() == JsonValueKind.Number) result.Pass(NumberChecks.Check(schema, types, format, scalar, path));
                CheckEnum(result, schema, value, path);
                result.Count++;
                break;
        }
        result.Count++;
        return result;
    }

    internal static string[] TypesOf(StructuralSchema schema) => schema.IntOrString ? ["integer", "string"] : schema.Type.Length > 0 ? [schema.Type] : [];

    private static void CheckEnum(SchemaResult result, StructuralSchema schema, JsonNode? value, string path)
    {
        if (schema.Enum.Count == 0 || schema.Enum.Any(choice => choice is not null && value is not null && IsSame(choice, value))) return;
        result.Add(new(FindingKind.Enum, path, value, $"{path} in body should be one of {string.Join(' ', schema.Enum.Select(GoValues.Print))}") { Allowed = schema.Enum });
    }

    private static bool IsSame(JsonNode a, JsonNode b) =>
        a is JsonValue x && b is JsonValue y && JsonNumbers.TryNumber(x, out var m) && JsonNumbers.TryNumber(y, out var n) ? m == n : JsonEquality.AreEqual(a, b);

    private static void Text(SchemaResult result, StructuralSchema schema, string format, string text, string path)
    {
        var length = text.EnumerateRunes().Count();
        if (length > schema.MaxLength)
            result.Add(new(FindingKind.TooLong, path, text, Words(path, $"should be at most {schema.MaxLength} chars long")) { Limit = schema.MaxLength.Value });
        else if (length < schema.MinLength)
            result.Add(new(FindingKind.Invalid, path, text, Words(path, $"should be at least {schema.MinLength} chars long")));
        else if (schema.Pattern.Length > 0 && !GoPattern.IsMatch(schema.Pattern, text))
            result.Add(new(FindingKind.Invalid, path, text, $"{path} in body should match '{schema.Pattern}'"));
        if (!FormatChecks.IsText(format)) return;
        result.Count++;
        if (!FormatChecks.Matches(format, text)) result.Add(new(FindingKind.Type, path, text, $"{path} in body must be of type {schema.Format}: {GoValues.Quote(text)}"));
    }

    private static SchemaResult List(StructuralSchema schema, JsonArray list, string path, Correlation? correlation)
    {
        var result = new SchemaResult();
        if (schema.Items is { } items)
        {
            for (var i = 0; i < list.Count; i++)
                result.Merge(Ratcheted(items, list[i], string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), correlation?.Index(i)));
        }
        if (list.Count < schema.MinItems) result.Add(new(FindingKind.Invalid, path, list.Count, Words(path, $"should have at least {schema.MinItems} items")));
        if (list.Count > schema.MaxItems) result.Add(new(FindingKind.TooMany, path, list.Count, Words(path, $"should have at most {schema.MaxItems} items")) { Limit = schema.MaxItems.Value });
        if (schema.UniqueItems && HasDuplicates(list)) result.Add(new(FindingKind.Invalid, path, null, $"{path} in body shouldn't contain duplicates"));
        result.Count++;
        return result;
    }

    private static bool HasDuplicates(JsonArray list)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        return list.Any(element => !seen.Add(element is null ? "null" : Convert.ToBase64String(ObjectWriter.Write(SortedJson.Of(element)))));
    }

    private static SchemaResult Object(StructuralSchema schema, JsonObject value, string path, Correlation? correlation)
    {
        var result = new SchemaResult();
        if (value.Count < schema.MinProperties) result.Add(new(FindingKind.Invalid, path, value.Count, Words(path, $"should have at least {schema.MinProperties} properties")));
        if (value.Count > schema.MaxProperties) result.Add(new(FindingKind.TooMany, path, value.Count, Words(path, $"should have at most {schema.MaxProperties} properties")) { Limit = schema.MaxProperties.Value });
        foreach (var (name, child) in value)
        {
            if (schema.Properties.ContainsKey(name)) continue;
            if (schema.AllowsAdditionalProperties == false) result.Add(new(FindingKind.Invalid, path, name, $"{path}.{name} in body is a forbidden property"));
            else if (schema.AdditionalProperties is { } additional) result.Merge(Ratcheted(additional, child, $"{path}.{name}", correlation?.Key(name)));
        }
        foreach (var (name, property) in schema.Properties)
        {
            if (!value.TryGetPropertyValue(name, out var child)) continue;
            // A changed apiVersion cannot be seen here: both objects are in one version.
            var isTypeMeta = path.Length == 0 && name is "kind" or "apiVersion";
            result.Merge(Ratcheted(property, child, path.Length == 0 ? name : $"{path}.{name}", isTypeMeta ? null : correlation?.Key(name)));
        }
        foreach (var name in schema.Required)
        {
            if (!value.ContainsKey(name)) result.Add(new(FindingKind.Required, $"{path}.{name}", null, $"{path}.{name} in body is required"));
        }
        return result;
    }

    /// <summary>allOf, anyOf, oneOf, not. Of the alternatives that fail, the one that most checks passed for tells what is wrong.</summary>
    private static SchemaResult Junctors(StructuralSchema schema, JsonNode value, string path, Correlation? correlation)
    {
        var result = new SchemaResult { Count = 1 };
        if (schema.AnyOf.Count > 0)
        {
            var tried = schema.AnyOf.Select(s => Check(s, value, path, correlation)).ToList();
            var success = tried.Find(r => r.IsValid);
            if (success is null) result.Add(Plain($"\"{path}\" must validate at least one schema (anyOf)"));
            result.Merge(success ?? Best(tried));
        }
        if (schema.OneOf.Count > 0)
        {
            var tried = schema.OneOf.Select(s => Check(s, value, path, correlation)).ToList();
            var valid = tried.Where(r => r.IsValid).ToList();
            if (valid.Count != 1) result.Add(Plain($"\"{path}\" must validate one and only one schema (oneOf). {(valid.Count == 0 ? "Found none valid" : string.Create(CultureInfo.InvariantCulture, $"Found {valid.Count} valid alternatives"))}"));
            if (valid.Count < 2) result.Merge(valid.Count == 1 ? valid[0] : Best(tried));
        }
        if (schema.AllOf.Count > 0)
        {
            var validated = 0;
            foreach (var part in schema.AllOf)
            {
                var one = Check(part, value, path, correlation);
                if (one.IsValid) validated++;
                result.Merge(one);
            }
            if (validated != schema.AllOf.Count) result.Add(Plain($"\"{path}\" must validate all the schemas (allOf){(validated == 0 ? ". None validated" : "")}"));
        }
        if (schema.Not is { } not && Check(not, value, path, correlation).IsValid) result.Add(Plain($"\"{path}\" must not validate the schema (not)"));
        return result;
    }

    private static SchemaResult Best(List<SchemaResult> tried) => tried.MaxBy(r => r.Count)!;

    internal static Finding Plain(string message) => new(FindingKind.Plain, "", null, message);

    private static string Words(string path, FormattableString rest) => $"{path} in body {rest.ToString(CultureInfo.InvariantCulture)}";
}
