using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Tables;

/// <summary>
/// A JSONPath as printer columns use it (https://kubernetes.io/docs/reference/kubectl/jsonpath/): fields, indices, slices,
/// wildcards, unions, recursive descent and filters. A step that leads nowhere gives nothing.
/// </summary>
public sealed partial class PrinterPath
{
    private readonly List<Step> _steps;

    private PrinterPath(List<Step> steps) => _steps = steps;

    /// <exception cref="FormatException">The text is no such path.</exception>
    public static PrinterPath Parse(string text)
    {
        var parser = new Parser(text);
        var steps = parser.ReadSteps();
        return parser.IsAtEnd ? new(steps) : throw new FormatException($"unrecognized character in action: {text[parser.At]}");
    }

    /// <summary>Every value that the path leads to.</summary>
    public IEnumerable<JsonNode?> Find(JsonNode? root) => Apply(_steps, [root]);

    private static IEnumerable<JsonNode?> Apply(List<Step> steps, IEnumerable<JsonNode?> values)
    {
        foreach (var step in steps)
            values = values.SelectMany(step.Apply).ToList();
        return values;
    }

    private abstract record Step
    {
        public abstract IEnumerable<JsonNode?> Apply(JsonNode? value);
    }

    private sealed record Field(string Name) : Step
    {
        public override IEnumerable<JsonNode?> Apply(JsonNode? value) => value is JsonObject o && o.TryGetPropertyValue(Name, out var child) ? [child] : [];
    }

    private sealed record Wildcard : Step
    {
        public override IEnumerable<JsonNode?> Apply(JsonNode? value) => value switch { JsonObject o => o.Select(p => p.Value), JsonArray a => a, _ => [] };
    }

    private sealed record Slice(int? Start, int? End, int Stride, bool IsIndex) : Step
    {
        public override IEnumerable<JsonNode?> Apply(JsonNode? value)
        {
            if (value is not JsonArray list)
                yield break;
            if (IsIndex)
            {
                var index = Start!.Value < 0 ? Start.Value + list.Count : Start.Value;
                if (index >= 0 && index < list.Count)
                    yield return list[index];
                yield break;
            }

            var end = Math.Min(Place(End ?? list.Count, list.Count), list.Count);
            for (var i = Math.Max(0, Place(Start ?? 0, list.Count)); i < end; i += Stride)
                yield return list[i];
        }

        private static int Place(int index, int count) => index < 0 ? index + count : index;
    }

    private sealed record Union(List<Step> Choices) : Step
    {
        public override IEnumerable<JsonNode?> Apply(JsonNode? value) => Choices.SelectMany(c => c.Apply(value));
    }

    private sealed record Descent : Step
    {
        public override IEnumerable<JsonNode?> Apply(JsonNode? value)
        {
            yield return value;
            foreach (var child in new Wildcard().Apply(value))
            {
                foreach (var below in Apply(child))
                    yield return below;
            }
        }
    }

    private sealed record Filter(Operand Left, string Operator, Operand? Right) : Step
    {
        public override IEnumerable<JsonNode?> Apply(JsonNode? value) => (value as JsonArray)?.Where(Matches) ?? [];

        private bool Matches(JsonNode? element)
        {
            var left = Left.Values(element).ToList();
            if (Right is null)
                return left.Count > 0;
            var right = Right.Values(element).ToList();
            return left.Count == 1 && right.Count == 1 && Compare(left[0], right[0]);
        }

        private bool Compare(JsonNode? a, JsonNode? b)
        {
            if (Operator is "==" or "!=")
                return JsonEquality.AreEqual(a, b) == (Operator == "==");
            int? order = (a, b) switch
            {
                (JsonValue x, JsonValue y) when JsonNumbers.TryNumber(x, out var m) && JsonNumbers.TryNumber(y, out var n) => m.CompareTo(n),
                (JsonValue x, JsonValue y) when x.TryGetValue(out string? s) && y.TryGetValue(out string? t) => string.CompareOrdinal(s, t),
                _ => null,
            };
            return Operator switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };
        }
    }

    /// <param name="Literal">Counts when there is no path.</param>
    private sealed record Operand(List<Step>? Path, JsonNode? Literal)
    {
        public IEnumerable<JsonNode?> Values(JsonNode? element) => Path is null ? [Literal] : PrinterPath.Apply(Path, [element]);
    }
}
