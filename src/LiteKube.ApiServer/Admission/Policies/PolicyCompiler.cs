using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>A compiled expression of a policy, or why it does not compile.</summary>
internal sealed record PolicyExpression(string Text, CelProgram? Program, string? Complaint);

/// <summary>One of spec.variables: evaluated when an expression first reads it.</summary>
internal sealed record PolicyVariable(string Name, PolicyExpression Expression);

/// <summary>Compiles the expressions of one policy. Each of them sees the variables that stand before it.</summary>
internal sealed class PolicyCompiler
{
    private static readonly RequestTypes Requests = new();

    /// <summary>Expressions of messages may not ask the authorizer.</summary>
    private static readonly CelEnvironment WithoutAuthorizer = CelEnvironment.Kubernetes.With(
        [new("object", CelType.Dyn), new("oldObject", CelType.Dyn), new("namespaceObject", RequestTypes.Namespace), new("request", RequestTypes.Request)], Requests);

    private static readonly CelType PatchListType = CelType.List(CelJsonPatch.PatchType);
    private static readonly CelType AppliedType = CelType.Struct(CelMutationObject.RootName);

    private readonly VariableTypes _types = new();
    private readonly List<PolicyVariable> _variables = [];
    private readonly CelEnvironment _rules;
    private readonly CelEnvironment _messages;
    private readonly Lazy<CelEnvironment> _mutations;

    /// <param name="known">The types of the objects, where they are to be checked; without them anything may be read of an object.</param>
    public PolicyCompiler(JsonObject spec, PolicyObjectTypes? known = null)
    {
        CelVariable[] parameters = spec.Has("paramKind") ? [new("params", known?.Parameter ?? CelType.Dyn)] : [];
        CelVariable[] variables = spec.Arr("variables") is { Count: > 0 } ? [.. parameters, new("variables", VariableTypes.Type)] : parameters;
        if (known is not null) variables = [.. variables, new("object", known.Object), new("oldObject", known.Object)];
        var types = known is null ? CelTypeProviders.Combine(Requests, _types) : CelTypeProviders.Combine(Requests, _types, known);
        Conditions = ExpressionContext.Environment.With(parameters);
        _rules = ExpressionContext.Environment.With(variables, types);
        _messages = WithoutAuthorizer.With(variables, types);
        _mutations = new(() => _rules.With(typeProvider: CelTypeProviders.Combine(Requests, _types, CelTypeProviders.Mutation), libraries: [CelLibraries.JsonPatch]));
    }

    /// <summary>For match conditions, which see no variables.</summary>
    public CelEnvironment Conditions { get; }

    /// <summary>Those compiled so far.</summary>
    public IReadOnlyList<PolicyVariable> Variables => _variables;

    public PolicyExpression Variable(string name, string expression)
    {
        var compiled = Compile(_rules, expression, CelType.Dyn);
        _types.Add(name, compiled.Program?.OutputType);
        _variables.Add(new(name, compiled));
        return compiled;
    }

    public PolicyExpression Validation(string expression) => Compile(_rules, expression, CelType.Bool);

    /// <summary>What the checker says of an expression, whatever its type; empty: nothing.</summary>
    public string CheckTypes(string expression) => _rules.Compile(expression).IssueText;

    public PolicyExpression Message(string expression) => Compile(_messages, expression, CelType.String);

    public PolicyExpression AuditAnnotation(string expression) => Compile(_rules, expression, CelType.String, CelType.Null);

    public PolicyExpression ApplyConfiguration(string expression) => Compile(_mutations.Value, expression, AppliedType);

    public PolicyExpression JsonPatch(string expression) => Compile(_mutations.Value, expression, PatchListType);

    private static PolicyExpression Compile(CelEnvironment environment, string expression, params ReadOnlySpan<CelType> results)
    {
        var program = ExpressionContext.Compile(environment, expression, out var complaint, results);
        return new(expression, program, complaint);
    }

    /// <summary>The type of the variable named variables: it grows with each that is compiled.</summary>
    private sealed class VariableTypes : ICelTypeProvider
    {
        public static readonly CelType Type = CelType.Struct("kubernetes.variables");

        private readonly Dictionary<string, CelType> _fields = new(StringComparer.Ordinal);

        public CelType? FindType(string name) => name == Type.Name ? Type : null;

        public CelType? FindField(string typeName, string field) => typeName == Type.Name ? _fields.GetValueOrDefault(field) : null;

        public void Add(string name, CelType? type) => _fields[name] = type is null ? CelType.Dyn : Plain(type);

        /// <summary>Types that Kubernetes does not carry over from one expression to another are dyn.</summary>
        private static CelType Plain(CelType type) => type.Kind switch
        {
            CelTypeKind.List => CelType.List(Plain(type.Parameters[0])),
            CelTypeKind.Map => CelType.Map(Plain(type.Parameters[0]), Plain(type.Parameters[1])),
            CelTypeKind.Struct or CelTypeKind.Opaque or CelTypeKind.Type or CelTypeKind.TypeParam or CelTypeKind.Error => CelType.Dyn,
            _ => type,
        };
    }
}
