using System.Text.Json.Nodes;

namespace LiteKube.Apis.Selectors;

/// <summary>A parsed label selector: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k</c> (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/). Immutable.</summary>
public sealed class LabelSelector
{
    private readonly LabelRequirement[] _requirements;
    private readonly bool _isNothing;

    private LabelSelector(IEnumerable<LabelRequirement> requirements, bool isNothing = false)
    {
        // Sorted by key, as Kubernetes prints selectors (and kubectl shows a scale's selector).
        _requirements = [.. requirements.OrderBy(r => r.Key, StringComparer.Ordinal)];
        _isNothing = isNothing;
    }

    public static LabelSelector Everything { get; } = new([]);
    public static LabelSelector Nothing { get; } = new([], isNothing: true);

    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    public static LabelSelector Parse(string text) => new LabelSelectorParser(text).Parse() is { Count: > 0 } requirements ? new(requirements) : Everything;

    /// <summary>From an object's selector; null selects nothing, an empty one everything.</summary>
    /// <exception cref="FormatException">An unknown operator, a bad key or value; in Kubernetes' words.</exception>
    public static LabelSelector From(k8s.Models.V1LabelSelector? selector)
    {
        if (selector is null)
            return Nothing;
        var requirements = (selector.MatchLabels ?? new Dictionary<string, string>()).Select(p => LabelRequirement.Create(p.Key, LabelOperator.In, [p.Value]))
            .Concat((selector.MatchExpressions ?? []).Select(e => LabelRequirement.Create(e.Key, OperatorOf(e.OperatorProperty), e.Values ?? [])))
            .ToList();
        return requirements.Count == 0 ? Everything : new(requirements);
    }

    /// <summary>From an object's selector as JSON, with matchLabels and matchExpressions; null selects nothing, an empty one everything.</summary>
    /// <exception cref="FormatException">An unknown operator, a bad key or value; in Kubernetes' words.</exception>
    public static LabelSelector FromJson(JsonObject? selector)
    {
        if (selector is null)
            return Nothing;
        var labels = (selector["matchLabels"] as JsonObject ?? []).Select(p => LabelRequirement.Create(p.Key, LabelOperator.In, [Text(p.Value)]));
        var expressions = (selector["matchExpressions"] as JsonArray ?? []).OfType<JsonObject>()
            .Select(e => LabelRequirement.Create(Text(e["key"]), OperatorOf(Text(e["operator"])), (e["values"] as JsonArray ?? []).Select(Text)));
        var requirements = labels.Concat(expressions).ToList();
        return requirements.Count == 0 ? Everything : new(requirements);
    }

    /// <summary>From a plain map (Service, ReplicationController): every pair must match.</summary>
    public static LabelSelector From(IEnumerable<KeyValuePair<string, string>> matchLabels) =>
        new(matchLabels.Select(p => new LabelRequirement(p.Key, LabelOperator.In, [p.Value])));

    public bool IsEverything => !_isNothing && _requirements.Length == 0;

    public bool IsNothing => _isNothing;

    /// <summary>All of them must hold; sorted by key.</summary>
    public IReadOnlyList<LabelRequirement> Requirements => _requirements;

    public bool Matches(IReadOnlyDictionary<string, string>? labels)
    {
        foreach (var requirement in _requirements)
        {
            if (!requirement.Matches(labels is not null && labels.TryGetValue(requirement.Key, out var value) ? value : null))
                return false;
        }

        return !_isNothing;
    }

    /// <summary>Same, for the models' property type.</summary>
    public bool Matches(IDictionary<string, string>? labels)
    {
        foreach (var requirement in _requirements)
        {
            if (!requirement.Matches(labels is not null && labels.TryGetValue(requirement.Key, out var value) ? value : null))
                return false;
        }

        return !_isNothing;
    }

    /// <summary>Same; the models' maps are dictionaries, which are both of the above.</summary>
    public bool Matches(Dictionary<string, string>? labels) => Matches((IReadOnlyDictionary<string, string>?)labels);

    /// <summary>Same, for metadata.labels of an object that is a tree.</summary>
    public bool Matches(JsonObject? labels)
    {
        foreach (var requirement in _requirements)
        {
            if (!requirement.Matches(labels is not null && labels.TryGetPropertyValue(requirement.Key, out var value) ? Text(value) : null))
                return false;
        }

        return !_isNothing;
    }

    /// <summary>As Kubernetes prints it: "a=b,c in (d,e)".</summary>
    public override string ToString() => string.Join(',', _requirements.Select(r => r.ToString()));

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    private static LabelOperator OperatorOf(string? name) => name switch
    {
        "In" => LabelOperator.In,
        "NotIn" => LabelOperator.NotIn,
        "Exists" => LabelOperator.Exists,
        "DoesNotExist" => LabelOperator.DoesNotExist,
        _ => throw new FormatException($"{Codec.GoText.Quote(name ?? "")} is not a valid label selector operator"),
    };
}
