using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Extensions.CustomResources.Rules;

/// <summary>One of x-kubernetes-validations, or why it does not compile.</summary>
internal sealed record CompiledRule(JsonObject Source)
{
    public CelProgram? Program { get; private init; }
    public string? Error { get; private init; }
    public CelProgram? Message { get; private init; }
    public string? MessageError { get; private init; }
    public ulong Cost { get; private init; }
    public ulong MessageCost { get; private init; }
    public bool UsesOldSelf { get; private init; }
    public bool IsOldSelfOptional { get; private init; }

    /// <summary>How the rule calls itself in messages about it.</summary>
    public string Title => (Source.Str("message") is { Length: > 0 } message ? message : Source.Str("rule")).Trim();

    public static IReadOnlyList<CompiledRule> All(IReadOnlyList<JsonObject> rules, CelDeclType type)
    {
        var types = new CelSchemaTypes(type);
        var self = new CelVariable("self", type.Type);
        var plain = CelEnvironment.Kubernetes.With([self, new("oldSelf", type.Type)], types);
        var optional = CelEnvironment.Kubernetes.With([self, new("oldSelf", CelType.Optional(type.Type))], types);
        return [.. rules.Select(rule => Compile(rule, rule.Bool("optionalOldSelf") ? optional : plain, types))];
    }

    private static CompiledRule Compile(JsonObject source, CelEnvironment environment, CelSchemaTypes types)
    {
        var result = new CompiledRule(source) { IsOldSelfOptional = source.Bool("optionalOldSelf") };
        if (string.IsNullOrWhiteSpace(source.Str("rule"))) return result;
        var rule = environment.Compile(source.Str("rule"));
        if (rule.Program is not { } program) return result with { Error = "compilation failed: " + rule.IssueText };
        if (!program.OutputType.Equals(CelType.Bool)) return result with { Error = "cel expression must evaluate to a bool" };
        result = result with { Program = program, Cost = program.EstimateCost(types).Max, UsesOldSelf = program.ReferencedNames.Contains("oldSelf") };
        if (source.Str("messageExpression") is not { Length: > 0 } text) return result;
        var message = environment.Compile(text);
        if (message.Program is not { } expression) return result with { MessageError = "messageExpression compilation failed: " + message.IssueText };
        if (!expression.OutputType.Equals(CelType.String)) return result with { MessageError = "messageExpression must evaluate to a string" };
        return result with { Message = expression, MessageCost = expression.EstimateCost(types).Max };
    }
}
