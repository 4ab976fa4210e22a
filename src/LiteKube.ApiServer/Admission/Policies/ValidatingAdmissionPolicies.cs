using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Judges requests by ValidatingAdmissionPolicies.</summary>
internal sealed class ValidatingAdmissionPolicies(PolicySource<ValidatingPolicy> source, PolicyTargets targets) : IAdmissionPlugin
{
    private const string FailuresAnnotation = "validation.policy.admission.k8s.io/validation_failure";

    /// <summary>The most failures that the audit log gets of one request.</summary>
    private const int MaxAuditedFailures = 50;
    private const int MaxAnnotationBytes = 10 * 1024;

    public string Name => "ValidatingAdmissionPolicy";

    public bool Handles(AdmissionOperation operation) => true;

    public ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var hooks = source.Current;
        return hooks.Count == 0 || PolicyExemptions.Contains(attributes) ? ValueTask.CompletedTask : JudgeAsync(hooks, attributes, cancellationToken);
    }

    private async ValueTask JudgeAsync(IReadOnlyList<PolicyHook<ValidatingPolicy>> hooks, AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        var denials = new List<PolicyFailure>();
        var invocations = await targets.FindAsync(hooks, attributes, denials, cancellationToken);
        if (invocations.Count > 0)
        {
            var audit = new PolicyAudit();
            var ns = targets.NamespaceOf(attributes);
            var views = new Dictionary<MatchedVersion, PolicyView>();
            for (var i = 0; i < invocations.Count; i++)
            {
                var (policy, binding, version, _) = invocations[i];
                if (!views.TryGetValue(version, out var view))
                    views[version] = view = await targets.ViewAsync(attributes, version, await version.ShowAsync(attributes, attributes.Object, cancellationToken), ns, cancellationToken);
                var verdict = PolicyVerdict.Of(policy, view, invocations[i].ParameterValue, cancellationToken);
                foreach (var (index, message, reason) in verdict.Denials) Act(binding, new(i, policy, binding, message, reason), index, attributes, denials, audit);
                audit.Annotate(policy.Name, verdict.Annotations);
                // An annotation that cannot be computed denies whatever the binding's actions are.
                foreach (var error in verdict.AnnotationErrors) denials.Add(new(i, policy, binding, error));
            }
            audit.Publish(attributes);
        }
        if (denials.Count > 0) throw Denied(attributes, denials.OrderBy(d => d.Order).First());
    }

    private static void Act(PolicyBinding binding, PolicyFailure failure, int expressionIndex, AdmissionAttributes attributes, List<PolicyFailure> denials, PolicyAudit audit)
    {
        foreach (var action in binding.Actions)
        {
            if (action == "Deny") denials.Add(failure);
            else if (action == "Warn") attributes.Warnings.Add($"Validation failed for ValidatingAdmissionPolicy '{failure.Policy.Name}' with binding '{binding.Name}': {failure.Message}");
            else if (action == "Audit") audit.Failed(failure, binding, expressionIndex);
        }
    }

    private static ApiException Denied(AdmissionAttributes attributes, PolicyFailure denial)
    {
        var by = denial.Binding is { } binding ? $"'{denial.Policy.Name}' with binding '{binding.Name}'" : $"'{denial.Policy.Name}'";
        var reason = denial.Reason.Length == 0 ? "Invalid" : denial.Reason;
        var code = reason switch { "Forbidden" => 403, "Unauthorized" => 401, "RequestEntityTooLarge" => 413, _ => 422 };
        return PolicyDenial.Of(attributes, $"ValidatingAdmissionPolicy {by} denied request: {denial.Message}", code, reason);
    }

    /// <summary>What the audit log is to know of a request.</summary>
    private sealed class PolicyAudit
    {
        private readonly JsonArray _failures = [];
        private readonly Dictionary<string, List<string>> _annotations = new(StringComparer.Ordinal);

        public void Failed(PolicyFailure failure, PolicyBinding binding, int expressionIndex)
        {
            if (_failures.Count == MaxAuditedFailures) return;
            _failures.Add((JsonNode)new JsonObject
            {
                ["message"] = failure.Message,
                ["policy"] = failure.Policy.Name,
                ["binding"] = binding.Name,
                ["expressionIndex"] = expressionIndex,
                ["validationActions"] = new JsonArray([.. binding.Actions.Select(a => (JsonNode)a)]),
            });
        }

        public void Annotate(string policy, IReadOnlyList<(string Key, string Value)> annotations)
        {
            foreach (var (key, value) in annotations)
            {
                var full = $"{policy}/{key}";
                if (!_annotations.TryGetValue(full, out var values)) _annotations[full] = values = [];
                var cut = Cut(value);
                if (!values.Contains(cut)) values.Add(cut);
            }
        }

        public void Publish(AdmissionAttributes attributes)
        {
            foreach (var (key, values) in _annotations) attributes.Annotate(key, string.Join(", ", values));
            if (_failures.Count > 0) attributes.Annotate(FailuresAnnotation, Encoding.UTF8.GetString(ObjectWriter.Write(_failures)));
        }

        private static string Cut(string value)
        {
            if (Encoding.UTF8.GetByteCount(value) <= MaxAnnotationBytes) return value;
            var bytes = Encoding.UTF8.GetBytes(value).AsSpan(0, MaxAnnotationBytes);
            // No half a character.
            return Encoding.UTF8.GetString(bytes).TrimEnd('\ufffd');
        }
    }
}

/// <summary>What one policy says of a request.</summary>
internal sealed class PolicyVerdict
{
    private const int MaxMessageBytes = 5 * 1024;

    private readonly ValidatingPolicy _policy;

    private PolicyVerdict(ValidatingPolicy policy) => _policy = policy;

    /// <summary>The index of the validation, the message and the reason.</summary>
    public List<(int Index, string Message, string Reason)> Denials { get; } = [];
    public List<(string Key, string Value)> Annotations { get; } = [];
    public List<string> AnnotationErrors { get; } = [];

    public static PolicyVerdict Of(ValidatingPolicy policy, PolicyView view, CelValue? parameter, CancellationToken cancellationToken)
    {
        var verdict = new PolicyVerdict(policy);
        if (!PolicyTargets.Meets(policy, view, parameter, out var error, cancellationToken))
        {
            if (error is not null) verdict.Fail(0, error);
            return verdict;
        }
        if (verdict.Validate(view, parameter, cancellationToken)) verdict.Annotate(new PolicyEvaluation(view.Rules, parameter, policy.Variables, cancellationToken));
        return verdict;
    }

    private void Fail(int index, string error)
    {
        if (!_policy.IgnoresFailures) Denials.Add((index, error, ""));
    }

    private bool Validate(PolicyView view, CelValue? parameter, CancellationToken cancellationToken)
    {
        var evaluation = new PolicyEvaluation(view.Rules, parameter, _policy.Variables, cancellationToken);
        // Messages are computed when there is something to say.
        PolicyEvaluation? messages = null;
        for (var i = 0; i < _policy.Validations.Count; i++)
        {
            var validation = _policy.Validations[i];
            if (!evaluation.TryEvaluate(validation.Expression, out var outcome)) return OutOfBudget(PolicyEvaluation.OutOfBudget);
            if (outcome.IsTrue) continue;
            if (outcome.Error is { } error)
            {
                Fail(i, error);
                continue;
            }
            string? message = null;
            if (validation.MessageExpression is { } expression)
            {
                messages ??= new PolicyEvaluation(view.Rules, parameter, _policy.Variables, cancellationToken);
                if (!messages.TryEvaluate(expression, out var text)) return OutOfBudget($"failed messageExpression: {PolicyEvaluation.OutOfBudget}");
                message = text.Text is { Length: > 0 } given && !given.Contains('\n', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(given) <= MaxMessageBytes ? given : null;
            }
            message ??= validation.Message.Length > 0 ? validation.Message : $"failed expression: {validation.Expression.Text.Trim()}";
            Denials.Add((i, message, validation.Reason));
        }
        return true;
    }

    /// <summary>Nothing that was found before counts then.</summary>
    private bool OutOfBudget(string message)
    {
        Denials.Clear();
        Fail(0, message);
        return false;
    }

    private void Annotate(PolicyEvaluation evaluation)
    {
        foreach (var (key, expression) in _policy.AuditAnnotations)
        {
            if (!evaluation.TryEvaluate(expression, out var outcome))
            {
                OutOfBudget(PolicyEvaluation.OutOfBudget);
                Annotations.Clear();
                AnnotationErrors.Clear();
                return;
            }
            if (outcome.Error is { } error)
            {
                if (!_policy.IgnoresFailures) AnnotationErrors.Add(error);
            }
            else if (outcome.Text is { } text)
            {
                if (text.Length > 0) Annotations.Add((key, text));
            }
            else if (outcome.Value.Kind != CelKind.Null)
            {
                AnnotationErrors.Add($"valueExpression '{expression.Text}' resulted in unsupported return type: {outcome.Value.Type}. Return type must be either string or null.");
            }
        }
    }
}

/// <summary>The error that a denied request gets.</summary>
internal static class PolicyDenial
{
    public static ApiException Of(AdmissionAttributes attributes, string message, int code, string reason)
    {
        var details = Details(attributes, out var name);
        details["causes"] = new JsonArray(new JsonObject { ["message"] = message });
        var resource = new Apis.GroupResource(attributes.Request.Group, attributes.Request.Resource);
        return new ApiException(code, reason, $"{resource} \"{name}\" is forbidden: {message}", details);
    }

    /// <summary>The resource and the name of a request, as far as it is known before one is generated.</summary>
    public static JsonObject Details(AdmissionAttributes attributes, out string name)
    {
        var metadata = attributes.Object?["metadata"] as JsonObject;
        name = attributes.Name is { Length: > 0 } given ? given
            : metadata.Str("name") is { Length: > 0 } named ? named
            : metadata.Str("generateName") is { Length: > 0 } generated ? generated : "Unknown";
        var details = new JsonObject { ["name"] = name };
        if (attributes.Request.Group.Length > 0) details["group"] = attributes.Request.Group;
        details["kind"] = attributes.Request.Resource;
        return details;
    }
}
