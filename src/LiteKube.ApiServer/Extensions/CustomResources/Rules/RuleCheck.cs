using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>Judges the rules of a CRD when it is written: whether they compile, and what they can cost.</summary>
internal sealed class RuleCheck(FieldErrors errors)
{
    private const ulong MaxRequestSize = 3 * 1024 * 1024;
    private readonly List<(FieldPath Path, ulong Cost)> _expensive = [];
    private ulong _total;

    public void Run(StructuralSchema schema, FieldPath path)
    {
        Visit(schema, path, 1, null, isResourceRoot: true);
        if (_total <= CelCostLimits.EstimatedDefinition) return;
        foreach (var (place, _) in _expensive.OrderByDescending(e => e.Cost).Take(4))
            errors.Forbidden(place, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
        errors.Forbidden(path, CelCostLimits.ExceededMessage("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", _total, CelCostLimits.EstimatedDefinition));
    }

    /// <param name="cardinality">How often the part can stand in an object; null: nothing bounds it.</param>
    /// <param name="uncorrelated">The list around the part whose elements have no old value.</param>
    private void Visit(StructuralSchema schema, FieldPath path, ulong? cardinality, FieldPath? uncorrelated, bool isResourceRoot)
    {
        var below = cardinality is { } here && Elements(schema) is { } elements ? Multiply(here, elements) : (ulong?)null;
        if (schema.AdditionalProperties is { } additional) Visit(additional, path.Child("additionalProperties"), below, uncorrelated, additional.EmbeddedResource);
        foreach (var (name, property) in schema.Properties) Visit(property, path.Child("properties").Key(name), below, uncorrelated, property.EmbeddedResource);
        if (schema.Items is { } items) Visit(items, path.Child("items"), below, uncorrelated ?? (schema.ListType == "map" ? null : path), items.EmbeddedResource);
        if (schema.Validations.Count == 0) return;
        var rules = path.Child("x-kubernetes-validations");
        if (CelDeclType.FromSchema(CelSchema.FromJson(schema.Source), "selfType", isResourceRoot) is not { } type)
        {
            errors.Internal(rules, "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations");
            return;
        }
        var compiled = CompiledRule.All(schema.Validations, type);
        for (var i = 0; i < compiled.Count; i++) Judge(compiled[i], rules.Index(i), cardinality ?? MaxRequestSize / ((ulong)type.MinSerializedSize + 1), uncorrelated);
    }

    private void Judge(CompiledRule rule, FieldPath path, ulong cardinality, FieldPath? uncorrelated)
    {
        Cost(path.Child("rule"), "estimated rule cost", Multiply(rule.Cost, cardinality));
        if (rule.Error is { } error) errors.Invalid(path.Child("rule"), rule.Source, error);
        if (rule.MessageError is { } messageError) errors.Invalid(path.Child("messageExpression"), rule.Source, messageError);
        else if (rule.Message is not null) Cost(path.Child("messageExpression"), "estimated messageExpression cost", rule.MessageCost);
        if (rule.UsesOldSelf)
        {
            if (uncorrelated is not null) errors.Invalid(path.Child("rule"), rule.Source.Str("rule"), $"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}");
        }
        else if (rule.Source.BoolOrNull("optionalOldSelf") is { } optional)
        {
            errors.Invalid(path.Child("optionalOldSelf"), optional, "may not be set if oldSelf is not used in rule");
        }
    }

    private void Cost(FieldPath path, string what, ulong cost)
    {
        if (cost > CelCostLimits.EstimatedRule) errors.Forbidden(path, CelCostLimits.ExceededMessage(what, cost, CelCostLimits.EstimatedRule));
        _total = ulong.MaxValue - _total < cost ? ulong.MaxValue : _total + cost;
        if (cost >= CelCostLimits.EstimatedDefinition / 100) _expensive.Add((path, cost));
    }

    private static ulong? Elements(StructuralSchema schema) => schema.Type switch
    {
        "object" when schema.AllowsAdditionalProperties is not null => NotNegative(schema.MaxProperties),
        "array" => NotNegative(schema.MaxItems),
        _ => 1,
    };

    private static ulong? NotNegative(long? limit) => limit is { } value ? (ulong)Math.Max(0, value) : null;

    private static ulong Multiply(ulong a, ulong b) => a != 0 && ulong.MaxValue / a < b ? ulong.MaxValue : a * b;
}
