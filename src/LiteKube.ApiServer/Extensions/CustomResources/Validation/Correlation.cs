using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>A value of an update beside the one that it replaces, found by name, or by its keys in a list of list-type map (KEP-4008).</summary>
internal sealed class Correlation(JsonNode? value, JsonNode? old, StructuralSchema schema)
{
    private bool? _isUnchanged;
    private KeyedElements? _oldElements;
    private bool _knowsOldElements;

    public JsonNode? Old => old;

    public bool IsUnchanged => _isUnchanged ??= Compare();

    private KeyedElements? OldElements
    {
        get
        {
            if (!_knowsOldElements) (_oldElements, _knowsOldElements) = (KeyedElements.Of(old, schema), true);
            return _oldElements;
        }
    }

    public Correlation? Key(string name)
    {
        if (value is not JsonObject current || old is not JsonObject before || schema.Field(name) is not { } field) return null;
        return current.TryGetPropertyValue(name, out var now) && before.TryGetPropertyValue(name, out var then) ? new(now, then, field) : null;
    }

    public Correlation? Index(int index)
    {
        if (value is not JsonArray current || index >= current.Count || schema.Items is not { } items) return null;
        return OldElements?.Find(current[index]) is { } then ? new(current[index], then, items) : null;
    }

    private bool Compare()
    {
        switch (value, old)
        {
            case (JsonArray now, JsonArray then):
                if (now.Count != then.Count) return false;
                return OldElements is null ? JsonEquality.AreEqual(now, then) : Enumerable.Range(0, now.Count).All(i => Index(i) is { IsUnchanged: true });
            case (JsonObject now, JsonObject then):
                return now.Count == then.Count && now.All(p => Key(p.Key)?.IsUnchanged ?? (then.TryGetPropertyValue(p.Key, out var before) && JsonEquality.AreEqual(p.Value, before)));
            default:
                return JsonEquality.AreEqual(value, old);
        }
    }
}
