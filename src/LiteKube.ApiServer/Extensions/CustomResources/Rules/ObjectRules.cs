using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>Runs rules over an object.</summary>
internal sealed class ObjectRules(RuleNode root) : IObjectRules
{
    public void Validate(JsonObject value, JsonObject? old, FieldErrors errors) =>
        new RuleRun(errors).Visit(root, value, old, null, old is null ? default : new(new Correlation(value, old, root.Schema), null));
}

/// <summary>The place of a value in the object before, by which failures of what did not change are tolerated.</summary>
internal readonly record struct Ratchet(Correlation? Current, Correlation? Parent)
{
    public bool Tolerates => (Current ?? Parent)?.IsUnchanged ?? false;

    /// <summary>Kind and apiVersion are the same for both only because both were converted.</summary>
    public Ratchet Key(string name) => Current is null ? this : Parent is null && name is "apiVersion" or "kind" ? default : new(Current.Key(name), Current);

    public Ratchet Index(int index) => Current is null ? this : new(Current.Index(index), Current);
}

/// <summary>One validation of one object: it has a budget.</summary>
internal sealed class RuleRun(FieldErrors errors)
{
    private const string OutOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";
    private const int MaxMessageBytes = 5 * 1024;
    private ulong _budget = CelCostLimits.PerRequest;

    /// <returns>False: nothing more is run.</returns>
    public bool Visit(RuleNode node, JsonNode? value, JsonNode? old, FieldPath? path, Ratchet ratchet)
    {
        if (value is null) return true;
        if (!RunAll(node, value, old, path ?? FieldPath.Nil, ratchet)) return false;
        foreach (var part in node.AllOf)
        {
            if (!Visit(part, value, old, path, new(null, ratchet.Parent))) return false;
        }
        return value switch
        {
            JsonObject fields => VisitFields(node, fields, old as JsonObject, path, ratchet),
            JsonArray list when node.Items is { } items => VisitItems(node, items, list, old as JsonArray, path ?? FieldPath.Nil, ratchet),
            _ => true,
        };
    }

    private bool VisitFields(RuleNode node, JsonObject value, JsonObject? old, FieldPath? path, Ratchet ratchet)
    {
        foreach (var (name, child) in value)
        {
            var before = old?[name];
            if (node.AdditionalProperties is { } additional && !Visit(additional, child, before, path?.Key(name) ?? FieldPath.Of($"[{name}]"), ratchet.Key(name))) return false;
            if (node.Properties.TryGetValue(name, out var property) && !Visit(property, child, before, path?.Child(name) ?? FieldPath.Of(name), ratchet.Key(name))) return false;
        }
        return true;
    }

    private bool VisitItems(RuleNode node, RuleNode items, JsonArray value, JsonArray? old, FieldPath path, Ratchet ratchet)
    {
        var keys = node.Schema is { ListType: "map" } ? node.Schema.ListMapKeys : [];
        for (var i = 0; i < value.Count; i++)
        {
            var before = keys.Count > 0 && value[i] is JsonObject element
                ? old?.FirstOrDefault(o => o is JsonObject candidate && keys.All(k => element[k] is { } key && JsonEquality.AreEqual(key, candidate[k])))
                : null;
            if (!Visit(items, value[i], before, path.Index(i), ratchet.Index(i))) return false;
        }
        return true;
    }

    private bool RunAll(RuleNode node, JsonNode value, JsonNode? old, FieldPath path, Ratchet ratchet)
    {
        var type = node.Schema.Type;
        if (node.IsUntyped) errors.Invalid(path, type, "rule compiler initialization error: failed to convert to declType for CEL validation rules");
        if (node.Rules.Count == 0) return true;
        if (_budget == 0) return Stop(path, type, OutOfBudget);
        var self = CelJson.FromJson(value, node.Shape);
        foreach (var rule in node.Rules)
        {
            if (rule.Error is { } broken) errors.Invalid(path, type, "rule compile error: " + broken);
            if (rule.Program is not { } program || (rule.UsesOldSelf && old is null && !rule.IsOldSelfOptional)) continue;
            var activation = new CelActivation().Set("self", self);
            if (rule.UsesOldSelf) activation.SetLazy("oldSelf", () => OldSelf(node, rule, old));
            var result = program.Evaluate(activation);
            if (!Spend(result.Cost)) return Stop(path, type, OutOfBudget);
            if (result.Error is { } error)
            {
                if (error.Reason == CelErrorReason.CostLimitExceeded) return Stop(path, type, $"'{error.Message}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.Title}");
                errors.Invalid(path, type, error.Message.StartsWith("no such overload", StringComparison.Ordinal)
                    ? $"'{error.Message}': call arguments did not match a supported operator, function or macro signature for rule: {rule.Title}"
                    : $"{error.Message} evaluating rule: {rule.Title}");
            }
            else if (!(result.Value.Kind == CelKind.Bool && result.Value.AsBool) && !Fail(node, rule, value, activation, path, !rule.UsesOldSelf && ratchet.Tolerates))
            {
                return false;
            }
        }
        return true;
    }

    private static CelValue OldSelf(RuleNode node, CompiledRule rule, JsonNode? old)
    {
        if (old is null) return CelValue.OptionalNone;
        var value = CelJson.FromJson(old, node.Shape);
        return rule.IsOldSelfOptional ? CelValue.OptionalOf(value) : value;
    }

    private bool Fail(RuleNode node, CompiledRule rule, JsonNode value, CelActivation activation, FieldPath path, bool isTolerated)
    {
        // The path stands after a dot whatever it begins with, as upstream.
        var place = rule.Source.Str("fieldPath") is { Length: > 0 } below && path != FieldPath.Nil ? path.Child(below.TrimStart('.')) : rule.Source.Str("fieldPath") is { Length: > 0 } top ? FieldPath.Of(top.TrimStart('.')) : path;
        string? detail = null;
        if (rule.Message is { } expression)
        {
            var result = expression.Evaluate(activation);
            var refusal = !Spend(result.Cost) ? "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run"
                : result.Error is { Reason: CelErrorReason.CostLimitExceeded } ? $"no further validation rules will be run due to call cost exceeds limit for messageExpression: {GoValues.Quote(expression.Expression)}"
                : null;
            if (refusal is not null)
            {
                if (!isTolerated) errors.Invalid(place, node.Schema.Type, refusal);
                return false;
            }
            var text = result.Value.Kind == CelKind.String ? result.Value.AsString.Trim() : "";
            if (text.Length > 0 && !text.Contains('\n', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(text) <= MaxMessageBytes) detail = text;
        }
        if (isTolerated) return true;
        detail ??= rule.Source.Str("message") is { Length: > 0 } message ? message.Trim() : "failed rule: " + rule.Title;
        Report(rule.Source.Str("reason"), place, node.Schema.Type is "object" or "array" ? null : value, detail);
        return true;
    }

    /// <param name="value">Null: it is too large to be shown.</param>
    private void Report(string reason, FieldPath place, JsonNode? value, string detail)
    {
        if (reason == "FieldValueForbidden") errors.Forbidden(place, detail);
        else if (reason == "FieldValueRequired") errors.Required(place, detail);
        else if (reason == "FieldValueDuplicate" && value is null) errors.DuplicateOmitted(place);
        else if (reason == "FieldValueDuplicate") errors.Duplicate(place, value);
        else if (value is null) errors.InvalidOmitted(place, detail);
        else errors.Invalid(place, value, detail);
    }

    private bool Spend(ulong cost)
    {
        if (cost > _budget) return false;
        _budget -= cost;
        return true;
    }

    private bool Stop(FieldPath path, string type, string detail)
    {
        errors.Invalid(path, type, detail);
        return false;
    }
}
