using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.Testing;

/// <summary>JSON patch (RFC 6902), JSON merge patch (RFC 7386) and as much of strategic merge as the built-in components send.</summary>
internal static class JsonPatching
{
    public static JsonObject Merge(JsonObject target, JsonObject patch, bool strategic)
    {
        foreach (var (name, value) in patch)
        {
            if (strategic && name.StartsWith('$'))
                continue;
            if (value is null)
                target.Remove(name);
            else if (value is JsonObject child)
                target[name] = Merge(target[name] is JsonObject known ? (JsonObject)known.DeepClone() : [], child, strategic);
            else if (strategic && value is JsonArray list && target[name] is JsonArray old && MergeKey(name) is { } key)
                target[name] = MergeList(old, list, key);
            else
                target[name] = value.DeepClone();
        }
        if (strategic)
            DeletePrimitives(target, patch);
        return target;
    }

    public static JsonObject Json(JsonObject target, JsonArray operations)
    {
        foreach (var operation in operations.OfType<JsonObject>())
        {
            var path = operation["path"]!.GetValue<string>();
            var value = operation["value"];
            switch (operation["op"]!.GetValue<string>())
            {
                case "add":
                    Set(target, path, value?.DeepClone(), insert: true);
                    break;
                case "replace":
                    Set(target, path, value?.DeepClone(), insert: false);
                    break;
                case "remove":
                    Remove(target, path);
                    break;
                case "test":
                    if (!JsonNode.DeepEquals(Find(target, path), value))
                        throw new InvalidOperationException($"testing value {path} failed");
                    break;
                case var op:
                    throw new InvalidOperationException($"the in-memory server does not know the JSON patch operation {op}");
            }
        }
        return target;
    }

    private static JsonArray MergeList(JsonArray old, JsonArray patch, string key)
    {
        var result = new JsonArray([.. old.Select(item => item?.DeepClone())]);
        foreach (var item in patch)
        {
            if (key.Length == 0)
            {
                if (!result.Any(known => JsonNode.DeepEquals(known, item)))
                    result.Add(item?.DeepClone());
                continue;
            }
            var entry = (JsonObject)item!;
            var known0 = result.OfType<JsonObject>().FirstOrDefault(known => JsonNode.DeepEquals(known[key], entry[key]));
            if (entry["$patch"]?.GetValue<string>() == "delete")
                result.Remove(known0);
            else if (known0 is null)
                result.Add(entry.DeepClone());
            else
                Merge(known0, entry, strategic: true);
        }
        return result;
    }

    private static void DeletePrimitives(JsonObject target, JsonObject patch)
    {
        const string Prefix = "$deleteFromPrimitiveList/";
        foreach (var (name, value) in patch)
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || target[name[Prefix.Length..]] is not JsonArray list || value is not JsonArray gone)
                continue;
            target[name[Prefix.Length..]] = new JsonArray([.. list.Where(item => !gone.Any(g => JsonNode.DeepEquals(g, item))).Select(item => item?.DeepClone())]);
        }
    }

    /// <summary>null: the list is replaced; "": a set of plain values.</summary>
    private static string? MergeKey(string field) => field switch
    {
        "conditions" => "type",
        "containers" or "initContainers" or "ephemeralContainers" or "env" or "volumes" or "imagePullSecrets" or "secrets" => "name",
        "ownerReferences" => "uid",
        "finalizers" => "",
        "addresses" => "type",
        _ => null,
    };

    private static string[] Segments(string path) => [.. path.Split('/').Skip(1).Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];

    private static JsonNode? Find(JsonNode? node, string path)
    {
        foreach (var part in Segments(path))
        {
            node = node switch
            {
                JsonObject map => map[part],
                JsonArray list when int.TryParse(part, CultureInfo.InvariantCulture, out var index) && index < list.Count => list[index],
                _ => null,
            };
        }
        return node;
    }

    private static (JsonNode Parent, string Last) Parent(JsonObject target, string path)
    {
        var cut = path.LastIndexOf('/');
        var parent = Find(target, path[..cut]) ?? throw new InvalidOperationException($"the path {path} does not exist");
        return (parent, Segments(path)[^1]);
    }

    private static void Set(JsonObject target, string path, JsonNode? value, bool insert)
    {
        var (parent, last) = Parent(target, path);
        if (parent is JsonObject map)
        {
            if (!insert && !map.ContainsKey(last))
                throw new InvalidOperationException($"the path {path} does not exist");
            map[last] = value;
        }
        else if (parent is JsonArray list)
        {
            if (last == "-")
                list.Add(value);
            else if (insert)
                list.Insert(int.Parse(last, CultureInfo.InvariantCulture), value);
            else
                list[int.Parse(last, CultureInfo.InvariantCulture)] = value;
        }
    }

    private static void Remove(JsonObject target, string path)
    {
        var (parent, last) = Parent(target, path);
        if (parent is JsonArray list)
            list.RemoveAt(int.Parse(last, CultureInfo.InvariantCulture));
        else if (!((JsonObject)parent).Remove(last))
            throw new InvalidOperationException($"the path {path} does not exist");
    }
}
