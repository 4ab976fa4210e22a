using System.Text.Json.Nodes;
using CsCheck;

namespace LiteKube.Cel.Tests;

/// <summary>No text and no tree of operators makes anything but reported issues and error values.</summary>
public sealed class FuzzTests
{
    private static readonly CelEnvironment Environment = CelEnvironment.Kubernetes.With(
        variables: [new("x", CelType.Int), new("s", CelType.String), new("d", CelType.Dyn), new("l", CelType.List(CelType.Dyn)), new("m", CelType.Map(CelType.String, CelType.Dyn))],
        typeProvider: CelTypeProviders.Mutation,
        libraries: [CelLibraries.Bindings, CelLibraries.JsonPatch]);

    private static CelActivation Activation() => new CelActivation()
        .Set("x", CelValue.Int(3)).Set("s", CelValue.String("text")).Set("d", CelJson.FromJson(JsonNode.Parse("""{"a": [1, 2.5, "b", null, {"c": true}]}""")))
        .Set("l", CelJson.FromJson(JsonNode.Parse("""[1, "a", null, [2], {"k": 1}]"""))).Set("m", CelJson.FromJson(JsonNode.Parse("""{"k": 1, "n": null}""")));

    private static void RunAny(string expression)
    {
        var compilation = Environment.Compile(expression);
        Assert.True(compilation.Program is null == compilation.Issues.Count > 0, expression);
        if (compilation.Program is not { } program)
            return;
        var result = program.Evaluate(Activation(), costLimit: 10_000);
        Assert.NotEqual(CelKind.None, result.Value.Kind);
        var estimate = program.EstimateCost();
        Assert.True(estimate.Min <= estimate.Max, expression);
    }

    private static readonly string[] Tokens =
    [
        "x", "s", "d", "l", "m", "1", "2u", "1.5", "'a'", "b'a'", "true", "null", "[", "]", "{", "}", "(", ")", ".", ",", ":", "?", "+", "-", "*", "/", "%", "==", "!=", "<", ">=",
        "&&", "||", "!", "in", "has(", ".all(", ".map(", ".exists(", ".filter(", "optional.of(", ".?a", "[?", "size(", "cel.bind(", "Object{", "JSONPatch{", "dyn(", "type(", "int", "`a`", "'", "\"", "//", "\n",
    ];

    private static Gen<string> Pick(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    [Fact]
    public void Any_text_is_compiled_or_refused() => Gen.String[0, 60].Sample(RunAny, iter: 20_000);

    [Fact]
    public void Any_row_of_tokens_is_compiled_or_refused() => Pick(Tokens).Array[1, 14].Select(t => string.Concat(t)).Sample(RunAny, iter: 30_000);

    private static Gen<string> Tree(int depth)
    {
        var leaf = Pick("x", "s", "d", "l", "m", "d.a", "m.k", "l[0]", "m[?'k']", "1", "0", "-1", "9223372036854775807", "2u", "1.5", "double('NaN')", "'a'", "''", "b'a'", "true", "false", "null", "[]", "{}", "timestamp(0)", "duration('1h')", "optional.none()", "quantity('1k')", "ip('::1')", "'a+'");
        if (depth == 0)
            return leaf;
        var sub = Tree(depth - 1);
        var binary = Gen.Select(sub, Pick("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", "&&", "||", "in"), sub, (a, op, b) => $"({a} {op} {b})");
        var dynamic = Gen.Select(sub, Pick("+", "-", "*", "/", "%", "==", "<", "&&", "||", "in"), sub, (a, op, b) => $"(dyn({a}) {op} dyn({b}))");
        var unary = Gen.Select(Pick("!", "-", "size", "string", "int", "uint", "double", "bool", "bytes", "type", "dyn", "timestamp", "duration", "url", "semver", "cidr", "lists.range"), sub, (f, a) => f.Length == 1 ? $"{f}({a})" : $"{f}(dyn({a}))");
        var member = Gen.Select(sub, Pick("size()", "sort()", "distinct()", "reverse()", "flatten()", "sum()", "min()", "isSorted()", "join()", "trim()", "split('a')", "first()", "value()", "hasValue()", "getHours()", "lowerAscii()", "format([1])", "a", "?a.b", "isInteger()", "unwrapOpt()", "asInteger()"), (a, f) => $"dyn({a}).{f}");
        var two = Gen.Select(sub, Pick("startsWith", "contains", "matches", "find", "findAll", "indexOf", "replace('a', ", "substring", "orValue", "includes", "format", "compareTo", "add"), sub, (a, f, b) => f.Contains('(') ? $"dyn({a}).{f}dyn({b}))" : $"dyn({a}).{f}(dyn({b}))");
        var macro = Gen.Select(sub, Pick("all", "exists", "exists_one", "map", "filter", "sortBy", "optMap"), sub, (a, f, b) => $"dyn({a}).{f}(x, dyn({b}))");
        var macro2 = Gen.Select(sub, Pick("all", "exists", "transformList", "transformMap", "transformMapEntry"), sub, (a, f, b) => $"dyn({a}).{f}(i, v, dyn({b}))");
        var other = Gen.Select(sub, sub, sub, (a, b, c) => $"(dyn({a}) ? [dyn({b})] : {{dyn({c}): dyn({a})}}.map(k, k))");
        var bind = Gen.Select(sub, sub, (a, b) => $"cel.bind(x, dyn({a}), [dyn({b}), dyn(x), x])");
        return Gen.OneOf(leaf, binary, dynamic, unary, member, two, macro, macro2, other, bind);
    }

    [Fact]
    public void Any_tree_of_operators_gives_a_value_or_an_error() => Tree(4).Sample(RunAny, iter: 20_000);

    [Fact]
    public void Any_pattern_is_compiled_or_refused()
    {
        var part = Pick("a", "b", ".", "*", "+", "?", "{2}", "{2,}", "{1,3}", "(", ")", "(?:", "(?i)", "(?P<n>", "[a-z]", "[^a]", "[", "]", "\\d", "\\W", "\\pL", "\\x41", "\\", "|", "^", "$", "\\b", "\\Q", "\\E", "😀", "é", "[[:alpha:]]", "-", "{");
        part.Array[0, 10].Select(p => string.Concat(p)).Sample(
            pattern =>
            {
                if (Re2Regex.TryCompile(pattern, out var regex, out var error))
                    regex.FindAll("aab é😀 AB\n12", -1);
                else
                    Assert.StartsWith("error parsing regexp: ", error, StringComparison.Ordinal);
            },
            iter: 30_000);
    }
}
