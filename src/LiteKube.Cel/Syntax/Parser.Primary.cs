using System.Globalization;

namespace LiteKube.Cel;

internal sealed partial class Parser
{
    private const string ExpectedPrimary = "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
    private const string ExpectedPrimaryOrEntry = "'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

    private Expr ParsePrimary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                return ParseName(leadingDot: false);
            case TokenKind.Symbol when token.Text == "." && PeekToken(1).Kind == TokenKind.Identifier:
                _next++;
                return ParseName(leadingDot: true);
            case TokenKind.Symbol when token.Text == "(":
                _next++;
                var inner = ParseExpr();
                Expect(")");
                return inner;
            case TokenKind.Symbol when token.Text == "[":
                return ParseList();
            case TokenKind.Symbol when token.Text == "{":
                return ParseMap();
            default:
                return ParseLiteral() ?? throw NoPrimary("{" + ExpectedPrimary);
        }
    }

    private SyntaxFault NoPrimary(string expected) => Unexpected(expected, alone: StartsPrimary(PeekToken(1)));

    private static bool StartsPrimary(Token token) => token.Kind switch
    {
        TokenKind.End or TokenKind.EscapedIdentifier => false,
        TokenKind.Symbol => token.Text is "[" or "{" or "(" or "." or "-" or "!" or "true" or "false" or "null",
        _ => true,
    };

    private Expr ParseName(bool leadingDot)
    {
        var first = Take();
        var start = leadingDot ? _next - 2 : _next - 1;
        if (IsMessage(out var braceIndex))
            return ParseStruct(leadingDot, first, braceIndex);
        var offset = _tokens[start].Offset;
        var name = (leadingDot ? "." : "") + first.Text;
        if (Reserved.Contains(first.Text))
        {
            // Reported, then read on, so that every reserved name of an expression is told at once.
            _issues.Report(offset, $"reserved identifier: {first.Text}");
            if (TryTake("("))
                ParseArguments();
            return new LiteralExpr(offset, CelValue.Null);
        }
        if (!Current.Is("("))
            return new IdentExpr(first.Offset, name);
        var open = Take();
        return CallOrMacro(open.Offset, name, null, ParseArguments());
    }

    /// <summary>Whether the names that follow lead to a brace, which makes them the name of a type.</summary>
    private bool IsMessage(out int braceIndex)
    {
        braceIndex = _next;
        while (_tokens[braceIndex].Is(".") && _tokens[braceIndex + 1].Kind == TokenKind.Identifier)
            braceIndex += 2;
        return _tokens[braceIndex].Is("{");
    }

    private StructExpr ParseStruct(bool leadingDot, Token first, int braceIndex)
    {
        var name = (leadingDot ? "." : "") + first.Text;
        for (; _next < braceIndex; _next += 2)
            name += "." + _tokens[_next + 1].Text;
        var brace = Take();
        List<FieldEntry> fields = [];
        while (!Current.Is("}"))
        {
            if (fields.Count == 0 && TryTake(","))
                break;
            var optional = TakeOptional();
            if (Current.Kind is not (TokenKind.Identifier or TokenKind.EscapedIdentifier))
                throw Unexpected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}", alone: PeekToken(1).Kind == TokenKind.Identifier);
            var field = Take();
            if (field.Kind == TokenKind.EscapedIdentifier)
                throw Fail(field.Offset, "unsupported syntax: '`'");
            var colon = Expect(":");
            fields.Add(new(colon.Offset, field.Text, ParseExpr(), optional));
            if (!TryTake(","))
                break;
        }
        Close("}");
        return new StructExpr(brace.Offset, name, [.. fields]);
    }

    private void Close(string symbol)
    {
        if (!Current.Is(symbol))
            throw Unexpected($"{{'{symbol}', ','}}");
        _next++;
    }

    private bool TakeOptional()
    {
        if (!Current.Is("?"))
            return false;
        if (!_optionalSyntax)
            throw Fail(Current.Offset, "unsupported syntax '?'");
        _next++;
        return true;
    }

    private ListExpr ParseList()
    {
        var open = Take();
        List<Expr> elements = [];
        List<bool> optional = [];
        while (!Current.Is("]"))
        {
            if (elements.Count == 0 && TryTake(","))
                break;
            optional.Add(TakeOptional());
            elements.Add(ParseExpr());
            if (!TryTake(","))
                break;
        }
        if (!Current.Is("]"))
            throw Unexpected("{']', ','}");
        _next++;
        return new ListExpr(open.Offset, [.. elements], [.. optional]);
    }

    private MapExpr ParseMap()
    {
        var open = Take();
        List<MapEntry> entries = [];
        while (!Current.Is("}"))
        {
            if (entries.Count == 0 && TryTake(","))
                break;
            if (entries.Count == 0 && !Current.Is("?") && !StartsPrimary(Current))
                throw NoPrimary("{" + ExpectedPrimaryOrEntry);
            var optional = TakeOptional();
            var key = ParseExpr();
            var colon = Expect(":");
            entries.Add(new(colon.Offset, key, ParseExpr(), optional));
            if (!TryTake(","))
                break;
        }
        Close("}");
        return new MapExpr(open.Offset, [.. entries]);
    }

    private LiteralExpr? ParseLiteral()
    {
        var token = Current;
        var offset = token.Offset;
        var negative = token.Is("-") && PeekToken(1).Kind is TokenKind.Int or TokenKind.Double;
        if (negative)
        {
            _next++;
            token = Current;
        }
        CelValue? value;
        string error = "";
        switch (token.Kind)
        {
            case TokenKind.Int:
                value = TryParseInt(token.Text, negative, out var signed) ? CelValue.Int(signed) : null;
                error = "invalid int literal";
                break;
            case TokenKind.Uint:
                value = TryParseUint(token.Text, out var unsigned) ? CelValue.Uint(unsigned) : null;
                error = "invalid uint literal";
                break;
            case TokenKind.Double:
                var number = double.Parse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture);
                value = double.IsFinite(number) ? CelValue.Double(negative ? -number : number) : null;
                error = "invalid double literal";
                break;
            case TokenKind.String:
                value = Unescape.ToText(token.Text[1..], token.Text[0] == 'r') is { } text ? CelValue.String(text) : null;
                error = "unable to unescape string";
                break;
            case TokenKind.Bytes:
                value = Unescape.ToBytes(token.Text[1..], token.Text[0] == 'r') is { } bytes ? CelValue.Bytes(bytes) : null;
                error = "unable to unescape string";
                break;
            case TokenKind.Symbol when token.Text is "true" or "false" or "null":
                value = token.Text == "null" ? CelValue.Null : CelValue.Bool(token.Text == "true");
                break;
            default:
                return null;
        }
        _next++;
        if (value is null)
            _issues.Report(offset, error);
        return new LiteralExpr(offset, value ?? CelValue.Null);
    }
}
