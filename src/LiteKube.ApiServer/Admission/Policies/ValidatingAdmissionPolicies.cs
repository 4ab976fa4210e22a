using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Judges requests by ValidatingAdmissionPolicies.</summary>
internal sealed class ValidatingAdmissionPolicies(PolicySource<ValidatingPolicy> source, PolicyTargets targets) : PolicyPlugin<ValidatingPolicy>(source, targets)
{
    private const string FailuresAnnotation = "validation.policy.admission.k8s.io/validation_failure";

    /// <summary>The most failures that the audit log gets of one request.</summary>
    private const int MaxAuditedFailures = 50;
    private const int MaxAnnotationBytes = 10 * 1024;

    public override string Name => "ValidatingAdmissionPolicy";

    public override ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken) => RunAsync(attributes, cancellationToken);

    protected override async ValueTask FollowAsync(IReadOnlyList<PolicyInvocation<ValidatingPolicy>> invocations, AdmissionAttributes attributes, JsonObject? ns, List<PolicyFailure> failures, CancellationToken cancellationToken)
    {
        var audit = new PolicyAudit();
        var views = new Dictionary<MatchedVersion, PolicyView>();
        for (var i = 0; i < invocations.Count; i++)
        {
            var (policy, binding, version, _) = invocations[i];
            if (!views.TryGetValue(version, out var view))
                views[version] = view = await Targets.ViewAsync(attributes, version, await version.ShowAsync(attributes, attributes.Object, cancellationToken), ns, cancellationToken);
            var verdict = PolicyVerdict.Of(policy, view, invocations[i].ParameterValue, cancellationToken);
            foreach (var (index, message, reason) in verdict.Denials) Act(binding, new(i, policy, binding, message, reason), index, attributes, failures, audit);
            audit.Annotate(policy.Name, verdict.Annotations);
            // An annotation that cannot be computed denies whatever the binding's actions are.
            foreach (var error in verdict.AnnotationErrors) failures.Add(new(i, policy, binding, error));
        }
        audit.Publish(attributes);
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

    protected override ApiException Denied(AdmissionAttributes attributes, IReadOnlyList<PolicyFailure> failures)
    {
        var denial = failures[0];
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
