using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>What match conditions say of a request.</summary>
/// <param name="Error">Set: they cannot tell, and the failure policy is Fail.</param>
internal readonly record struct ConditionsOutcome(bool Matches, string? Error = null);

/// <summary>CEL expressions that must all be true for a webhook or policy to be about a request (KEP-3716).</summary>
internal sealed class MatchConditions
{
    private const int MaxConditions = 64;
    private const string OutOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";

    private readonly (string Expression, CelProgram? Program, string? Complaint)[] _conditions;
    private readonly bool _ignoresFailures;

    private MatchConditions((string, CelProgram?, string?)[] conditions, bool ignoresFailures) => (_conditions, _ignoresFailures) = (conditions, ignoresFailures);

    public bool IsEmpty => _conditions.Length == 0;

    /// <param name="holder">What has the fields matchConditions and failurePolicy.</param>
    /// <param name="environment">With the variables that the expressions may use.</param>
    public static MatchConditions Read(JsonObject holder, CelEnvironment environment)
    {
        var conditions = holder.Items("matchConditions").Select(c =>
        {
            var expression = c.Str("expression");
            var program = ExpressionContext.Compile(environment, expression, out var complaint, CelType.Bool);
            return (expression, program, complaint);
        });
        return new([.. conditions], holder.Str("failurePolicy") == "Ignore");
    }

    /// <summary>One that is false decides; an error counts only when none is.</summary>
    public ConditionsOutcome Evaluate(CelActivation activation, CancellationToken cancellationToken)
    {
        var budget = CelCostLimits.MatchConditions;
        var errors = new List<string>();
        foreach (var (expression, program, complaint) in _conditions)
        {
            if (program is null)
            {
                errors.Add($"compilation error: {complaint}");
                continue;
            }
            var result = program.Evaluate(activation, cancellationToken: cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            if (result.Cost > budget) return Failed(OutOfBudget);
            budget -= result.Cost;
            if (result.Error is { } error) errors.Add($"expression '{expression}' resulted in error: {error.Message}");
            else if (!result.Value.AsBool) return new(false);
        }
        return errors.Count == 0 ? new(true) : Failed(errors.Count == 1 ? errors[0] : $"[{string.Join(", ", errors.Distinct(StringComparer.Ordinal))}]");
    }

    private ConditionsOutcome Failed(string error) => _ignoresFailures ? new(false) : new(false, error);

    /// <summary>Validates the conditions of an object that is written.</summary>
    public static void Validate(JsonObject holder, FieldPath path, CelEnvironment environment, FieldErrors errors)
    {
        var conditions = holder.Items("matchConditions").ToList();
        if (conditions.Count > MaxConditions) errors.TooMany(path, conditions.Count, MaxConditions);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < conditions.Count; i++)
        {
            var (at, name, expression) = (path.Index(i), conditions[i].Str("name"), conditions[i].Str("expression").Trim());
            if (expression.Length == 0) errors.Required(at.Child("expression"), "");
            else if (ExpressionContext.Compile(environment, expression, out var complaint, CelType.Bool) is null) errors.Invalid(at.Child("expression"), expression, complaint!);
            if (name.Length == 0)
            {
                errors.Required(at.Child("name"), "");
                continue;
            }
            foreach (var bad in NameFormats.LabelKey(name)) errors.Invalid(at.Child("name"), name, bad);
            if (!names.Add(name)) errors.Duplicate(at.Child("name"), name);
        }
    }
}
