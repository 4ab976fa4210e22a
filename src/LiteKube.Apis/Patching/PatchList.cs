using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Patching;

/// <summary>
/// Strategic merge of lists: elements meet by their merge key, scalars by value. What the patch names stands in the
/// patch's order, what only the object has keeps its order, and the two are woven together by the object's order.
/// </summary>
internal static class PatchList
{
    public static JsonArray Merge(JsonArray current, JsonArray change, PatchField field)
    {
        if (current.Count == 0 && change.Count == 0)
            return [];
        var areMaps = AreMaps(current, change);
        var before = Elements(current);
        var merged = Combine(before, change, field, areMaps, out var kept, out var changes);
        return Arrange(merged, changes, kept, areMaps ? field.MergeKey : null);
    }

    /// <summary>As <see cref="Merge"/> under $setElementOrder; null when there is no list on either side.</summary>
    public static JsonArray? MergeInOrder(JsonArray? current, JsonArray? change, JsonArray order, PatchField field)
    {
        if (current is null && change is null)
            return null;
        CheckOrder(change, order, field.MergeKey);
        if ((current?.Count ?? 0) == 0 && (change?.Count ?? 0) == 0)
            return [];
        var areMaps = AreMaps(current ?? [], change ?? []);
        var key = areMaps ? field.MergeKey : null;
        var before = Elements(current ?? []);
        List<JsonNode?> merged;
        if (change is null)
            merged = [.. before];
        else if (current is null)
            merged = StrategicMergePatch.TryTakeNew(change.DeepClone(), out var taken) ? Elements(taken!.AsArray()) : [];
        else if (field.Strategy == "merge")
            (merged, before) = (Elements(Merge(current, change, field)), areMaps ? OrderAfterDeletions(before, change, field.MergeKey!) : before);
        else
            merged = Elements(change);
        return Arrange(merged, Elements(order), before, key);
    }

    // Go deletes in place, so that new elements take the places that deleted ones leave in the order that it then goes
    // by. Clients have always seen that order.
    private static List<JsonNode?> OrderAfterDeletions(List<JsonNode?> current, JsonArray change, string key)
    {
        var (kept, changes) = ApplyDirectives(current, change, key);
        if (changes.Count == 0)
            return current;
        var known = Places(kept, key);
        return [.. kept.Concat(changes.Where(c => !known.ContainsKey(IdOf(c, key)))).Take(current.Count)];
    }

    private static List<JsonNode?> Combine(List<JsonNode?> current, JsonArray change, PatchField field, bool areMaps, out List<JsonNode?> kept, out List<JsonNode?> changes)
    {
        if (!areMaps)
        {
            (kept, changes) = (current, Elements(change));
            return [.. current.Concat(changes).DistinctBy(e => IdOf(e, null), StringComparer.Ordinal)];
        }

        var key = field.MergeKey ?? throw new PatchException($"cannot merge lists without merge key for {field.TypeName}");
        (kept, changes) = ApplyDirectives(current, change, key);
        var merged = new List<JsonNode?>(kept);
        var places = Places(merged, key);
        foreach (var element in changes)
        {
            KeyOf(element, key);
            if (places.TryAdd(IdOf(element, key), merged.Count))
                merged.Add(element);
            else if (places[IdOf(element, key)] is var at)
                merged[at] = StrategicMergePatch.MergeMap(merged[at]!.DeepClone().AsObject(), element!.DeepClone().AsObject(), field.Child);
        }

        return merged;
    }

    // {"$patch":"delete", key} takes elements away; {"$patch":"replace"} takes all of them away.
    private static (List<JsonNode?> Kept, List<JsonNode?> Changes) ApplyDirectives(List<JsonNode?> current, JsonArray change, string key)
    {
        var kept = new List<JsonNode?>(current);
        var changes = new List<JsonNode?>();
        var deleted = new HashSet<string>(StringComparer.Ordinal);
        var isReplaced = false;
        foreach (var element in change)
        {
            var map = element!.AsObject();
            if (!map.TryGetPropertyValue(StrategicMergePatch.Directive, out var directive))
            {
                changes.Add(element);
                continue;
            }

            switch (directive is JsonValue value && value.TryGetValue(out string? text) ? text : null)
            {
                case "delete":
                    KeyOf(map, key);
                    deleted.Add(IdOf(map, key));
                    break;
                case "replace":
                    isReplaced = true;
                    break;
                case "merge":
                    throw new PatchException("merging lists cannot yet be specified in the patch");
                default:
                    throw new PatchException($"unknown patch type: {GoPrinter.Print(directive)} in map: {GoPrinter.Print(map)}");
            }
        }

        kept.RemoveAll(k => deleted.Contains(IdOf(k, key)));
        return isReplaced ? (changes, []) : (kept, changes);
    }

    private static JsonArray Arrange(List<JsonNode?> merged, List<JsonNode?> order, List<JsonNode?> serverOrder, string? key)
    {
        var (orderPlaces, serverPlaces) = (Places(order, key), Places(serverOrder, key));
        var ordered = merged.Where(m => PlaceIn(orderPlaces, m) >= 0).OrderBy(m => PlaceIn(orderPlaces, m)).ToList();
        var serverOnly = merged.Where(m => PlaceIn(orderPlaces, m) < 0).OrderBy(m => PlaceIn(serverPlaces, m) is var i and >= 0 ? i : int.MaxValue).ToList();
        var result = new JsonArray();
        var (left, right) = (0, 0);
        while (left < serverOnly.Count || right < ordered.Count)
        {
            if (right == ordered.Count || (left < serverOnly.Count && StandsBefore(serverOnly[left], ordered[right])))
                result.Add(serverOnly[left++]?.DeepClone());
            else
                result.Add(ordered[right++]?.DeepClone());
        }

        return result;

        int PlaceIn(Dictionary<string, int> places, JsonNode? element) => places.TryGetValue(IdOf(element, key), out var place) ? place : -1;

        bool StandsBefore(JsonNode? a, JsonNode? b)
        {
            var (i, j) = (PlaceIn(serverPlaces, a), PlaceIn(serverPlaces, b));
            return i >= 0 && j >= 0 && i < j;
        }
    }

    // The patch's elements must stand in the order that the directive gives, and be among it.
    private static void CheckOrder(JsonArray? change, JsonArray order, string? key)
    {
        if (change is null || change.Count == 0 || order.Count == 0)
            return;
        var at = 0;
        foreach (var element in change)
        {
            if (element is JsonObject map && map.ContainsKey(StrategicMergePatch.Directive))
                continue;
            var id = key is null ? element : KeyOf(element, key);
            while (at < order.Count && !JsonEquality.AreEqual(key is null ? order[at] : KeyOf(order[at], key), id))
                at++;
            if (at++ >= order.Count)
                throw new PatchException($"The order in patch list:\n{GoPrinter.Print(change)}\n doesn't match $setElementOrder list:\n{GoPrinter.Print(order)}\n");
        }
    }

    private static bool AreMaps(JsonArray current, JsonArray change)
    {
        string? type = null;
        foreach (var element in current.Concat(change))
        {
            if (element is JsonArray)
                throw new PatchException("lists of lists are not supported", isUnprocessable: true);
            var name = GoPrinter.TypeOf(element);
            if (type is not null && type != name)
                throw new PatchException($"list element types are not identical: [{GoPrinter.Print(current)} {GoPrinter.Print(change)}]");
            type = name;
        }

        return type == GoPrinter.MapType;
    }

    // By text, so that long lists are looked up and not searched.
    private static Dictionary<string, int> Places(List<JsonNode?> list, string? key)
    {
        var places = new Dictionary<string, int>(list.Count, StringComparer.Ordinal);
        for (var i = 0; i < list.Count; i++)
            places.TryAdd(IdOf(list[i], key), i);
        return places;
    }

    /// <summary>What makes an element the same as another: its merge key's value, or itself. An element without its key is like no other.</summary>
    internal static string IdOf(JsonNode? element, string? key)
    {
        if (key is not null && !((element as JsonObject)?.ContainsKey(key) ?? false))
            return "";
        var id = key is null ? element : element![key];
        return id is JsonValue value && value.TryGetValue(out string? text) ? "\"" + text : id is null ? "null" : Encoding.UTF8.GetString(ObjectWriter.Write(id));
    }

    private static JsonNode? KeyOf(JsonNode? element, string key) =>
        element is JsonObject map && map.TryGetPropertyValue(key, out var id)
            ? id
            : throw new PatchException(element is JsonObject
                ? $"map: {GoPrinter.Print(element)} does not contain declared merge key: {key}"
                : $"expected a {GoPrinter.MapType}, but received a {GoPrinter.TypeOf(element)}");

    private static List<JsonNode?> Elements(JsonArray list) => [.. list];
}
