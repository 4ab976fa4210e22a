using System.Text;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

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
