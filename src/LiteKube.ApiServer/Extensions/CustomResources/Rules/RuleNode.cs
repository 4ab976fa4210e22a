using LiteKube.Apis.Schema.Structural;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>The compiled rules of a part of a schema and of what is below it; parts without rules have no node.</summary>
internal sealed class RuleNode
{
    private static readonly Dictionary<string, RuleNode> NoProperties = [];

    private RuleNode(StructuralSchema schema) => Schema = schema;

    public StructuralSchema Schema { get; }

    /// <summary>How rules see the data.</summary>
    public required CelSchema Shape { get; init; }
    public required IReadOnlyList<CompiledRule> Rules { get; init; }

    /// <summary>There are rules, and nothing that they could be compiled by.</summary>
    public required bool IsUntyped { get; init; }
    public RuleNode? Items { get; private init; }
    public RuleNode? AdditionalProperties { get; private init; }
    public required IReadOnlyDictionary<string, RuleNode> Properties { get; init; }

    /// <summary>Some rule of this node reads oldSelf.</summary>
    public bool UsesOldSelf { get; private init; }

    /// <param name="isResourceRoot">kind, apiVersion and the name are there whatever the schema says.</param>
    /// <returns>Null: there are no rules.</returns>
    public static RuleNode? Of(StructuralSchema schema, bool isResourceRoot)
    {
        if (!schema.HasRules) return null;
        var shape = CelSchema.FromJson(schema.Source);
        var hasRules = schema.Validations.Count > 0;
        var type = hasRules ? CompiledRule.TypeOf(shape, isResourceRoot) : null;
        IReadOnlyList<CompiledRule> rules = type is null ? [] : CompiledRule.All(schema, type);
        return new RuleNode(schema)
        {
            Shape = isResourceRoot ? shape.WithTypeAndObjectMeta() : shape,
            Rules = rules,
            IsUntyped = hasRules && type is null,
            UsesOldSelf = rules.Any(r => r.UsesOldSelf),
            Items = schema.Items is { } items ? Of(items, items.EmbeddedResource) : null,
            AdditionalProperties = schema.AdditionalProperties is { } values ? Of(values, values.EmbeddedResource) : null,
            Properties = PropertiesOf(schema),
        };
    }

    private static Dictionary<string, RuleNode> PropertiesOf(StructuralSchema schema)
    {
        if (!schema.Properties.Values.Any(p => p.HasRules)) return NoProperties;
        var properties = new Dictionary<string, RuleNode>(StringComparer.Ordinal);
        foreach (var (name, property) in schema.Properties)
        {
            // What has no type the language could tell is left out of it altogether.
            if (property.HasRules && CompiledRule.TypeOf(CelSchema.FromJson(property.Source), property.EmbeddedResource) is not null && Of(property, property.EmbeddedResource) is { } node) properties[name] = node;
        }
        return properties;
    }
}
