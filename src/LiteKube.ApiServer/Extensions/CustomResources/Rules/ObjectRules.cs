using System.Text.Json.Nodes;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>
/// x-kubernetes-validations of a schema (KEP-2876,
/// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules).
/// They are compiled when the first object is judged, and from then on shared by all requests.
/// </summary>
internal sealed class ObjectRules
{
    private readonly StructuralSchema _schema;
    private readonly Lazy<RuleNode?> _root;

    private ObjectRules(StructuralSchema schema, bool isResourceRoot)
    {
        _schema = schema;
        _root = new(() => RuleNode.Of(schema, isResourceRoot));
    }

    /// <returns>Null: the schema has no rules, and judging its objects costs nothing.</returns>
    public static ObjectRules? Of(StructuralSchema schema, bool isResourceRoot = true) => schema.HasRules ? new(schema, isResourceRoot) : null;

    /// <summary>Judges a whole object.</summary>
    /// <param name="old">The object that is replaced; null on create.</param>
    /// <param name="warnings">Gets what is wrong with values that the update leaves as they were (KEP-4008).</param>
    public void Validate(JsonObject value, JsonObject? old, FieldErrors errors, List<string> warnings)
    {
        var correlation = old is null ? default : new Ratchet(new Correlation(value, old, _schema), null);
        new RuleRun(errors, warnings, CelCostLimits.PerRequest).Visit(_root.Value, value, old, null, correlation);
    }

    /// <summary>Judges a default.</summary>
    /// <param name="budget">What its rules may cost yet.</param>
    /// <returns>What is left of the budget; null: it ran out.</returns>
    public ulong? ValidateDefault(JsonNode value, JsonNode? old, FieldPath path, FieldErrors errors, ulong budget)
    {
        var run = new RuleRun(errors, [], budget);
        return run.Visit(_root.Value, value, old, path, default) ? run.Budget : null;
    }
}

/// <summary>The place of a value in the object before, by which failures of what did not change are tolerated.</summary>
/// <param name="Current">Null: the value has no counterpart.</param>
/// <param name="Parent">The nearest value around it that has one.</param>
internal readonly record struct Ratchet(Correlation? Current, Correlation? Parent)
{
    public bool Tolerates => (Current ?? Parent) is { IsUnchanged: true };

    /// <summary>Kind and apiVersion are the same for both only because both were converted.</summary>
    public Ratchet Key(string name)
    {
        if (Current is null) return this;
        return Parent is null && name is "apiVersion" or "kind" ? default : new(Current.Key(name), Current);
    }

    public Ratchet Index(int index) => Current is null ? this : new(Current.Index(index), Current);
}
