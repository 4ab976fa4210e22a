using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Cel.Schemas;

/// <summary>A place in a JSON document, whichever of the two ways it is held in.</summary>
internal readonly struct JsonData
{
    private readonly JsonNode? _node;
    private readonly JsonElement _element;
    private readonly bool _isElement;

    public JsonData(JsonNode? node) => _node = node;

    public JsonData(JsonElement element) => (_element, _isElement) = (element, true);

    public JsonValueKind Kind => _isElement ? _element.ValueKind : _node?.GetValueKind() ?? JsonValueKind.Null;

    public bool IsNull => Kind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>Elements of an array or members of an object.</summary>
    public int Count => _isElement
        ? _element.ValueKind == JsonValueKind.Array ? _element.GetArrayLength() : _element.GetPropertyCount()
        : _node switch { JsonArray array => array.Count, JsonObject obj => obj.Count, _ => 0 };

    public JsonData this[int index] => _isElement ? new(_element[index]) : new(((JsonArray)_node!)[index]);

    public bool TryGet(string name, out JsonData value)
    {
        if (_isElement)
        {
            var found = _element.TryGetProperty(name, out var element);
            value = new(element);
            return found;
        }
        var has = ((JsonObject)_node!).TryGetPropertyValue(name, out var node);
        value = new(node);
        return has;
    }

    public IEnumerable<string> Names
    {
        get
        {
            if (!_isElement)
            {
                foreach (var pair in (JsonObject)_node!)
                    yield return pair.Key;
                yield break;
            }
            foreach (var property in _element.EnumerateObject())
                yield return property.Name;
        }
    }

    public string Text => _isElement ? _element.GetString()! : _node!.GetValue<string>();

    public bool Boolean => Kind == JsonValueKind.True;

    /// <summary>Whole numbers of 64 bits; anything else is no integer.</summary>
    public bool TryInteger(out long value)
    {
        if (_isElement)
            return _element.TryGetInt64(out value);
        var number = (JsonValue)_node!;
        if (number.TryGetValue(out value))
            return true;
        if (number.TryGetValue<int>(out var small))
        {
            value = small;
            return true;
        }
        if (number.TryGetValue<JsonElement>(out var element))
            return element.TryGetInt64(out value);
        return long.TryParse(number.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    public double Number
    {
        get
        {
            if (_isElement)
                return _element.GetDouble();
            var number = (JsonValue)_node!;
            return number.TryGetValue<double>(out var value) ? value : double.Parse(number.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
        }
    }

    public JsonNode? ToNode() => _isElement
        ? _element.ValueKind switch
        {
            JsonValueKind.Object => JsonObject.Create(_element),
            JsonValueKind.Array => JsonArray.Create(_element),
            JsonValueKind.Null or JsonValueKind.Undefined => null,
            _ => JsonValue.Create(_element),
        }
        : _node?.DeepClone();

    public static bool DeepEquals(in JsonData a, in JsonData b) => a._isElement && b._isElement ? JsonElement.DeepEquals(a._element, b._element) : JsonNode.DeepEquals(a.ToNode(), b.ToNode());

    /// <summary>Whether both look at the same place, which saves a comparison of all below it.</summary>
    public static bool SamePlace(in JsonData a, in JsonData b) => !a._isElement && !b._isElement && a._node is not null && ReferenceEquals(a._node, b._node);
}
