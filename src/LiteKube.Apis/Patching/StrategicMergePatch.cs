using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Patching;

/// <summary>
/// Kubernetes' strategic merge (https://git.k8s.io/community/contributors/devel/sig-api-machinery/strategic-merge-patch.md):
/// lists merge by the keys that the schema declares, and directives say what plain JSON cannot.
/// </summary>
public static class StrategicMergePatch
{
    internal const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string DeleteFromList = "$deleteFromPrimitiveList";
    private const string SetElementOrder = "$setElementOrder";

    /// <summary>Merge keys, $patch, $deleteFromPrimitiveList, $setElementOrder, $retainKeys. The input is not changed.</summary>
    /// <exception cref="PatchException">The patch is no JSON object or misuses a directive.</exception>
    public static JsonObject Apply(JsonObject original, ReadOnlySpan<byte> patch, TypeSchema schema) =>
        MergeMap(original.DeepClone().AsObject(), PatchBytes.ReadObject(patch), new(schema));

    /// <summary>Merges <paramref name="patch"/> into <paramref name="original"/>; both are used up.</summary>
    internal static JsonObject MergeMap(JsonObject original, JsonObject patch, PatchSchema schema)
    {
        if (patch.TryGetPropertyValue(Directive, out var directive))
            return ReplaceOrDelete(directive, patch);
        ApplyRetainKeys(original, patch);
        ApplyElementOrders(original, patch, schema);
        foreach (var (name, value) in patch.ToArray())
        {
            if (name.StartsWith(DeleteFromList, StringComparison.Ordinal))
                DeleteElements(original, NameAfter(name, DeleteFromList, "invalid patch format of primitive list"), value);
            else
                MergeField(original, name, value, schema);
        }

        return original;
    }

    /// <summary>A patch value that meets nothing to merge with: its null fields and its directives mean nothing more.</summary>
    /// <returns>False when the value itself is but a directive.</returns>
    internal static bool TryTakeNew(JsonNode? value, out JsonNode? taken)
    {
        taken = value is null ? null : PatchBytes.WithoutNulls(value);
        return StripDirectives(taken);
    }

    private static void MergeField(JsonObject original, string name, JsonNode? value, PatchSchema schema)
    {
        if (value is null)
        {
            original.Remove(name);
            return;
        }

        var field = schema.Field(name);
        switch (original[name], value)
        {
            case (JsonObject current, JsonObject change) when field.Strategy != "replace":
                var merged = MergeMap(current, change, field.Child);
                if (merged != current)
                    original[name] = Detach(merged);
                break;
            case (JsonArray current, JsonArray change) when field.Strategy == "merge":
                original[name] = PatchList.Merge(current, change, field);
                break;
            case (JsonObject, JsonObject) or (JsonArray, JsonArray):
                original[name] = Detach(value);
                break;
            default:
                if (TryTakeNew(value, out var taken))
                    original[name] = Detach(taken);
                else
                    original.Remove(name);
                break;
        }
    }

    private static JsonObject ReplaceOrDelete(JsonNode? directive, JsonObject patch)
    {
        switch (directive is JsonValue value && value.TryGetValue(out string? text) ? text : null)
        {
            case "replace":
                patch.Remove(Directive);
                return patch;
            case "delete":
                return [];
            default:
                throw new PatchException($"unknown patch type: {GoPrinter.Print(directive)} in map: {GoPrinter.Print(patch)}");
        }
    }

    private static void ApplyRetainKeys(JsonObject original, JsonObject patch)
    {
        if (!patch.TryGetPropertyValue(RetainKeys, out var list))
            return;
        patch.Remove(RetainKeys);
        if (list is not JsonArray keys)
            throw new PatchException("invalid patch format of retainKeys");
        var retained = new HashSet<string>(keys.OfType<JsonValue>().Select(k => k.TryGetValue(out string? text) ? text : ""), StringComparer.Ordinal);
        foreach (var (name, value) in patch)
        {
            var isDirective = name.StartsWith(DeleteFromList, StringComparison.Ordinal) || name.StartsWith(SetElementOrder, StringComparison.Ordinal);
            if (value is not null && !isDirective && !retained.Contains(name))
                throw new PatchException("invalid patch format of retainKeys");
        }

        foreach (var name in original.Select(p => p.Key).Where(n => !retained.Contains(n)).ToArray())
            original.Remove(name);
    }

    private static void ApplyElementOrders(JsonObject original, JsonObject patch, PatchSchema schema)
    {
        foreach (var (directive, value) in patch.Where(p => p.Key.StartsWith(SetElementOrder, StringComparison.Ordinal)).ToArray())
        {
            var name = NameAfter(directive, SetElementOrder, "invalid patch format of setElementOrder list");
            patch.Remove(directive);
            var order = List(value);
            var current = original.TryGetPropertyValue(name, out var c) && c is not null ? List(c) : null;
            var change = patch.TryGetPropertyValue(name, out var p) && p is not null ? List(p) : null;
            if (p is null && patch.ContainsKey(name))
                continue;
            patch.Remove(name);
            if (PatchList.MergeInOrder(current, change, order, schema.Field(name)) is { } merged)
                original[name] = merged;
        }
    }

    private static void DeleteElements(JsonObject original, string name, JsonNode? value)
    {
        if (value is null)
        {
            original.Remove(name);
            return;
        }

        if (original[name] is not JsonArray current || value is not JsonArray deleted)
            return;
        var ids = deleted.Select(d => PatchList.IdOf(d, null)).ToHashSet(StringComparer.Ordinal);
        original[name] = new JsonArray([.. current.Where(c => !ids.Contains(PatchList.IdOf(c, null))).Select(c => c?.DeepClone())]);
    }

    private static bool StripDirectives(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject o:
                if (o.ContainsKey(Directive))
                    return false;
                foreach (var (name, value) in o.ToArray())
                {
                    if (!StripDirectives(value))
                        o.Remove(name);
                }

                return true;
            case JsonArray a:
                for (var i = a.Count - 1; i >= 0; i--)
                {
                    if (!StripDirectives(a[i]))
                        a.RemoveAt(i);
                }

                return true;
            default:
                return true;
        }
    }

    private static string NameAfter(string key, string prefix, string error) =>
        key.Length > prefix.Length && key[prefix.Length] == '/' ? key[(prefix.Length + 1)..] : throw new PatchException(error);

    private static JsonArray List(JsonNode? node) =>
        node as JsonArray ?? throw new PatchException($"expected a []interface {{}}, but received a {GoPrinter.TypeOf(node)}");

    /// <summary>The node without a parent, so that it can stand elsewhere.</summary>
    private static JsonNode? Detach(JsonNode? node) => node?.Parent is null ? node : node.DeepClone();
}
