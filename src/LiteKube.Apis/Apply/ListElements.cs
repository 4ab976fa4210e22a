using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Apply;

/// <summary>What tells the elements of a list apart.</summary>
internal static class ListElements
{
    /// <param name="element">The path element of a list's element, when there is one.</param>
    /// <returns>Upstream's complaint about an element that cannot be told apart; null: it can.</returns>
    public static string? TryElement(IListMerge list, JsonNode? value, out PathElement? element)
    {
        element = null;
        if (list.Keys.Count == 0)
        {
            switch (value)
            {
                case JsonObject:
                    return "associative list without keys has an element that's a map type";
                case JsonArray:
                    return "not supported: associative list with lists as elements";
                case null:
                    return "associative list without keys has an element that's an explicit null";
                default:
                    element = PathElement.OfValue(value);
                    return null;
            }
        }

        if (value is null) return "associative list with keys may not have a null element";
        if (value is not JsonObject fields) return "associative list with keys may not have non-map elements";
        var keys = new List<(string, KeyValue)>(list.Keys.Count);
        foreach (var name in list.Keys)
        {
            if (fields.TryGetPropertyValue(name, out var key)) keys.Add((name, KeyValue.Of(key)));
            else if (list.Elements.Map?.Find(name)?.Default is { } byDefault) keys.Add((name, KeyValue.Of(byDefault)));
        }

        if (keys.Count == 0)
            return $"associative list with keys has an element that omits all key fields [{string.Join(' ', list.Keys.Select(k => $"\"{k}\""))}] (and doesn't have default values for any key fields)";
        element = PathElement.OfKeys([.. keys]);
        return null;
    }

    /// <exception cref="MergeException">An element cannot be told apart.</exception>
    public static PathElement Element(IListMerge list, JsonArray values, int index) =>
        TryElement(list, values[index], out var element) is { } complaint
            ? throw new MergeException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"element {index}: {complaint}"))
            : element!;

    /// <summary>The path element of every element, in order.</summary>
    public static PathElement[] All(IListMerge list, JsonArray? values)
    {
        if (values is null) return [];
        var elements = new PathElement[values.Count];
        for (var i = 0; i < elements.Length; i++) elements[i] = Element(list, values, i);
        return elements;
    }

    public static bool IsAtomic(this IListMerge list) => list.Type is ListType.Atomic or ListType.Unspecified;
}

/// <summary>Objects that do not fit their schema so that they cannot be merged; the message in structured-merge-diff's words.</summary>
public sealed class MergeException(string message) : Exception(message);
