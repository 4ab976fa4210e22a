using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Audit;

internal enum AuditLevel
{
    None,
    Metadata,
    Request,
    RequestResponse,
}

[Flags]
internal enum AuditStages
{
    None = 0,
    RequestReceived = 1,
    ResponseStarted = 2,
    ResponseComplete = 4,
    Panic = 8,
}

/// <param name="Omitted">Stages without an event.</param>
internal readonly record struct AuditDecision(AuditLevel Level, AuditStages Omitted, bool OmitsManagedFields);

/// <summary>Which requests are recorded in how much detail: the first rule that matches decides (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy).</summary>
internal sealed class AuditPolicy
{
    private readonly IReadOnlyList<AuditRule> _rules;
    private readonly AuditStages _omitted;
    private readonly bool _omitsManagedFields;

    private AuditPolicy(IReadOnlyList<AuditRule> rules, AuditStages omitted, bool omitsManagedFields) => (_rules, _omitted, _omitsManagedFields) = (rules, omitted, omitsManagedFields);

    /// <exception cref="InvalidDataException">The file cannot be read or is no valid policy; the message says where and why.</exception>
    public static AuditPolicy Load(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the audit policy {path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <param name="text">YAML or JSON.</param>
    /// <exception cref="InvalidDataException">It is no valid policy.</exception>
    public static AuditPolicy Parse(ReadOnlySpan<byte> text)
    {
        JsonObject policy;
        try
        {
            policy = ObjectDecoder.ParseYaml(text) as JsonObject ?? throw new InvalidDataException("it is no object");
        }
        catch (DecodeException exception)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
        if (policy.Str("apiVersion") != "audit.k8s.io/v1" || policy.Str("kind") != "Policy")
            throw new InvalidDataException($"it must be a Policy of audit.k8s.io/v1, and is a \"{policy.Str("kind")}\" of \"{policy.Str("apiVersion")}\"");
        CheckFields(policy, "", "apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields");
        var rules = policy.Items("rules").Select(AuditRule.Read).ToList();
        if (rules.Count == 0)
            throw new InvalidDataException("loaded illegal policy with 0 rules");
        return new(rules, ReadStages(policy, "omitStages"), policy.Bool("omitManagedFields"));
    }

    public AuditDecision Evaluate(UserInfo? user, RequestInfo request)
    {
        foreach (var rule in _rules)
        {
            if (rule.Matches(user, request))
                return new(rule.Level, rule.Omitted | _omitted, rule.OmitsManagedFields ?? _omitsManagedFields);
        }
        return default;
    }

    /// <summary>A field that is misspelt would silently record too little.</summary>
    internal static void CheckFields(JsonObject value, string at, params string[] known)
    {
        foreach (var (field, _) in value)
        {
            if (!known.Contains(field))
                throw new InvalidDataException($"unknown field \"{at}{field}\"");
        }
    }

    internal static AuditStages ReadStages(JsonObject value, string at)
    {
        var stages = AuditStages.None;
        foreach (var name in value.Strings("omitStages"))
        {
            stages |= name switch
            {
                "RequestReceived" => AuditStages.RequestReceived,
                "ResponseStarted" => AuditStages.ResponseStarted,
                "ResponseComplete" => AuditStages.ResponseComplete,
                "Panic" => AuditStages.Panic,
                _ => throw new InvalidDataException($"{at}: invalid value \"{name}\": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic"),
            };
        }
        return stages;
    }
}
