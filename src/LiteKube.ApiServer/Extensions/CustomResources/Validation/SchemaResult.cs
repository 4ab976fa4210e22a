using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

internal enum FindingKind
{
    Required,
    Enum,
    TooLong,
    TooMany,
    Type,
    Invalid,
    /// <summary>It names no field.</summary>
    Plain,
}

/// <summary>One thing that is wrong with a value.</summary>
internal sealed record Finding(FindingKind Kind, string Path, JsonNode? Value, string Message)
{
    public long Limit { get; init; }
    public IReadOnlyList<JsonNode?> Allowed { get; init; } = [];

    public void Report(FieldErrors errors, FieldPath? prefix)
    {
        var name = Path.StartsWith('.') ? Path[1..] : Path;
        var field = name.Length == 0 ? prefix ?? FieldPath.Nil : prefix?.Child(name) ?? FieldPath.Of(name);
        switch (Kind)
        {
            case FindingKind.Required:
                errors.Required(field, "");
                break;
            case FindingKind.Enum:
                errors.Unsupported(field, Value ?? "null", Allowed.Select(a => a is JsonValue v && v.TryGetValue(out string? text) ? text : a?.ToJsonString() ?? "null"));
                break;
            case FindingKind.TooLong:
                errors.TooLong(field, (int)Limit);
                break;
            case FindingKind.TooMany:
                errors.TooMany(field, Value!.GetValue<int>(), (int)Limit);
                break;
            case FindingKind.Type:
                errors.TypeInvalid(field, Value ?? "", Message);
                break;
            case FindingKind.Invalid:
                errors.Invalid(field, Value ?? "", Message);
                break;
            default:
                errors.Invalid(prefix ?? FieldPath.Nil, "", Message);
                break;
        }
    }
}

/// <summary>What the checks of one value found, and how many passed: alternatives are compared by it.</summary>
internal sealed class SchemaResult
{
    private readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Findings => _findings;
    public bool IsValid => _findings.Count == 0;
    public int Count { get; set; }

    public void Add(Finding finding)
    {
        if (!_findings.Exists(f => f.Message == finding.Message)) _findings.Add(finding);
    }

    public void Merge(SchemaResult other)
    {
        foreach (var finding in other._findings) Add(finding);
        Count += other.Count;
    }

    /// <summary>Merges the result of one kind of check.</summary>
    public void Pass(SchemaResult other)
    {
        Merge(other);
        Count++;
    }

    public SchemaResult Forgiven() => new() { Count = Count };
}
