using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Defaulting;

/// <summary>An object that a defaulting rule completes.</summary>
internal readonly record struct DefaultTarget(TypeSchema Type, JsonObject Value, TimeProvider Time)
{
    /// <summary>Nil in Go: absent or null.</summary>
    public bool IsMissing(string name) => !Value.TryGetPropertyValue(name, out var value) || value is null;

    /// <summary>Zero in Go: absent, null, "", 0, false, or of no elements.</summary>
    public bool IsEmpty(string name) => !Value.TryGetPropertyValue(name, out var value) || value switch
    {
        null => true,
        JsonObject o => o.Count == 0,
        JsonArray a => a.Count == 0,
        JsonValue v => v.GetValueKind() switch
        {
            JsonValueKind.False => true,
            JsonValueKind.String => v.TryGetValue(out string? text) && text.Length == 0,
            JsonValueKind.Number => (v.TryGetValue(out int i) && i == 0) || (v.TryGetValue(out long l) && l == 0),
            _ => false,
        },
        _ => false,
    };

    public string Text(string name) => Value[name] is JsonValue value && value.TryGetValue(out string? text) ? text : "";

    public bool IsTrue(string name) => Value[name] is JsonValue value && value.TryGetValue(out bool flag) && flag;

    public void IfMissing(string name, JsonNode value)
    {
        if (IsMissing(name))
            Set(name, value);
    }

    public void IfEmpty(string name, JsonNode value)
    {
        if (IsEmpty(name))
            Set(name, value);
    }

    /// <summary>Sets the field at the place where Go writes it.</summary>
    public void Set(string name, JsonNode value)
    {
        if (Value.ContainsKey(name))
        {
            Value[name] = value;
            return;
        }

        var table = Type.Table;
        var order = OrderOf(table, name);
        var at = Value.Count;
        while (at > 0 && OrderOf(table, Value.GetAt(at - 1).Key) > order)
            at--;
        Value.Insert(at, name, value);
    }

    /// <summary>The object in a field, made when it is missing.</summary>
    public DefaultTarget Child(string name)
    {
        IfMissing(name, new JsonObject());
        return new(Type.Find(name)!.Type!, Value[name]!.AsObject(), Time);
    }

    /// <summary>The object in a field, or null.</summary>
    public DefaultTarget? ChildOrNull(string name) => Value[name] is JsonObject child ? new(Type.Find(name)!.Type!, child, Time) : null;

    /// <summary>The objects in a list.</summary>
    public IEnumerable<DefaultTarget> Children(string name)
    {
        if (Value[name] is not JsonArray list)
            yield break;
        var type = Type.Find(name)!.Type!;
        foreach (var element in list)
        {
            if (element is JsonObject o)
                yield return new(type, o, Time);
        }
    }

    private static int OrderOf(FieldTable table, string name)
    {
        Span<byte> utf8 = stackalloc byte[256];
        return System.Text.Encoding.UTF8.TryGetBytes(name, utf8, out var length) ? table.IndexOf(utf8[..length], 0) : -1;
    }
}
