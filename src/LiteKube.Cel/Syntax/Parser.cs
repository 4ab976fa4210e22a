using System.Globalization;

namespace LiteKube.Cel;

/// <summary>Reads an expression into its tree, expanding macros. The first syntax error ends it.</summary>
internal sealed partial class Parser
{
    private const int MaxCodePoints = 100_000;
    private const int MaxDepth = 250;

    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace", "return", "var", "void", "while",
    };

    private readonly IssueList _issues;
    private readonly IReadOnlyDictionary<string, Macro> _macros;
    private readonly bool _optionalSyntax;
    private readonly List<Token> _tokens;
    private readonly ExpansionBudget _budget = new();
    private int _next;
    private int _exprDepth;
    private int _relationDepth;
    private int _calcDepth;
    private int _memberDepth;

    private Parser(List<Token> tokens, IssueList issues, IReadOnlyDictionary<string, Macro> macros, bool optionalSyntax)
    {
        _tokens = tokens;
        _issues = issues;
        _macros = macros;
        _optionalSyntax = optionalSyntax;
    }

    public static string MacroKey(string name, int argCount, bool receiver) => $"{name}:{argCount}:{receiver}";

    public static Expr? Parse(SourceText source, IssueList issues, IReadOnlyDictionary<string, Macro> macros, bool optionalSyntax)
    {
        var size = ValueText.RuneCount(source.Text);
        if (size > MaxCodePoints)
        {
            issues.Report(CelLocation.None, $"expression code point size exceeds limit: size: {size}, limit {MaxCodePoints}");
            return null;
        }
        var parser = new Parser(new Lexer(source.Text, issues).Read(), issues, macros, optionalSyntax);
        try
        {
            var expr = parser.ParseExpr();
            if (parser.Current.Kind != TokenKind.End)
                parser.Unexpected("<EOF>", alone: parser.PeekToken(1).Kind == TokenKind.End && parser.Current.Kind != TokenKind.Symbol);
            return issues.Count == 0 ? expr : null;
        }
        catch (SyntaxFault)
        {
            return null;
        }
    }

    /// <summary>Leaves the parser after a reported syntax error; never leaves <see cref="Parse"/>.</summary>
    private sealed class SyntaxFault : Exception;

    private Token Current => _tokens[_next];

    private Token PeekToken(int ahead) => _tokens[Math.Min(_next + ahead, _tokens.Count - 1)];

    private Token Take() => _tokens[_next++];

    private bool TryTake(string symbol)
    {
        if (!Current.Is(symbol))
            return false;
        _next++;
        return true;
    }

    private Token Expect(string symbol)
    {
        if (!Current.Is(symbol))
            throw Unexpected($"'{symbol}'", alone: PeekToken(1).Is(symbol));
        return Take();
    }

    private SyntaxFault Unexpected(string expected, bool alone = false)
    {
        _issues.Report(Current.Offset, $"Syntax error: {(alone ? "extraneous" : "mismatched")} input '{Written(Current)}' expecting {expected}");
        return new SyntaxFault();
    }

    private static string Written(Token token) => token.Kind switch
    {
        TokenKind.String => $"\"{token.Text[1..]}\"",
        TokenKind.Bytes => $"b\"{token.Text[1..]}\"",
        TokenKind.Uint => token.Text + "u",
        TokenKind.EscapedIdentifier => $"`{token.Text}`",
        _ => token.Text,
    };

    private void Deepen(ref int depth, int by = 1)
    {
        depth += by;
        if (depth <= MaxDepth)
            return;
        _issues.Report(CelLocation.None, $"expression recursion limit exceeded: {MaxDepth}");
        throw new SyntaxFault();
    }

    private Expr ParseExpr()
    {
        Deepen(ref _exprDepth);
        var condition = ParseOr();
        if (Current.Is("?"))
        {
            var offset = Take().Offset;
            var whenTrue = ParseOr();
            Expect(":");
            var whenFalse = ParseExpr();
            condition = new CallExpr(offset, Operators.Conditional, null, [condition, whenTrue, whenFalse]);
        }
        _exprDepth--;
        return condition;
    }

    private Expr ParseOr() => ParseLogic("||", Operators.Or, p => p.ParseLogic("&&", Operators.And, q => q.ParseRelation()));

    private Expr ParseLogic(string symbol, string function, Func<Parser, Expr> operand)
    {
        var first = operand(this);
        if (!Current.Is(symbol))
            return first;
        List<Expr> terms = [first];
        List<int> offsets = [];
        while (Current.Is(symbol))
        {
            offsets.Add(Take().Offset);
            terms.Add(operand(this));
        }
        return Balance(function, terms, offsets, 0, offsets.Count - 1);
    }

    /// <summary>A long chain becomes a balanced tree, so that it cannot exhaust the stack.</summary>
    private static CallExpr Balance(string function, List<Expr> terms, List<int> offsets, int low, int high)
    {
        var middle = (low + high + 1) / 2;
        var left = middle == low ? terms[middle] : Balance(function, terms, offsets, low, middle - 1);
        var right = middle == high ? terms[middle + 1] : Balance(function, terms, offsets, middle + 1, high);
        return new CallExpr(offsets[middle], function, null, [left, right]);
    }

    private Expr ParseRelation()
    {
        var entered = _relationDepth;
        Deepen(ref _relationDepth);
        var left = ParseCalc(0);
        while (Current.Kind == TokenKind.Symbol && Operators.Relation(Current.Text) is { } function)
        {
            var offset = Take().Offset;
            Deepen(ref _relationDepth);
            left = new CallExpr(offset, function, null, [left, ParseCalc(0)]);
        }
        _relationDepth = entered;
        return left;
    }

    private Expr ParseCalc(int minimum)
    {
        var entered = _calcDepth;
        Deepen(ref _calcDepth);
        var left = ParseUnary();
        while (Current.Kind == TokenKind.Symbol && Operators.Arithmetic(Current.Text) is { } function)
        {
            var precedence = Current.Text is "*" or "/" or "%" ? 2 : 1;
            if (precedence <= minimum)
                break;
            var offset = Take().Offset;
            Deepen(ref _calcDepth);
            left = new CallExpr(offset, function, null, [left, ParseCalc(precedence)]);
        }
        _calcDepth = entered;
        return left;
    }

    private Expr ParseUnary()
    {
        if (Current.Is("!"))
            return ParseRepeated("!", Operators.Not);
        var negativeLiteral = Current.Is("-") && PeekToken(1).Kind is TokenKind.Int or TokenKind.Double;
        return Current.Is("-") && !negativeLiteral ? ParseRepeated("-", Operators.Negate) : ParseMember();
    }

    private Expr ParseRepeated(string symbol, string function)
    {
        var offset = Current.Offset;
        var count = 0;
        while (Current.Is(symbol) && !(symbol == "-" && count > 0 && PeekToken(1).Kind is TokenKind.Int or TokenKind.Double))
        {
            _next++;
            count++;
        }
        var operand = ParseMember();
        return count % 2 == 0 ? operand : new CallExpr(offset, function, null, [operand]);
    }

    private Expr ParseMember()
    {
        var entered = _memberDepth;
        Deepen(ref _memberDepth);
        var expr = ParsePrimary();
        while (true)
        {
            if (Current.Is("."))
                expr = ParseSelection(expr);
            else if (Current.Is("["))
                expr = ParseIndex(expr);
            else
                break;
            Deepen(ref _memberDepth);
        }
        _memberDepth = entered;
        return expr;
    }

    private Expr ParseSelection(Expr operand)
    {
        var dot = Take();
        var optional = TryTake("?");
        if (Current.Kind is not (TokenKind.Identifier or TokenKind.EscapedIdentifier))
            throw NoField(optional);
        var name = Take();
        if (optional)
        {
            if (!_optionalSyntax)
                throw Fail(dot.Offset, "unsupported syntax '.?'");
            return new CallExpr(dot.Offset, Operators.OptionalSelect, null, [operand, new LiteralExpr(name.Offset, CelValue.String(name.Text))]);
        }
        if (name.Kind == TokenKind.EscapedIdentifier)
            throw Fail(name.Offset, "unsupported syntax: '`'");
        if (!Current.Is("("))
            return new SelectExpr(dot.Offset, operand, name.Text, testOnly: false);
        var open = Take();
        return CallOrMacro(open.Offset, name.Text, operand, ParseArguments());
    }

    private SyntaxFault NoField(bool optional)
    {
        // A word of the language where a name must stand has a message of its own.
        if (Current.Kind == TokenKind.Symbol && Current.Text is "true" or "false" or "null")
            return Fail(Current.Offset, $"Syntax error: mismatched input '{Current.Text}' expecting IDENTIFIER");
        return Fail(Current.Offset, $"Syntax error: no viable alternative at input '.{(optional ? "?" : "")}{(Current.Kind == TokenKind.End ? "" : Written(Current))}'");
    }

    private SyntaxFault Fail(int offset, string message)
    {
        _issues.Report(offset, message);
        return new SyntaxFault();
    }

    private Expr ParseIndex(Expr operand)
    {
        var open = Take();
        var optional = TryTake("?");
        var index = ParseExpr();
        Expect("]");
        if (optional && !_optionalSyntax)
            throw Fail(open.Offset, "unsupported syntax '[?'");
        return new CallExpr(open.Offset, optional ? Operators.OptionalIndex : Operators.Index, null, [operand, index]);
    }

    private Expr[] ParseArguments()
    {
        if (TryTake(")"))
            return [];
        List<Expr> args = [ParseExpr()];
        while (TryTake(","))
            args.Add(ParseExpr());
        if (!Current.Is(")"))
            throw Unexpected("{',', ')'}", alone: false);
        Take();
        return [.. args];
    }

    private Expr CallOrMacro(int offset, string function, Expr? target, Expr[] args)
    {
        if (_macros.TryGetValue(MacroKey(function, args.Length, target is not null), out var macro))
        {
            var context = new MacroContext(offset, _issues, _budget);
            var expanded = macro.Expand(context, target, args);
            if (expanded is not null)
                return expanded;
            if (context.Failed)
                return new LiteralExpr(offset, CelValue.Null);
        }
        return new CallExpr(offset, function, target, args);
    }

    private static bool TryParseInt(string text, bool negative, out long value)
    {
        value = 0;
        if (text.StartsWith("0x", StringComparison.Ordinal))
        {
            var digits = text.AsSpan(2).TrimStart('0');
            if (digits.Length > 16 || !ulong.TryParse(digits.IsEmpty ? "0" : digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var magnitude))
                return false;
            if (magnitude > (negative ? (ulong)long.MaxValue + 1 : long.MaxValue))
                return false;
            value = negative ? unchecked(-(long)magnitude) : (long)magnitude;
            return true;
        }
        return long.TryParse(negative ? "-" + text : text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryParseUint(string text, out ulong value)
    {
        if (!text.StartsWith("0x", StringComparison.Ordinal))
            return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        var digits = text.AsSpan(2).TrimStart('0');
        value = 0;
        return digits.Length <= 16 && (digits.IsEmpty || ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value));
    }
}
