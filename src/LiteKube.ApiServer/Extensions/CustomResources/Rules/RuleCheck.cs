using System.Text.Json.Nodes;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>Judges the rules of a CRD when it is written: whether they compile, and what they can cost.</summary>
/// <param name="hasSchemaErrors">Something else is wrong with the schema: rules at or above it are not compiled.</param>
internal sealed class RuleCheck(FieldErrors errors, bool hasSchemaErrors)
{
    private const ulong MaxRequestBytes = 3 * 1024 * 1024;
    private const int MostExpensive = 4;

    private readonly List<(FieldPath Path, ulong Cost)> _expensive = [];
    private ulong _total;

    public void Run(StructuralSchema schema, FieldPath path)
    {
        if (!schema.HasRules) return;
        Visit(schema, path, 1, null, isResourceRoot: true);
        if (_total <= CelCostLimits.EstimatedDefinition) return;
        foreach (var (place, _) in _expensive.OrderByDescending(e => e.Cost).Take(MostExpensive))
            errors.Forbidden(place, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
        errors.Forbidden(path, CelCostLimits.ExceededMessage("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", _total, CelCostLimits.EstimatedDefinition));
    }

    /// <param name="cardinality">How often the part can stand in an object; null: nothing bounds it.</param>
    /// <param name="uncorrelated">The list around the part whose elements have no old value.</param>
    private void Visit(StructuralSchema schema, FieldPath path, ulong? cardinality, FieldPath? uncorrelated, bool isResourceRoot)
    {
        if (!schema.HasRules) return;
        var below = cardinality is { } here && ElementsOf(schema) is { } elements ? Multiply(here, elements) : (ulong?)null;
        if (schema.AdditionalProperties is { } additional) Visit(additional, path.Child("additionalProperties"), below, uncorrelated, additional.EmbeddedResource);
        foreach (var (name, property) in schema.Properties) Visit(property, path.Child("properties").Key(name), below, uncorrelated, property.EmbeddedResource);
        if (schema.Items is { } items) Visit(items, path.Child("items"), below, uncorrelated ?? (schema.ListType == "map" ? null : path), items.EmbeddedResource);
        if (schema.Validations.Count == 0 || (hasSchemaErrors && IsBroken(schema))) return;
        var rules = path.Child("x-kubernetes-validations");
        if (CompiledRule.TypeOf(CelSchema.FromJson(schema.Source), isResourceRoot) is not { } type)
        {
            errors.Internal(rules, "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations");
            return;
        }
        var compiled = CompiledRule.All(schema, type);
        for (var i = 0; i < compiled.Count; i++) Judge(compiled[i], rules.Index(i), cardinality ?? MaxRequestBytes / ((ulong)type.MinSerializedSize + 1), uncorrelated);
    }

    private static bool IsBroken(StructuralSchema schema)
    {
        var found = new FieldErrors();
        SchemaRules.Validate(schema, FieldPath.Nil, found);
        return found.Count > 0;
    }

    private void Judge(CompiledRule rule, FieldPath path, ulong cardinality, FieldPath? uncorrelated)
    {
        Charge(path.Child("rule"), "estimated rule cost", Multiply(rule.Cost, cardinality));
        if (rule.Error is { } error) errors.Invalid(path.Child("rule"), Describe(rule.Source), error);
        if (rule.MessageError is { } messageError) errors.Invalid(path.Child("messageExpression"), Describe(rule.Source), messageError);
        else if (rule.Message is not null) Charge(path.Child("messageExpression"), "estimated messageExpression cost", rule.MessageCost);
        if (rule.UsesOldSelf)
        {
            if (uncorrelated is not null) errors.Invalid(path.Child("rule"), rule.Source.Str("rule"), $"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}");
        }
        else if (rule.Source.BoolOrNull("optionalOldSelf") is { } optional)
        {
            errors.Invalid(path.Child("optionalOldSelf"), optional, "may not be set if oldSelf is not used in rule");
        }
    }

    private void Charge(FieldPath path, string what, ulong cost)
    {
        if (cost > CelCostLimits.EstimatedRule) errors.Forbidden(path, CelCostLimits.ExceededMessage(what, cost, CelCostLimits.EstimatedRule));
        _total = ulong.MaxValue - _total < cost ? ulong.MaxValue : _total + cost;
        // What is less than a hundredth of the limit is not to blame.
        if (cost >= CelCostLimits.EstimatedDefinition / 100) _expensive.Add((path, cost));
    }

    /// <summary>A rule as Kubernetes' internal type prints it.</summary>
    private static JsonObject Describe(JsonObject rule) => new()
    {
        ["Rule"] = rule.Str("rule"),
        ["Message"] = rule.Str("message"),
        ["MessageExpression"] = rule.Str("messageExpression"),
        ["Reason"] = rule.StrOrNull("reason"),
        ["FieldPath"] = rule.Str("fieldPath"),
        ["OptionalOldSelf"] = rule.BoolOrNull("optionalOldSelf"),
    };

    /// <summary>By how much a part multiplies what is in it; null: nothing bounds it.</summary>
    private static ulong? ElementsOf(StructuralSchema schema) => schema.Type switch
    {
        "object" when schema.AllowsAdditionalProperties is not null => NotNegative(schema.MaxProperties),
        "array" => NotNegative(schema.MaxItems),
        _ => 1,
    };

    private static ulong? NotNegative(long? limit) => limit is { } value ? (ulong)Math.Max(0, value) : null;

    private static ulong Multiply(ulong a, ulong b) => a != 0 && ulong.MaxValue / a < b ? ulong.MaxValue : a * b;
}
