using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>The elements of a list of list-type map by their keys. Of several with the same keys the first counts.</summary>
internal sealed class KeyedElements
{
    private readonly IReadOnlyList<string> _keys;
    private readonly Dictionary<string, JsonObject> _elements = new(StringComparer.Ordinal);

    private KeyedElements(JsonArray list, IReadOnlyList<string> keys)
    {
        _keys = keys;
        foreach (var element in list)
        {
            if (element is JsonObject value && KeyOf(value) is { } key) _elements.TryAdd(key, value);
        }
    }

    /// <returns>Null: there is no list, or its elements have no keys.</returns>
    public static KeyedElements? Of(JsonNode? list, StructuralSchema schema) =>
        list is JsonArray elements && schema is { Type: "array", ListType: "map", ListMapKeys.Count: > 0 } ? new(elements, schema.ListMapKeys) : null;

    /// <summary>The element with the keys of another one.</summary>
    public JsonObject? Find(JsonNode? element) => element is JsonObject value && KeyOf(value) is { } key ? _elements.GetValueOrDefault(key) : null;

    /// <summary>Null: a key is missing, or is no scalar.</summary>
    private string? KeyOf(JsonObject element)
    {
        var text = new StringBuilder();
        foreach (var name in _keys)
        {
            if (!element.TryGetPropertyValue(name, out var node) || node is not JsonValue value) return null;
            // JSON's own form tells "1" from 1; a zero byte cannot stand in it.
            text.Append(value.GetValueKind() == JsonValueKind.Number && JsonNumbers.TryInteger(value, out var integer) ? JsonValue.Create(integer).ToJsonString() : value.ToJsonString()).Append('\0');
        }
        return text.ToString();
    }
}
