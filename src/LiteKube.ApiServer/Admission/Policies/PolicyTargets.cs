using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>One policy that is to judge a request, by one binding and one parameter.</summary>
/// <param name="Version">In which the policy sees the objects.</param>
internal readonly record struct PolicyInvocation<TPolicy>(TPolicy Policy, PolicyBinding Binding, MatchedVersion Version, JsonObject? Parameter)
    where TPolicy : AdmissionPolicy
{
    /// <summary>Null where there is none; it reads as null then.</summary>
    public CelValue? ParameterValue => Parameter is null ? null : CelJson.FromJson(Parameter);
}

/// <summary>A policy that could not be followed, or that did not let a request pass.</summary>
/// <param name="Order">The place of the invocation that it stands for, or stands before: the first failure is the one that is told.</param>
internal readonly record struct PolicyFailure(int Order, AdmissionPolicy Policy, PolicyBinding? Binding, string Message, string Reason = "");

/// <summary>Finds out which policies are about a request.</summary>
internal sealed class PolicyTargets(IObjectReader objects, IAuthorizer authorizer, PolicyParameters parameters)
{
    /// <param name="failures">Gets what is wrong with policies whose failures count.</param>
    public async ValueTask<List<PolicyInvocation<TPolicy>>> FindAsync<TPolicy>(IReadOnlyList<PolicyHook<TPolicy>> hooks, AdmissionAttributes attributes, List<PolicyFailure> failures, CancellationToken cancellationToken)
        where TPolicy : AdmissionPolicy
    {
        var found = new List<PolicyInvocation<TPolicy>>();
        foreach (var (policy, bindings) in hooks)
        {
            MatchedVersion version;
            ServedResource? kind;
            try
            {
                if (policy.Matcher.Match(attributes, objects) is not { } matched) continue;
                version = matched;
                kind = parameters.ResourceOf(policy);
            }
            catch (Exception exception) when (exception is PolicyConfigurationException or ApiException)
            {
                if (!policy.IgnoresFailures) failures.Add(new(found.Count, policy, null, $"failed to configure policy: {exception.Message}"));
                continue;
            }
            foreach (var binding in bindings)
            {
                try
                {
                    if (binding.Matcher is not null && binding.Matcher.Match(attributes, objects) is null) continue;
                    foreach (var parameter in await parameters.FindAsync(kind, binding, attributes.Namespace, cancellationToken)) found.Add(new(policy, binding, version, parameter));
                }
                catch (Exception exception) when (exception is PolicyConfigurationException or ApiException)
                {
                    if (!policy.IgnoresFailures) failures.Add(new(found.Count, policy, binding, $"failed to configure binding: {exception.Message}"));
                }
            }
        }
        return found;
    }

    /// <summary>The namespace of a request; null: it has none.</summary>
    /// <exception cref="ApiException">404: it is not there.</exception>
    public JsonObject? NamespaceOf(AdmissionAttributes attributes)
    {
        if (attributes.IsNamespace || attributes.Namespace.Length == 0) return null;
        return objects.Get(CoreResources.Namespaces, "", attributes.Namespace) ?? throw ApiException.NotFound(CoreResources.Namespaces, attributes.Namespace);
    }

    /// <summary>The request's objects in a version, as expressions see them.</summary>
    /// <param name="value">The new object in that version.</param>
    public async ValueTask<PolicyView> ViewAsync(AdmissionAttributes attributes, MatchedVersion version, JsonObject? value, JsonObject? ns, CancellationToken cancellationToken)
    {
        var old = await version.ShowAsync(attributes, attributes.OldObject, cancellationToken);
        return new(
            new ExpressionContext(attributes, version, value, old, null, authorizer),
            new ExpressionContext(attributes, version, value, old, ns, authorizer));
    }

    /// <summary>Whether a policy's match conditions are met.</summary>
    /// <param name="error">Set: they cannot tell, and that counts as a failure.</param>
    public static bool Meets(AdmissionPolicy policy, PolicyView view, CelValue? parameter, out string? error, CancellationToken cancellationToken)
    {
        error = null;
        if (policy.Conditions.IsEmpty) return true;
        var outcome = policy.Conditions.Evaluate(PolicyEvaluation.Variables(view.Conditions, parameter), cancellationToken);
        error = outcome.Error;
        return outcome.Matches;
    }
}

/// <summary>What expressions of policies see of a request in one version.</summary>
/// <param name="Conditions">For match conditions, to which Kubernetes does not show the namespace.</param>
internal sealed record PolicyView(ExpressionContext Conditions, ExpressionContext Rules);
