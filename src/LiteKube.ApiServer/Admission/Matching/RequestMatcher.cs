using System.Text.Json.Nodes;
using LiteKube.Apis.Selectors;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>
/// Whether a webhook or policy is about a request: rules, then selectors of namespaces and objects
/// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules).
/// </summary>
internal sealed class RequestMatcher
{
    private readonly ResourceRule[] _rules;
    private readonly ResourceRule[] _excluded;
    private readonly bool _matchesWithoutRules;
    private readonly bool _isEquivalent;
    private readonly LabelSelector? _namespaces;
    private readonly LabelSelector? _objects;
    private readonly string? _selectorComplaint;

    private RequestMatcher(JsonObject value, ResourceRule[] rules, ResourceRule[] excluded, bool matchesWithoutRules)
    {
        (_rules, _excluded, _matchesWithoutRules) = (rules, excluded, matchesWithoutRules);
        _isEquivalent = value.Str("matchPolicy") is "Equivalent";
        try
        {
            _namespaces = Selector(value, "namespaceSelector");
            _objects = Selector(value, "objectSelector");
        }
        catch (FormatException exception)
        {
            // Selectors that validation let through once may be wrong by today's rules: requests that match are told.
            _selectorComplaint = exception.Message;
        }
    }

    /// <param name="webhook">A webhook of a configuration.</param>
    public static RequestMatcher OfWebhook(JsonObject webhook) => new(webhook, ResourceRule.ReadAll(webhook, "rules"), [], matchesWithoutRules: false);

    /// <param name="constraints">A policy's matchConstraints or a binding's matchResources; without rules they match every resource.</param>
    public static RequestMatcher OfPolicy(JsonObject constraints) =>
        new(constraints, ResourceRule.ReadAll(constraints, "resourceRules"), ResourceRule.ReadAll(constraints, "excludeResourceRules"), matchesWithoutRules: true);

    /// <returns>Null: the request is none of its business. Otherwise the version that it wants to see.</returns>
    /// <exception cref="ApiException">It cannot be told: the namespace is not there (404), a selector is wrong (500).</exception>
    public MatchedVersion? Match(AdmissionAttributes attributes, IObjectReader objects)
    {
        if (_excluded.Length > 0 && Find(_excluded, attributes) is not null) return null;
        var found = _rules.Length == 0 && _matchesWithoutRules ? MatchedVersion.OfRequest(attributes) : Find(_rules, attributes);
        if (found is null) return null;
        if (_selectorComplaint is not null) throw ApiException.Internal(_selectorComplaint);
        return MatchesObject(attributes) && MatchesNamespace(attributes, objects) ? found : null;
    }

    /// <summary>The request's own version first, whatever the order of the rules.</summary>
    private MatchedVersion? Find(ResourceRule[] rules, AdmissionAttributes attributes)
    {
        foreach (var rule in rules)
        {
            if (rule.Matches(attributes, attributes.RequestResource)) return MatchedVersion.OfRequest(attributes);
        }
        if (!_isEquivalent || attributes.Served is not { Siblings.Count: > 1 } served) return null;
        foreach (var rule in rules)
        {
            foreach (var other in served.Siblings)
            {
                if (other.Info.Resource == attributes.RequestResource || !Serves(other, attributes.Request.Subresource) || !rule.Matches(attributes, other.Info.Resource)) continue;
                return new(other.Info.Resource, AdmissionAttributes.KindOf(other.Info, attributes.Request.Subresource), other);
            }
        }
        return null;
    }

    private static bool Serves(ServedResource resource, string subresource) => subresource.Length == 0 || resource.Info.Subresources.Any(s => s.Name == subresource);

    private bool MatchesObject(AdmissionAttributes attributes) =>
        _objects is null || MatchesObject(_objects, attributes.Object) || MatchesObject(_objects, attributes.OldObject);

    /// <summary>What has no metadata (the options of a connect) has no labels that could match.</summary>
    private static bool MatchesObject(LabelSelector selector, JsonObject? value) => value.Meta() is not null && selector.Matches(value.Labels());

    private bool MatchesNamespace(AdmissionAttributes attributes, IObjectReader objects)
    {
        // Objects outside of namespaces are never exempt, unless they are namespaces.
        if (_namespaces is null || attributes.Namespace.Length == 0 && !attributes.IsNamespace) return true;
        return _namespaces.Matches(NamespaceLabels(attributes, objects));
    }

    private static Dictionary<string, string> NamespaceLabels(AdmissionAttributes attributes, IObjectReader objects)
    {
        // The stored namespace is not yet what the request makes of it.
        if (attributes.IsNamespace && attributes.Request.Subresource.Length == 0 && attributes.Operation is AdmissionOperation.Create or AdmissionOperation.Update) return attributes.Object.Labels();
        var stored = objects.Get(CoreResources.Namespaces, "", attributes.Namespace) ?? throw ApiException.NotFound(CoreResources.Namespaces, attributes.Namespace);
        return stored.Labels();
    }

    /// <summary>Null: it selects everything.</summary>
    private static LabelSelector? Selector(JsonObject value, string field)
    {
        if (value.Obj(field) is not { Count: > 0 } selector) return null;
        var parsed = LabelSelector.FromJson(selector);
        return parsed.IsEverything ? null : parsed;
    }
}
