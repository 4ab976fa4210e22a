using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace LiteKube.Apis.Tables;

public sealed partial class PrinterPath
{
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
