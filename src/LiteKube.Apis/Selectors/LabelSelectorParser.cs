using LiteKube.Apis.Codec;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Selectors;

/// <summary>
/// Kubernetes' grammar for selectors in query strings:
/// <c>[!]KEY | KEY (= | == | != | &lt; | &gt;) [VALUE] | KEY (in | notin) ([VALUE], ...)</c>, joined by commas.
/// </summary>
internal sealed class LabelSelectorParser(string text)
{
    private readonly List<Token> _tokens = [];
    private int _at;

    private enum TokenKind
    {
        End,
        Word,
        Not,
        Operator,
        Comma,
        Open,
        Close,
    }

    public List<LabelRequirement> Parse()
    {
        Scan();
        var requirements = new List<LabelRequirement>();
        while (true)
        {
            if (Current.Kind == TokenKind.End)
                return requirements;
            if (Current.Kind is not (TokenKind.Word or TokenKind.Not))
                throw Expected("!, identifier, or 'end of string'");
            try
            {
                requirements.Add(ReadRequirement());
            }
            catch (FormatException e)
            {
                throw new FormatException("unable to parse requirement: " + e.Message);
            }

            if (Current.Kind == TokenKind.End)
                return requirements;
            if (Current.Kind != TokenKind.Comma)
                throw Expected("',' or 'end of string'");
            _at++;
            if (Current.Kind is not (TokenKind.Word or TokenKind.Not))
                throw Expected("identifier after ','");
        }
    }

    private Token Current => _tokens[_at];

    private LabelRequirement ReadRequirement()
    {
        var isNegated = Current.Kind == TokenKind.Not;
        if (isNegated)
            _at++;
        if (Current.Kind != TokenKind.Word)
            throw Expected("identifier");
        var key = Current.Text;
        if (NameFormats.LabelKey(key) is { Count: > 0 } errors)
            throw new FormatException($"<nil>: Invalid value: {GoText.Quote(key)}: {string.Join("; ", errors)}");
        _at++;
        if (isNegated)
            return LabelRequirement.Create(key, LabelOperator.DoesNotExist, []);
        if (Current.Kind is TokenKind.End or TokenKind.Comma)
            return LabelRequirement.Create(key, LabelOperator.Exists, []);

        var operation = Current.Text;
        if (Current.Kind != TokenKind.Operator && !(Current.Kind == TokenKind.Word && operation is "in" or "notin"))
            throw Expected("in, notin, =, ==, !=, gt, lt");
        _at++;
        return operation switch
        {
            "in" => LabelRequirement.Create(key, LabelOperator.In, ReadSet()),
            "notin" => LabelRequirement.Create(key, LabelOperator.NotIn, ReadSet()),
            "!=" => LabelRequirement.Create(key, LabelOperator.NotIn, [ReadExact()]),
            ">" => LabelRequirement.Create(key, LabelOperator.GreaterThan, [ReadExact()]),
            "<" => LabelRequirement.Create(key, LabelOperator.LessThan, [ReadExact()]),
            _ => LabelRequirement.Create(key, LabelOperator.In, [ReadExact()]),
        };
    }

    private string ReadExact()
    {
        if (Current.Kind is TokenKind.End or TokenKind.Comma)
            return "";
        if (Current.Kind != TokenKind.Word)
            throw Expected("identifier");
        return _tokens[_at++].Text;
    }

    // Elements may be empty: (,a) holds "" and "a", () holds "".
    private List<string> ReadSet()
    {
        if (Current.Kind != TokenKind.Open)
            throw new FormatException($"found '{Current.Text}' expected: '('");
        _at++;
        var values = new List<string>();
        while (true)
        {
            if (Current.Kind == TokenKind.Word)
                values.Add(_tokens[_at++].Text);
            else if (Current.Kind is TokenKind.Comma or TokenKind.Close)
                values.Add("");
            else
                throw Expected(values.Count == 0 ? "',', ')' or identifier" : "',', or identifier");
            if (Current.Kind == TokenKind.Close)
            {
                _at++;
                return values;
            }

            if (Current.Kind != TokenKind.Comma)
                throw Expected("',' or ')'");
            _at++;
        }
    }

    private FormatException Expected(string what) => new($"found '{Current.Text}', expected: {what}");

    private void Scan()
    {
        var at = 0;
        while (true)
        {
            while (at < text.Length && text[at] is (' ' or '\t' or '\r' or '\n'))
                at++;
            if (at >= text.Length || text[at] == '\0')
            {
                _tokens.Add(new(TokenKind.End, ""));
                return;
            }

            var start = at;
            if (IsSpecial(text[at]))
            {
                at += text.AsSpan(at).StartsWith("==") || text.AsSpan(at).StartsWith("!=") ? 2 : 1;
                _tokens.Add(Special(text[start..at]));
                continue;
            }

            while (at < text.Length && !IsSpecial(text[at]) && text[at] is not (' ' or '\t' or '\r' or '\n' or '\0'))
                at++;
            _tokens.Add(new(TokenKind.Word, text[start..at]));
        }
    }

    private static bool IsSpecial(char c) => c is '=' or '!' or '(' or ')' or ',' or '>' or '<';

    private static Token Special(string symbol) => new(symbol switch { "!" => TokenKind.Not, "," => TokenKind.Comma, "(" => TokenKind.Open, ")" => TokenKind.Close, _ => TokenKind.Operator }, symbol);

    private readonly record struct Token(TokenKind Kind, string Text);
}
