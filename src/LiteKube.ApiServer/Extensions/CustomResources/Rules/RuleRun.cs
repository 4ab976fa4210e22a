using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>One judgement of one object, which has a budget.</summary>
internal sealed class RuleRun(FieldErrors errors, List<string> warnings, ulong budget)
{
    private const string OutOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";
    private const int MaxMessageBytes = 5 * 1024;

    public ulong Budget { get; private set; } = budget;

    /// <param name="path">Null: the value is the whole object.</param>
    /// <returns>False: nothing more is run.</returns>
    public bool Visit(RuleNode? node, JsonNode? value, JsonNode? old, FieldPath? path, Ratchet ratchet)
    {
        // A null is the surrounding schema's to judge.
        if (node is null || value is null) return true;
        if (!Judge(node, value, old, path, ratchet)) return false;
        return value switch
        {
            JsonObject fields => VisitFields(node, fields, old as JsonObject, path, ratchet),
            JsonArray list when node.Items is { } items => VisitItems(node, items, list, old, path, ratchet),
            _ => true,
        };
    }

    private bool VisitFields(RuleNode node, JsonObject value, JsonObject? old, FieldPath? path, Ratchet ratchet)
    {
        if (node.AdditionalProperties is null && node.Properties.Count == 0) return true;
        foreach (var (name, child) in value)
        {
            var before = old?[name];
            if (node.AdditionalProperties is { } values && !Visit(values, child, before, path?.Key(name) ?? FieldPath.Of($"[{name}]"), ratchet.Key(name))) return false;
            if (node.Properties.TryGetValue(name, out var property) && !Visit(property, child, before, path?.Child(name) ?? FieldPath.Of(name), ratchet.Key(name))) return false;
        }
        return true;
    }

    private bool VisitItems(RuleNode node, RuleNode items, JsonArray value, JsonNode? old, FieldPath? path, Ratchet ratchet)
    {
        // Only elements that have keys can be told to be the same.
        var oldElements = KeyedElements.Of(old, node.Schema);
        for (var i = 0; i < value.Count; i++)
        {
            if (!Visit(items, value[i], oldElements?.Find(value[i]), (path ?? FieldPath.Nil).Index(i), ratchet.Index(i))) return false;
        }
        return true;
    }

    private bool Judge(RuleNode node, JsonNode value, JsonNode? old, FieldPath? path, Ratchet ratchet)
    {
        var place = path ?? FieldPath.Nil;
        if (node.IsUntyped) errors.Invalid(place, node.Schema.Type, "rule compiler initialization error: failed to convert to declType for CEL validation rules");
        if (node.Rules.Count == 0) return true;
        if (Budget == 0) return Stop(place, node, OutOfBudget);
        var values = new RuleValues(node, value, old);
        foreach (var rule in node.Rules)
        {
            if (rule.Error is { } broken) errors.Invalid(place, node.Schema.Type, "rule compile error: " + broken);
            if (rule.Program is not { } program || (rule.UsesOldSelf && old is null && !rule.IsOldSelfOptional)) continue;
            var result = program.Evaluate(rule.IsOldSelfOptional ? values.WithOptional : values.Plain);
            if (!Spend(result.Cost)) return Stop(place, node, OutOfBudget);
            if (result.Error is { Reason: CelErrorReason.CostLimitExceeded } exceeded)
                return Stop(place, node, $"'{exceeded.Message}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.Title}");
            if (result.Error is { } error) errors.Invalid(place, node.Schema.Type, Describe(error, rule));
            else if (result.Value is not { Kind: CelKind.Bool, AsBool: true } && !Fail(node, rule, value, values, path, !rule.UsesOldSelf && ratchet.Tolerates)) return false;
        }
        return true;
    }

    private static string Describe(CelError error, CompiledRule rule) => error.Message.StartsWith("no such overload", StringComparison.Ordinal)
        ? $"'{error.Message}': call arguments did not match a supported operator, function or macro signature for rule: {rule.Title}"
        : $"{error.Message} evaluating rule: {rule.Title}";

    /// <returns>False: nothing more is run.</returns>
    private bool Fail(RuleNode node, CompiledRule rule, JsonNode value, RuleValues values, FieldPath? path, bool isTolerated)
    {
        var place = rule.FieldPath is not { } below ? path ?? FieldPath.Nil : path?.Child(below) ?? FieldPath.Of(below);
        var found = new FieldErrors();
        var goesOn = true;
        string? detail = null;
        if (rule.Message is { } expression)
        {
            var result = expression.Evaluate(values.Plain);
            var refusal = !Spend(result.Cost) ? "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run"
                : result.Error is { Reason: CelErrorReason.CostLimitExceeded } ? $"no further validation rules will be run due to call cost exceeds limit for messageExpression: {GoValues.Quote(expression.Expression)}"
                : null;
            if (refusal is not null) found.Invalid(place, node.Schema.Type, refusal);
            goesOn = refusal is null;
            detail = MessageOf(result.Value);
        }
        if (goesOn) Report(rule, place, node.Schema.Type is "object" or "array" ? null : value, detail ?? DefaultMessage(rule), found);
        if (isTolerated) warnings.Add(found.ToString());
        else errors.AddRange(found);
        return goesOn;
    }

    /// <summary>Null: the expression gave nothing that could be shown.</summary>
    private static string? MessageOf(CelValue value)
    {
        var text = value.Kind == CelKind.String ? value.AsString.Trim() : "";
        return text.Length > 0 && !text.Contains('\n', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(text) <= MaxMessageBytes ? text : null;
    }

    private static string DefaultMessage(CompiledRule rule) => rule.Source.Str("message") is { Length: > 0 } message ? message.Trim() : "failed rule: " + rule.Title;

    /// <param name="value">Null: it is too large to be shown.</param>
    private static void Report(CompiledRule rule, FieldPath place, JsonNode? value, string detail, FieldErrors errors)
    {
        var reason = rule.Source.Str("reason");
        if (reason == "FieldValueForbidden") errors.Forbidden(place, detail);
        else if (reason == "FieldValueRequired") errors.Required(place, detail);
        else if (reason == "FieldValueDuplicate" && value is null) errors.DuplicateOmitted(place);
        else if (reason == "FieldValueDuplicate") errors.Duplicate(place, value);
        else if (value is null) errors.InvalidOmitted(place, detail);
        else errors.Invalid(place, value, detail);
    }

    private bool Spend(ulong cost)
    {
        if (cost > Budget) return false;
        Budget -= cost;
        return true;
    }

    private bool Stop(FieldPath place, RuleNode node, string detail)
    {
        errors.Invalid(place, node.Schema.Type, detail);
        return false;
    }
}

/// <summary>The variables of a node's rules.</summary>
internal sealed class RuleValues
{
    private readonly CelValue _self;
    private readonly CelValue? _oldSelf;
    private CelActivation? _withOptional;

    public RuleValues(RuleNode node, JsonNode value, JsonNode? old)
    {
        _self = CelJson.FromJson(value, node.Shape);
        Plain = new CelActivation().Set("self", _self);
        if (!node.UsesOldSelf || old is null) return;
        _oldSelf = CelJson.FromJson(old, node.Shape);
        Plain.Set("oldSelf", _oldSelf.Value);
    }

    public CelActivation Plain { get; }

    /// <summary>For rules with optionalOldSelf.</summary>
    public CelActivation WithOptional => _withOptional ??= new CelActivation().Set("self", _self).Set("oldSelf", _oldSelf is { } old ? CelValue.OptionalOf(old) : CelValue.OptionalNone);
}
