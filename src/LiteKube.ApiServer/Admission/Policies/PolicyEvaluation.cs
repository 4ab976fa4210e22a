using LiteKube.ApiServer.Admission.Matching;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>What an expression came to: a value, or an error in Kubernetes' words.</summary>
internal readonly record struct PolicyOutcome(CelValue Value, string? Error)
{
    public bool IsTrue => Error is null && Value is { Kind: CelKind.Bool, AsBool: true };

    /// <summary>A text without the space around it; null: it is none.</summary>
    public string? Text => Error is null && Value.Kind == CelKind.String ? Value.AsString.Trim() : null;
}

/// <summary>Evaluates expressions of one policy for one request and parameter: they share the values of variables and a budget.</summary>
internal sealed class PolicyEvaluation
{
    public const string OutOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";

    private readonly CelActivation _activation;
    private readonly CancellationToken _cancellation;
    private ulong _budget = CelCostLimits.PerRequest;
    private ulong _variableCost;

    public PolicyEvaluation(ExpressionContext context, CelValue? parameter, IReadOnlyList<PolicyVariable> variables, CancellationToken cancellationToken)
    {
        _cancellation = cancellationToken;
        _activation = Variables(context, parameter);
        if (variables.Count == 0) return;
        var values = new CelLazyMap();
        foreach (var variable in variables) values.Add(variable.Name, () => Compute(variable));
        _activation.Set("variables", CelValue.Map(values));
    }

    /// <summary>A request's variables with the parameter.</summary>
    public static CelActivation Variables(ExpressionContext context, CelValue? parameter) => context.Activation().Set("params", parameter ?? CelValue.Null);

    /// <returns>False: the budget ran out.</returns>
    public bool TryEvaluate(PolicyExpression expression, out PolicyOutcome outcome)
    {
        outcome = default;
        if (expression.Program is not { } program)
        {
            outcome = new(default, $"compilation error: {expression.Complaint}");
            return true;
        }
        var result = program.Evaluate(_activation, cancellationToken: _cancellation);
        _cancellation.ThrowIfCancellationRequested();
        var cost = ulong.MaxValue - _variableCost < result.Cost ? ulong.MaxValue : _variableCost + result.Cost;
        _variableCost = 0;
        if (cost > _budget) return false;
        _budget -= cost;
        outcome = result.Error is { } error ? new(default, $"expression '{expression.Text}' resulted in error: {error.Message}") : new(result.Value, null);
        return true;
    }

    private CelValue Compute(PolicyVariable variable)
    {
        if (variable.Expression.Program is not { } program) return CelValue.Error($"composited variable \"{variable.Name}\" fails to compile: {variable.Expression.Complaint}");
        var result = program.Evaluate(_activation, cancellationToken: _cancellation);
        _variableCost = ulong.MaxValue - _variableCost < result.Cost ? ulong.MaxValue : _variableCost + result.Cost;
        return result.Error is { } error ? CelValue.Error($"composited variable \"{variable.Name}\" fails to evaluate: {error.Message}") : result.Value;
    }
}
