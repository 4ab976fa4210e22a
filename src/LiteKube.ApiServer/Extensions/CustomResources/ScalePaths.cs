using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Where a custom resource keeps what its scale subresource shows.</summary>
internal sealed class ScalePaths
{
    private readonly string _specPath;
    private readonly string _statusPath;
    private readonly string _selectorPath;

    private ScalePaths(JsonObject scale) => (_specPath, _statusPath, _selectorPath) = (scale.Str("specReplicasPath"), scale.Str("statusReplicasPath"), scale.Str("labelSelectorPath"));

    /// <summary>".spec.replicas".</summary>
    public string SpecPath => _specPath;

    public static ScalePaths? Of(DefinitionVersion version) => version.Scale is { } scale ? new(scale) : null;

    /// <summary>Null: the object says nothing of replicas.</summary>
    /// <exception cref="FormatException">It is no number.</exception>
    public long? SpecReplicas(JsonObject value) => Replicas(value, _specPath);

    /// <exception cref="FormatException">It is no number.</exception>
    public long StatusReplicas(JsonObject value) => Replicas(value, _statusPath) ?? 0;

    /// <exception cref="FormatException">It is no text.</exception>
    public string Selector(JsonObject value)
    {
        if (_selectorPath.Length == 0 || Find(value, _selectorPath, out _) is not { } node) return "";
        return node is JsonValue scalar && scalar.GetValueKind() == JsonValueKind.String ? scalar.GetValue<string>() : throw Mismatch(_selectorPath, node, "string");
    }

    public void SetSpecReplicas(JsonObject value, long replicas)
    {
        var steps = _specPath.TrimStart('.').Split('.');
        var at = value;
        foreach (var step in steps.AsSpan(0, steps.Length - 1)) at = at.GetOrAdd(step);
        at[steps[^1]] = replicas;
    }

    public void ValidateSpec(JsonObject value, FieldErrors errors) => Check(_specPath, errors, () => SpecReplicas(value) ?? 0);

    public void ValidateStatus(JsonObject value, FieldErrors errors)
    {
        Check(_statusPath, errors, () => StatusReplicas(value));
        try
        {
            Selector(value);
        }
        catch (FormatException exception)
        {
            errors.Invalid(FieldPath.Of(_selectorPath), "", exception.Message);
        }
    }

    private static void Check(string path, FieldErrors errors, Func<long> read)
    {
        try
        {
            var replicas = read();
            if (replicas < 0) errors.Invalid(FieldPath.Of(path), replicas, "should be a non-negative integer");
            else if (replicas > int.MaxValue) errors.Invalid(FieldPath.Of(path), replicas, $"should be less than or equal to {int.MaxValue}");
        }
        catch (FormatException exception)
        {
            errors.Invalid(FieldPath.Of(path), 0, exception.Message);
        }
    }

    private static long? Replicas(JsonObject value, string path) => Find(value, path, out var isThere) switch
    {
        null when !isThere => null,
        JsonValue scalar when JsonNumbers.TryInteger(scalar, out var number) => number,
        var node => throw Mismatch(path, node, "int64"),
    };

    private static JsonNode? Find(JsonObject value, string path, out bool isThere)
    {
        isThere = false;
        JsonNode? node = value;
        foreach (var step in path.TrimStart('.').Split('.'))
        {
            if (node is not JsonObject o) throw Mismatch(path, node, "map[string]interface{}");
            if (!o.TryGetPropertyValue(step, out node)) return null;
        }
        isThere = true;
        return node;
    }

    private static FormatException Mismatch(string path, JsonNode? node, string expected)
    {
        var type = node switch
        {
            null => "<nil>",
            JsonObject => "map[string]interface {}",
            JsonArray => "[]interface {}",
            _ => node.GetValueKind() switch { JsonValueKind.String => "string", JsonValueKind.Number => "float64", _ => "bool" },
        };
        return new FormatException($"{path} accessor error: {GoValues.Print(node)} is of the type {type}, expected {expected}");
    }
}
