using System.Text.Json.Nodes;

namespace LiteKube.Apis.Apply;

/// <summary>
/// An applied configuration laid over a standing object by the schema: maps and structs by their fields, associative
/// lists by their keys or values, all else as a whole.
/// </summary>
public static class StructuredMerge
{
    /// <summary>Neither input is changed.</summary>
    /// <exception cref="MergeException">The inputs do not fit the schema.</exception>
    public static JsonObject Merge(JsonObject live, JsonObject config, IMergeSchema schema) =>
        MergeValue(schema, new(true, live), new(true, config)).Value as JsonObject ?? [];

    /// <summary>A value or its absence; a value may be null.</summary>
    private readonly record struct Side(bool IsThere, JsonNode? Value)
    {
        public Side Copy() => new(IsThere, Value?.DeepClone());
    }

    private static Side MergeValue(IMergeSchema schema, Side live, Side config)
    {
        var (left, right) = (schema.FormOf(live.Value), schema.FormOf(config.Value));
        if (right == MergeForm.None) right = left != MergeForm.None ? left : schema.FirstForm();
        switch (right)
        {
            case MergeForm.Map:
                var (x, y) = (live.Value as JsonObject, config.Value as JsonObject);
                // Of two empty ones the applied counts: {} and null differ.
                return schema.Map!.IsAtomic || (x is not { Count: > 0 } && y is not { Count: > 0 }) ? Leaf(live, config) : MergeMaps(schema.Map, x, y);
            case MergeForm.List:
                var (a, b) = (live.Value as JsonArray, config.Value as JsonArray);
                return schema.List!.IsAtomic() || (a is not { Count: > 0 } && b is not { Count: > 0 }) ? Leaf(live, config) : MergeLists(schema.List!, a, b);
            default:
                return Leaf(live, config);
        }
    }

    private static Side Leaf(Side live, Side config) => config.IsThere ? config.Copy() : live.Copy();

    private static Side MergeMaps(IMapMerge schema, JsonObject? live, JsonObject? config)
    {
        var merged = new JsonObject();
        foreach (var (name, value) in live ?? [])
        {
            JsonNode? wanted = null;
            var isApplied = config is not null && config.TryGetPropertyValue(name, out wanted);
            MergeField(schema, merged, name, new(true, value), new(isApplied, wanted));
        }

        foreach (var (name, value) in config ?? [])
        {
            if (live is null || !live.ContainsKey(name)) MergeField(schema, merged, name, default, new(true, value));
        }

        return merged.Count == 0 ? default : new(true, merged);
    }

    private static void MergeField(IMapMerge schema, JsonObject merged, string name, Side live, Side config)
    {
        // What the schema does not know stays as it is: validation has had its say about the applied object.
        var result = (schema.Find(name)?.Schema ?? schema.Values) is { } child ? MergeValue(child, live, config) : Leaf(live, config);
        if (result.IsThere) merged.Add(name, result.Value);
    }

    /// <summary>
    /// Elements of both sides meet by their path elements. What is applied keeps its order; what only the object has
    /// keeps its place relative to the elements that both have.
    /// </summary>
    private static Side MergeLists(IListMerge schema, JsonArray? live, JsonArray? config)
    {
        var (left, right) = (ListElements.All(schema, live), ListElements.All(schema, config));
        var liveByElement = Index(left, live, allowsDuplicates: true);
        var configByElement = Index(right, config, allowsDuplicates: false);
        var shared = new Queue<PathElement>(right.Where(liveByElement.ContainsKey));
        var next = Dequeue(shared);
        var merged = new HashSet<PathElement>();
        var result = new JsonArray();
        for (int l = 0, r = 0; l < left.Length || r < right.Length;)
        {
            if (l < left.Length && r < right.Length)
            {
                var element = left[l];
                if (element.Equals(right[r]))
                {
                    Take(element, new(true, liveByElement[element]), new(true, configByElement[element]));
                    merged.Add(element);
                    l++;
                    r++;
                    next = Dequeue(shared);
                    continue;
                }

                // Both have it, but its turn is not now.
                if (configByElement.ContainsKey(element) && next is not null && !next.Equals(element))
                {
                    l++;
                    continue;
                }
            }

            if (l < left.Length)
            {
                var element = left[l];
                if (!configByElement.ContainsKey(element))
                {
                    Take(element, new(true, live![l]), default);
                    l++;
                    continue;
                }

                if (merged.Contains(element)) l++;
            }

            if (r < right.Length)
            {
                var element = right[r++];
                merged.Add(element);
                Take(element, liveByElement.TryGetValue(element, out var standing) ? new(true, standing) : default, new(true, configByElement[element]));
                if (next is not null && next.Equals(element)) next = Dequeue(shared);
            }
        }

        return result.Count == 0 ? default : new(true, result);

        void Take(PathElement element, Side standing, Side applied)
        {
            if (MergeValue(schema.Elements, standing, applied) is { IsThere: true } taken) result.Add(taken.Value);
        }
    }

    private static PathElement? Dequeue(Queue<PathElement> queue) => queue.TryDequeue(out var element) ? element : null;

    private static Dictionary<PathElement, JsonNode?> Index(PathElement[] elements, JsonArray? values, bool allowsDuplicates)
    {
        var index = new Dictionary<PathElement, JsonNode?>(elements.Length);
        for (var i = 0; i < elements.Length; i++)
        {
            if (index.TryAdd(elements[i], values![i])) continue;
            if (!allowsDuplicates) throw new MergeException($"duplicate entries for key {elements[i]}");
            // Doubles are not merged with what is applied but replaced by it.
            index[elements[i]] = null;
        }

        return index;
    }
}
