using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Tables;

/// <summary>
/// A JSONPath as printer columns use it (https://kubernetes.io/docs/reference/kubectl/jsonpath/): fields, indices, slices,
/// wildcards, unions, recursive descent and filters. A step that leads nowhere gives nothing.
/// </summary>
public sealed class PrinterPath
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

    private sealed class Parser(string text)
    {
        public int At { get; private set; }
        public bool IsAtEnd => At >= text.Length;
        private char Current => text[At];

        public List<Step> ReadSteps()
        {
            var steps = new List<Step>();
            if (!IsAtEnd && Current is '$' or '@')
                At++;
            while (!IsAtEnd)
            {
                if (Current == '[')
                    steps.Add(ReadBracket());
                else if (Current == '.')
                    ReadDot(steps);
                else if (steps.Count == 0 && IsNameStart(Current))
                    steps.Add(new Field(ReadName()));
                else
                    break;
            }

            return steps;
        }

        private void ReadDot(List<Step> steps)
        {
            At++;
            if (!IsAtEnd && Current == '.')
            {
                At++;
                steps.Add(new Descent());
                if (!IsAtEnd && Current == '[')
                    return;
            }

            if (IsAtEnd || Current == '[')
                return;
            if (Current == '*')
            {
                At++;
                steps.Add(new Wildcard());
                return;
            }

            var name = ReadName();
            if (name.Length == 0)
                throw new FormatException($"unrecognized character in action: {Current}");
            steps.Add(new Field(name));
        }

        private static bool IsNameStart(char c) => char.IsLetterOrDigit(c) || c is '_' or '-' or '\\' or '/';

        private string ReadName()
        {
            var name = new StringBuilder();
            for (; !IsAtEnd && Current is not ('.' or '[' or ']' or ' ' or '=' or '!' or '<' or '>' or ')' or ','); At++)
            {
                if (Current == '\\' && At + 1 < text.Length)
                    At++;
                name.Append(Current);
            }

            return name.ToString();
        }

        private Step ReadBracket()
        {
            At++;
            SkipSpace();
            if (!IsAtEnd && Current == '?')
                return ReadFilter();
            var choices = new List<Step>();
            while (true)
            {
                choices.Add(ReadChoice());
                SkipSpace();
                if (IsAtEnd)
                    throw new FormatException("unterminated array");
                if (text[At++] == ']')
                    return choices.Count == 1 ? choices[0] : new Union(choices);
                if (text[At - 1] != ',')
                    throw new FormatException($"invalid array index {text}");
            }
        }

        private Step ReadChoice()
        {
            SkipSpace();
            if (IsAtEnd)
                throw new FormatException("unterminated array");
            if (Current is '\'' or '"')
                return new Field(ReadQuoted());
            if (Current == '*')
            {
                At++;
                return new Wildcard();
            }

            var start = At;
            while (!IsAtEnd && Current is not (']' or ','))
                At++;
            var parts = text[start..At].Trim().Split(':');
            if (parts.Length > 3)
                throw new FormatException($"invalid array index {text[start..At]}");
            var numbers = parts.Select(p => p.Length == 0 ? (int?)null : int.TryParse(p, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? n : throw new FormatException($"invalid array index {text[start..At]}")).ToList();
            if (numbers.Count == 1)
                return new Slice(numbers[0] ?? throw new FormatException($"invalid array index {text[start..At]}"), null, 1, true);
            var stride = numbers.Count == 3 ? numbers[2] ?? 1 : 1;
            return stride > 0 ? new Slice(numbers[0], numbers[1], stride, false) : throw new FormatException("step must be > 0");
        }

        private Filter ReadFilter()
        {
            At++;
            SkipSpace();
            Expect('(');
            var left = ReadOperand();
            SkipSpace();
            var start = At;
            while (!IsAtEnd && Current is '=' or '!' or '<' or '>')
                At++;
            var op = text[start..At];
            Operand? right = null;
            if (op.Length > 0)
            {
                if (op is not ("==" or "!=" or "<" or "<=" or ">" or ">="))
                    throw new FormatException($"unrecognized filter operator {op}");
                right = ReadOperand();
                SkipSpace();
            }

            Expect(')');
            Expect(']');
            return new Filter(left, op, right);
        }

        private Operand ReadOperand()
        {
            SkipSpace();
            if (IsAtEnd)
                throw new FormatException("unterminated filter");
            if (Current is '\'' or '"')
                return new(null, JsonValue.Create(ReadQuoted()));
            if (Current is '@' or '.' or '$')
                return new(ReadSteps(), null);
            var start = At;
            while (!IsAtEnd && Current is not (' ' or ')' or '=' or '!' or '<' or '>'))
                At++;
            var word = text[start..At];
            if (word is "true" or "false")
                return new(null, JsonValue.Create(word == "true"));
            if (long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
                return new(null, JsonValue.Create(integer));
            return double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? new(null, JsonValue.Create(number)) : throw new FormatException($"unrecognized identifier {word}");
        }

        private string ReadQuoted()
        {
            var quote = text[At++];
            var result = new StringBuilder();
            while (!IsAtEnd && Current != quote)
            {
                if (Current == '\\' && At + 1 < text.Length)
                    At++;
                result.Append(text[At++]);
            }

            Expect(quote);
            return result.ToString();
        }

        private void Expect(char c)
        {
            if (IsAtEnd || Current != c)
                throw new FormatException(c == ']' ? "unterminated array" : c == ')' ? "unterminated filter" : "unterminated quoted string");
            At++;
        }

        private void SkipSpace()
        {
            while (!IsAtEnd && Current == ' ')
                At++;
        }
    }
}
