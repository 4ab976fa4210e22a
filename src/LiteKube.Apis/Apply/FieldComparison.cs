using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>What one object has beside, instead of and without another. No path is in two of the sets.</summary>
public sealed class FieldComparison
{
    internal FieldComparison(FieldSet added, FieldSet modified, FieldSet removed) => (Added, Modified, Removed) = (added, modified, removed);

    public FieldSet Added { get; }
    public FieldSet Modified { get; }
    public FieldSet Removed { get; }

    public bool IsSame => Added.IsEmpty && Modified.IsEmpty && Removed.IsEmpty;

    /// <summary>Added and modified.</summary>
    internal FieldSet Changed => field ??= Modified.Union(Added);

    public static FieldComparison Of(JsonObject before, JsonObject after, IMergeSchema schema) => Of(before, after, schema, ResetFields.None);

    /// <summary>Walks both trees at once. Equal parts cost a comparison of their values and no allocation.</summary>
    /// <param name="reset">What the difference leaves out; whole fields of the object are not even looked at, such as a pod's spec on its /status.</param>
    /// <exception cref="MergeException">An element of an associative list that differs cannot be told apart.</exception>
    public static FieldComparison Of(JsonObject before, JsonObject after, IMergeSchema schema, ResetFields reset)
    {
        var result = new Difference();
        if (schema.Map is { IsAtomic: false } map) CompareMaps(map, before, after, ref result, reset.IsEmpty ? null : reset);
        else CompareAs(schema.FirstForm(), schema, new(true, before), new(true, after), ref result);
        var difference = new FieldComparison(result.Added.Build(), result.Modified.Build(), result.Removed.Build());
        return reset.IsEmpty || difference.IsSame ? difference : new(reset.Filter(difference.Added), reset.Filter(difference.Modified), reset.Filter(difference.Removed));
    }

    /// <summary>A value or its absence; a value may be null.</summary>
    private readonly record struct Side(bool IsThere, JsonNode? Value);

    private struct Difference
    {
        public FieldSetNode Added;
        public FieldSetNode Modified;
        public FieldSetNode Removed;

        public void Add(PathElement element, in Difference below)
        {
            Added.Add(element, below.Added);
            Modified.Add(element, below.Modified);
            Removed.Add(element, below.Removed);
        }

        public readonly bool IsEmpty => Added.IsEmpty && Modified.IsEmpty && Removed.IsEmpty;
    }

    private static Difference Compare(IMergeSchema schema, Side before, Side after)
    {
        var result = new Difference();
        var (left, right) = (schema.FormOf(before.Value), schema.FormOf(after.Value));
        // Null takes whatever form the other side has.
        if (left == MergeForm.None) left = right;
        if (right == MergeForm.None) right = left;
        if (left == MergeForm.None) left = right = schema.FirstForm();
        if (left != right) CompareAs(left, schema, before, after, ref result);
        CompareAs(right, schema, before, after, ref result);
        if (!before.IsThere) result.Added.IsMember = true;
        else if (!after.IsThere) result.Removed.IsMember = true;
        return result;
    }

    private static void CompareAs(MergeForm form, IMergeSchema schema, Side before, Side after, ref Difference result)
    {
        switch (form)
        {
            case MergeForm.Map:
                var (x, y) = (before.Value as JsonObject, after.Value as JsonObject);
                if (schema.Map!.IsAtomic || (x is not { Count: > 0 } && y is not { Count: > 0 })) CompareLeaf(before, after, ref result);
                else CompareMaps(schema.Map, x, y, ref result);
                break;
            case MergeForm.List:
                var (a, b) = (before.Value as JsonArray, after.Value as JsonArray);
                if (schema.List!.IsAtomic() || (a is not { Count: > 0 } && b is not { Count: > 0 })) CompareLeaf(before, after, ref result);
                else if (a is null || b is null || !JsonEquality.AreEqual(a, b)) CompareLists(schema.List!, a, b, ref result);
                break;
            default:
                CompareLeaf(before, after, ref result);
                break;
        }
    }

    private static void CompareLeaf(Side before, Side after, ref Difference result)
    {
        if (!before.IsThere) result.Added.IsMember = true;
        else if (!after.IsThere) result.Removed.IsMember = true;
        else if (!JsonEquality.AreEqual(before.Value, after.Value)) result.Modified.IsMember = true;
    }

    private static void CompareMaps(IMapMerge schema, JsonObject? before, JsonObject? after, ref Difference result, ResetFields? reset = null)
    {
        if (after is not null)
        {
            foreach (var (name, value) in after)
            {
                if (reset is not null && reset.Excludes(name)) continue;
                JsonNode? old = null;
                var wasThere = before is not null && before.TryGetPropertyValue(name, out old);
                CompareField(schema, name, new(wasThere, old), new(true, value), ref result);
            }
        }

        if (before is null) return;
        foreach (var (name, value) in before)
        {
            if ((after is null || !after.ContainsKey(name)) && reset?.Excludes(name) != true) CompareField(schema, name, new(true, value), default, ref result);
        }
    }

    private static void CompareField(IMapMerge schema, string name, Side before, Side after, ref Difference result)
    {
        var field = schema.Find(name);
        var below = (field?.Schema ?? schema.Values) is { } child ? Compare(child, before, after) : default;
        if (!below.IsEmpty) result.Add(field?.Element ?? PathElement.Field(name), below);
    }

    private static void CompareLists(IListMerge schema, JsonArray? before, JsonArray? after, ref Difference result)
    {
        var old = Group(schema, before);
        var now = Group(schema, after);
        foreach (var (element, values) in old)
            CompareElement(schema, element, values, now.GetValueOrDefault(element) ?? [], ref result);
        foreach (var (element, values) in now)
        {
            if (!old.ContainsKey(element)) CompareElement(schema, element, [], values, ref result);
        }
    }

    // What stands more than once in a list is one thing, owned as a whole.
    private static void CompareElement(IListMerge schema, PathElement element, List<JsonNode?> old, List<JsonNode?> now, ref Difference result)
    {
        var below = new Difference();
        if (old.Count <= 1 && now.Count <= 1)
        {
            below = Compare(schema.Elements, old.Count == 0 ? default : new(true, old[0]), now.Count == 0 ? default : new(true, now[0]));
        }
        else if (old.Count > 1 && now.Count > 1)
        {
            below.Modified.IsMember = old.Count != now.Count || !old.Zip(now).All(p => JsonEquality.AreEqual(p.First, p.Second));
        }
        else if (old.Count > 1)
        {
            if (now.Count == 1) below = Compare(schema.Elements, default, new(true, now[0]));
            below.Removed.IsMember = true;
        }
        else
        {
            if (old.Count == 1) below = Compare(schema.Elements, new(true, old[0]), default);
            below.Added.IsMember = true;
        }

        result.Add(element, below);
    }

    private static Dictionary<PathElement, List<JsonNode?>> Group(IListMerge schema, JsonArray? list)
    {
        var groups = new Dictionary<PathElement, List<JsonNode?>>(list?.Count ?? 0);
        for (var i = 0; i < (list?.Count ?? 0); i++)
        {
            var element = ListElements.Element(schema, list!, i);
            if (!groups.TryGetValue(element, out var group)) groups[element] = group = [];
            group.Add(list![i]);
        }

        return groups;
    }
}
