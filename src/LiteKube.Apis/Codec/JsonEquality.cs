using System.Text.Json;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Codec;

/// <summary>Whether two trees hold the same JSON value, whichever .NET types their numbers have and in whatever order their fields stand.</summary>
public static class JsonEquality
{
    public static bool AreEqual(JsonNode? a, JsonNode? b)
    {
        switch (a, b)
        {
            case (null, null):
                return true;
            case (JsonObject x, JsonObject y):
                if (x.Count != y.Count)
                    return false;
                foreach (var (name, value) in x)
                {
                    if (!y.TryGetPropertyValue(name, out var other) || !AreEqual(value, other))
                        return false;
                }

                return true;
            case (JsonArray x, JsonArray y):
                if (x.Count != y.Count)
                    return false;
                for (var i = 0; i < x.Count; i++)
                {
                    if (!AreEqual(x[i], y[i]))
                        return false;
                }

                return true;
            case (JsonValue x, JsonValue y):
                return AreEqualValues(x, y);
            default:
                return false;
        }
    }

    private static bool AreEqualValues(JsonValue a, JsonValue b)
    {
        var kind = a.GetValueKind();
        if (kind != b.GetValueKind())
            return false;
        if (kind is not (JsonValueKind.Number or JsonValueKind.String))
            return true;
        if (kind == JsonValueKind.String)
        {
            // A stored object's text is compared where it stands: making a string of it costs more than the comparison.
            if (a.TryGetValue(out JsonElement x) && TextOf(b) is { } other)
                return x.ValueEquals(other);
            if (TextOf(a) is { } text)
            {
                if (b.TryGetValue(out JsonElement y))
                    return y.ValueEquals(text);
                if (TextOf(b) is { } t)
                    return string.Equals(text, t, StringComparison.Ordinal);
            }
        }

        if (Integer(a) is { } m && Integer(b) is { } n)
            return m == n;
        // By their text: whole numbers beyond long, fractions, other .NET types.
        return ObjectWriter.Write(a).AsSpan().SequenceEqual(ObjectWriter.Write(b));
    }

    private static string? TextOf(JsonValue value) => value.TryGetValue(out string? text) ? text : null;

    private static long? Integer(JsonValue value) =>
        value.TryGetValue(out long int64) ? int64 : value.TryGetValue(out int int32) ? int32 : null;
}
