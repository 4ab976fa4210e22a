using System.Collections.Frozen;
using LiteKube.Cel.Checking;
using LiteKube.Cel.Evaluation;
using LiteKube.Cel.Libraries;

namespace LiteKube.Cel;

/// <summary>A name that expressions may use, with its type.</summary>
public sealed record CelVariable(string Name, CelType Type);

/// <summary>
/// What expressions may use: functions, macros, variables and types. Environments do not change; <see cref="With"/> makes a
/// larger one. See https://kubernetes.io/docs/reference/using-api/cel/.
/// </summary>
public sealed class CelEnvironment
{
    private static readonly Lazy<CelEnvironment> LazyKubernetes = new(CreateKubernetes);

    private readonly FrozenDictionary<string, CelFunction> _functions;
    private readonly FrozenDictionary<string, Macro> _macros;
    private readonly FrozenDictionary<string, VariableDeclaration> _identifiers;
    private readonly bool _optionalSyntax;
    private readonly bool _validateLiterals;

    private CelEnvironment(
        FrozenDictionary<string, CelFunction> functions,
        FrozenDictionary<string, Macro> macros,
        FrozenDictionary<string, VariableDeclaration> identifiers,
        ICelTypeProvider typeProvider,
        bool optionalSyntax,
        bool validateLiterals)
    {
        _functions = functions;
        _macros = macros;
        _identifiers = identifiers;
        TypeProvider = typeProvider;
        _optionalSyntax = optionalSyntax;
        _validateLiterals = validateLiterals;
    }

    /// <summary>The language alone, with no library.</summary>
    public static CelEnvironment Standard { get; } = new CelEnvironment(
        FrozenDictionary<string, CelFunction>.Empty,
        FrozenDictionary<string, Macro>.Empty,
        FrozenDictionary<string, VariableDeclaration>.Empty,
        new NoTypes(),
        optionalSyntax: false,
        validateLiterals: true).With(libraries: [StandardLibrary.Create()]);

    /// <summary>The libraries that Kubernetes v1.37 enables everywhere, without any variable.</summary>
    public static CelEnvironment Kubernetes => LazyKubernetes.Value;

    internal ICelTypeProvider TypeProvider { get; }

    /// <summary>For tests that compare run-time costs with those of an evaluator without constant folding.</summary>
    internal bool FoldConstants { get; init; } = true;

    private static CelEnvironment CreateKubernetes() => Standard.With(libraries:
    [
        UrlLibrary.Create(),
        SmallLibraries.Regex(),
        CelAuthorization.Library(),
        OptionalLibrary.Create(),
        QuantityLibrary.Create(),
        StringLibrary.Create(),
        SmallLibraries.Sets(),
        NetworkLibraries.Addresses(),
        NetworkLibraries.Networks(),
        NamedFormat.Library(),
        SmallLibraries.TwoVariableComprehensions(),
        Semver.Library(),
        ListLibraries.Extension(),
        ListLibraries.Kubernetes(),
    ]);

    /// <summary>This environment and more. A type provider replaces the one before; <see cref="CelTypeProviders.Combine"/> joins several.</summary>
    public CelEnvironment With(IEnumerable<CelVariable>? variables = null, ICelTypeProvider? typeProvider = null, IEnumerable<CelLibrary>? libraries = null, bool? validateLiterals = null)
    {
        var functions = _functions;
        var macros = _macros;
        var optionalSyntax = _optionalSyntax;
        var identifiers = new Dictionary<string, VariableDeclaration>(_identifiers, StringComparer.Ordinal);
        if (libraries?.ToList() is { Count: > 0 } added)
        {
            functions = Merge(added);
            macros = _macros.Concat(added.SelectMany(l => l.Macros).Select(m => KeyValuePair.Create(Parser.MacroKey(m.Name, m.ArgCount, m.Receiver), m)))
                .ToFrozenDictionary(StringComparer.Ordinal);
            optionalSyntax |= added.Exists(l => l.OptionalSyntax);
            foreach (var type in added.SelectMany(l => l.Types))
                identifiers[type.Name] = new(type.Name, CelType.TypeOf(type), CelValue.FromType(type));
        }
        foreach (var variable in variables ?? [])
            identifiers[variable.Name] = new(variable.Name, variable.Type);
        return new(functions, macros, identifiers.ToFrozenDictionary(StringComparer.Ordinal), typeProvider ?? TypeProvider, optionalSyntax, validateLiterals ?? _validateLiterals) { FoldConstants = FoldConstants };
    }

    internal CelEnvironment WithoutFolding() => new(_functions, _macros, _identifiers, TypeProvider, _optionalSyntax, _validateLiterals) { FoldConstants = false };

    private FrozenDictionary<string, CelFunction> Merge(List<CelLibrary> libraries)
    {
        var merged = new Dictionary<string, CelFunction>(_functions, StringComparer.Ordinal);
        foreach (var function in libraries.SelectMany(l => l.Functions))
        {
            foreach (var overload in function.Overloads)
                overload.Function = function.Name;
            merged[function.Name] = merged.TryGetValue(function.Name, out var known) ? known with { Overloads = [.. known.Overloads, .. function.Overloads] } : function;
        }
        return merged.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Reads, checks and plans an expression.</summary>
    public CelCompilation Compile(string expression)
    {
        var source = new SourceText(expression);
        var issues = new IssueList(source);
        var root = Parser.Parse(source, issues, _macros, _optionalSyntax);
        if (root is null)
            return new(null, issues.Sorted());
        var type = new Checker(this, issues).Check(root);
        if (issues.Count == 0 && _validateLiterals)
            LiteralValidators.Validate(root, issues);
        if (issues.Count > 0)
            return new(null, issues.Sorted());
        var planner = new Planner(this, FoldConstants);
        var node = planner.Plan(root);
        if (planner.Failure is { } failure)
        {
            var message = $"program instantiation failed: {failure}";
            return new(null, [new(CelLocation.None, message, message)]);
        }
        return new(new CelProgram(expression, root, type, node, planner.LocalCount), []);
    }

    internal CelFunction? FindFunction(string name) => _functions.GetValueOrDefault(name);

    internal VariableDeclaration? FindIdentifier(string name)
    {
        if (_identifiers.TryGetValue(name, out var identifier))
            return identifier;
        return TypeProvider.FindType(name) is { } type ? new(name, CelType.TypeOf(type), CelValue.FromType(type)) : null;
    }

    internal CelType? FindStruct(string name) => TypeProvider.FindType(name) is { Kind: CelTypeKind.Struct } type ? type : null;

    internal CelType? FindField(string typeName, string field) => TypeProvider.FindField(typeName, field);

    private sealed class NoTypes : ICelTypeProvider
    {
        public CelType? FindType(string name) => null;

        public CelType? FindField(string typeName, string field) => null;
    }
}

/// <summary>The libraries that environments do not have unless they are asked for.</summary>
public static class CelLibraries
{
    /// <summary><c>jsonpatch.escapeKey()</c>, for mutating policies.</summary>
    public static CelLibrary JsonPatch { get; } = SmallLibraries.JsonPatch();

    /// <summary><c>cel.bind()</c>, which Kubernetes does not enable.</summary>
    public static CelLibrary Bindings { get; } = SmallLibraries.Bindings();
}
