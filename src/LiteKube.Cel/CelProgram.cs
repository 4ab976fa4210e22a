using LiteKube.Cel.Checking;
using LiteKube.Cel.Cost;
using LiteKube.Cel.Evaluation;

namespace LiteKube.Cel;

/// <summary>The outcome of a compilation: a program, or what is wrong with the expression.</summary>
public sealed record CelCompilation(CelProgram? Program, IReadOnlyList<CelIssue> Issues)
{
    /// <summary>The issues as Kubernetes shows them after <c>compilation failed: </c>.</summary>
    public string IssueText => CelIssue.Format(Issues);
}

/// <summary>The outcome of an evaluation, and what it cost.</summary>
public readonly record struct CelResult(CelValue Value, ulong Cost)
{
    public CelError? Error => Value.IsError ? Value.AsError : null;
}

/// <summary>A compiled expression: evaluated any number of times, from any thread.</summary>
public sealed class CelProgram
{
    private readonly Expr _root;
    private readonly Node _node;
    private readonly int _localCount;

    internal CelProgram(string expression, Expr root, CelType outputType, Node node, int localCount)
    {
        Expression = expression;
        OutputType = outputType;
        _root = root;
        _node = node;
        _localCount = localCount;
        var names = new HashSet<string>(StringComparer.Ordinal);
        LiteralValidators.Walk(root, expr =>
        {
            if (expr is IdentExpr { Variable: { Constant: null, IsLocal: false } ident })
                names.Add(ident.Name);
            else if (expr is SelectExpr { Variable: { Constant: null } select })
                names.Add(select.Name);
        });
        ReferencedNames = names;
    }

    public string Expression { get; }

    /// <summary>The type that the checker found.</summary>
    public CelType OutputType { get; }

    /// <summary>The names that the expression reads; a rule that reads <c>oldSelf</c> is a transition rule.</summary>
    public IReadOnlySet<string> ReferencedNames { get; }

    /// <summary>Whether the expression reads this field of this variable: <c>variable.field</c> or <c>variable.?field</c>.</summary>
    public bool SelectsField(string variable, string field)
    {
        var found = false;
        LiteralValidators.Walk(_root, expr => found |= expr switch
        {
            SelectExpr { Operand: IdentExpr operand } select => operand.Name == variable && select.Field == field,
            CallExpr { Function: "_?._", Target: null, Args: [IdentExpr operand, LiteralExpr { Value.Kind: CelKind.String } name] } => operand.Name == variable && name.Value.AsString == field,
            _ => false,
        });
        return found;
    }

    /// <summary>The cost that an evaluation can have, given the sizes that data can have.</summary>
    public CelCostEstimate EstimateCost(ICelSizeEstimator? sizes = null) => new CostEstimator(sizes).Estimate(_root);

    /// <summary>Evaluates the expression. Errors come as the result's value; nothing is thrown.</summary>
    public CelResult Evaluate(CelActivation activation, ulong costLimit = CelCostLimits.PerCall, CancellationToken cancellationToken = default)
    {
        var frame = new EvalFrame(activation, _localCount, costLimit, cancellationToken);
        var outer = WorkLimit.Begin();
        try
        {
            return new(_node.Eval(frame), frame.Cost);
        }
        catch (EvaluationAborted aborted)
        {
            return new(CelValue.Error(aborted.Error), frame.Cost);
        }
        finally
        {
            WorkLimit.End(outer);
        }
    }
}
