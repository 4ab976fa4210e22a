using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>x-kubernetes-validations (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules).</summary>
internal sealed class RuleCompiler : IRuleCompiler
{
    public IObjectRules? Compile(StructuralSchema schema) => RuleNode.Of(schema, schema, isResourceRoot: true) is { } root ? new ObjectRules(root) : null;

    // What rules an earlier version had makes no difference: all are compiled in one environment, and a schema that did not change is not checked again.
    public void Check(StructuralSchema schema, StructuralSchema? old, FieldPath path, FieldErrors errors) => new RuleCheck(errors).Run(schema, path);
}

/// <summary>The rules of a part of a schema and of what is below it.</summary>
internal sealed class RuleNode
{
    private RuleNode(StructuralSchema schema) => Schema = schema;

    public StructuralSchema Schema { get; }
    public required CelSchema Shape { get; init; }
    public required IReadOnlyList<CompiledRule> Rules { get; init; }
    public required bool IsUntyped { get; init; }
    public RuleNode? Items { get; private init; }
    public RuleNode? AdditionalProperties { get; private init; }
    public required IReadOnlyDictionary<string, RuleNode> Properties { get; init; }
    public required IReadOnlyList<RuleNode> AllOf { get; init; }

    /// <param name="rules">Where the rules stand: the schema itself, or one that an allOf of it adds.</param>
    public static RuleNode? Of(StructuralSchema rules, StructuralSchema schema, bool isResourceRoot)
    {
        var shape = CelSchema.FromJson(schema.Source);
        var type = rules.Validations.Count > 0 ? CelDeclType.FromSchema(shape, "selfType", isResourceRoot) : null;
        var properties = new Dictionary<string, RuleNode>(StringComparer.Ordinal);
        foreach (var (name, property) in rules.Properties)
        {
            if (schema.Properties.TryGetValue(name, out var below) && Of(property, below, below.EmbeddedResource) is { } node) properties[name] = node;
        }
        var result = new RuleNode(schema)
        {
            Shape = isResourceRoot ? shape.WithTypeAndObjectMeta() : shape,
            Rules = type is null ? [] : CompiledRule.All(rules.Validations, type),
            IsUntyped = type is null && rules.Validations.Count > 0,
            Items = rules.Items is { } items && schema.Items is { } elements ? Of(items, elements, elements.EmbeddedResource) : null,
            AdditionalProperties = rules.AdditionalProperties is { } additional && schema.AdditionalProperties is { } values ? Of(additional, values, values.EmbeddedResource) : null,
            Properties = properties,
            AllOf = [.. rules.AllOf.Select(part => Of(part, schema, isResourceRoot)).OfType<RuleNode>()],
        };
        return result.Rules.Count > 0 || result.IsUntyped || result.Items is not null || result.AdditionalProperties is not null || properties.Count > 0 || result.AllOf.Count > 0 ? result : null;
    }
}
