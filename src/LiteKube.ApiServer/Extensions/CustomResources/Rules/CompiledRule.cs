using System.Text.Json.Nodes;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>One of x-kubernetes-validations, or why it does not compile.</summary>
internal sealed record CompiledRule(JsonObject Source)
{
    private const string TypeName = "selfType";

    /// <summary>Null: there is an <see cref="Error"/>, or the rule is empty.</summary>
    public CelProgram? Program { get; private init; }
    public string? Error { get; private init; }

    /// <summary>messageExpression.</summary>
    public CelProgram? Message { get; private init; }
    public string? MessageError { get; private init; }

    /// <summary>What one evaluation can cost at most.</summary>
    public ulong Cost { get; private init; }
    public ulong MessageCost { get; private init; }

    /// <summary>A transition rule: it runs only where there is an old value, unless it is ready for none.</summary>
    public bool UsesOldSelf { get; private init; }
    public bool IsOldSelfOptional { get; private init; }

    /// <summary>Where below the schema's own place failures are reported; null: at that place.</summary>
    public string? FieldPath { get; private init; }

    /// <summary>How the rule calls itself in messages about it.</summary>
    public string Title => (Source.Str("message") is { Length: > 0 } message ? message : Source.Str("rule")).Trim();

    /// <summary>The type that rules at a schema see; null: it has none that the language could tell.</summary>
    public static CelDeclType? TypeOf(CelSchema shape, bool isResourceRoot) => CelDeclType.FromSchema(shape, TypeName, isResourceRoot);

    public static IReadOnlyList<CompiledRule> All(StructuralSchema schema, CelDeclType type)
    {
        var types = new CelSchemaTypes(type);
        var self = new CelVariable("self", type.Type);
        var plain = CelEnvironment.Kubernetes.With([self, new("oldSelf", type.Type)], types);
        var optional = CelEnvironment.Kubernetes.With([self, new("oldSelf", CelType.Optional(type.Type))], types);
        return [.. schema.Validations.Select(rule => Compile(schema, rule, rule.Bool("optionalOldSelf") ? optional : plain, types))];
    }

    private static CompiledRule Compile(StructuralSchema schema, JsonObject source, CelEnvironment environment, CelSchemaTypes types)
    {
        var result = new CompiledRule(source) { IsOldSelfOptional = source.Bool("optionalOldSelf") };
        if (string.IsNullOrWhiteSpace(source.Str("rule"))) return result;
        var rule = environment.Compile(source.Str("rule"));
        if (rule.Program is not { } program) return result with { Error = "compilation failed: " + rule.IssueText };
        if (!program.OutputType.Equals(CelType.Bool)) return result with { Error = "cel expression must evaluate to a bool" };
        result = result with { Program = program, Cost = program.EstimateCost(types).Max, UsesOldSelf = program.ReferencedNames.Contains("oldSelf") };
        if (source.Str("messageExpression") is { Length: > 0 } text)
        {
            var message = environment.Compile(text);
            if (message.Program is not { } expression) return result with { MessageError = "messageExpression compilation failed: " + message.IssueText };
            if (!expression.OutputType.Equals(CelType.String)) return result with { MessageError = "messageExpression must evaluate to a string" };
            result = result with { Message = expression, MessageCost = expression.EstimateCost(types).Max };
        }
        return source.Str("fieldPath") is { Length: > 0 } path && SchemaFieldPath.Find(path, schema, allowsBrackets: true, out _, out var normalized) is null ? result with { FieldPath = normalized } : result;
    }
}
