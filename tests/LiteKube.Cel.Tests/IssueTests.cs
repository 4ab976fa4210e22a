namespace LiteKube.Cel.Tests;

public sealed class IssueTests
{
    private static readonly CelEnvironment Environment = CelEnvironment.Kubernetes.With(
        variables: [new("self", CelType.Struct("Root")), new("n", CelType.Int), new("s", CelType.String), new("l", CelType.List(CelType.Int))],
        typeProvider: new RootType());

    private sealed class RootType : ICelTypeProvider
    {
        public CelType? FindType(string name) => name == "Root" ? CelType.Struct("Root") : null;

        public CelType? FindField(string typeName, string field) => field switch
        {
            "replicas" => CelType.Int,
            "name" => CelType.String,
            "labels" => CelType.Map(CelType.String, CelType.String),
            _ => null,
        };
    }

    public static TheoryData<string, string> FirstLines => CelTable.Pairs("""
        self.missing => ERROR: <input>:1:5: undefined field 'missing'
        n == s => ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'
        n + 'x' => ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'
        unknown => ERROR: <input>:1:1: undeclared reference to 'unknown' (in container '')
        nope(1) => ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')
        s.nope() => ERROR: <input>:1:7: undeclared reference to 'nope' (in container '')
        s.startsWith(1) => ERROR: <input>:1:13: found no matching overload for 'startsWith' applied to 'string.(int)'
        n.x => ERROR: <input>:1:2: type 'int' does not support field selection
        n && true => ERROR: <input>:1:1: expected type 'bool' but found 'int'
        [1, 'a'] => ERROR: <input>:1:5: expected type 'int' but found 'string'
        {'a': 1, 'b': 'c'} => ERROR: <input>:1:15: expected type 'int' but found 'string'
        n.all(x, true) => ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)
        l.all(x, 1) => ERROR: <input>:1:10: expected type 'bool' but found 'int'
        Root{replicas: 'x'} => ERROR: <input>:1:14: expected type of field 'replicas' is 'int' but provided type is 'string'
        Nope{a: 1} => ERROR: <input>:1:5: undeclared reference to 'Nope' (in container '')
        has(n) => ERROR: <input>:1:5: invalid argument to has() macro
        l.all(1, true) => ERROR: <input>:1:7: argument must be a simple name
        l.map(a.b, true) => ERROR: <input>:1:8: argument is not an identifier
        l.all(x, x, true) => ERROR: <input>:1:10: duplicate variable name: x
        l.map(__result__, 1) => ERROR: <input>:1:7: iteration variable overwrites accumulator variable
        optional.of(1).optMap(1, 2) => ERROR: <input>:1:23: optMap() variable name must be a simple identifier
        duration('x') == duration('1s') => ERROR: <input>:1:10: invalid duration argument
        timestamp('x') < timestamp('y') => ERROR: <input>:1:11: invalid timestamp argument
        s.matches('a(') => ERROR: <input>:1:11: invalid matches argument
        namespace => ERROR: <input>:1:1: reserved identifier: namespace
        0xFFFFFFFFFFFFFFFFF => ERROR: <input>:1:1: invalid int literal
        18446744073709551616u => ERROR: <input>:1:1: invalid uint literal
        1.99e90000009 => ERROR: <input>:1:1: invalid double literal
        a | b => ERROR: <input>:1:3: Syntax error: token recognition error at: '| '
        1 + $ => ERROR: <input>:1:5: Syntax error: token recognition error at: '$'
        { => ERROR: <input>:1:2: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        1 + + => ERROR: <input>:1:5: Syntax error: mismatched input '+' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        *n => ERROR: <input>:1:1: Syntax error: extraneous input '*' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        {n} => ERROR: <input>:1:3: Syntax error: mismatched input '}' expecting ':'
        size(l)(1) => ERROR: <input>:1:8: Syntax error: mismatched input '(' expecting <EOF>
        s."a" => ERROR: <input>:1:3: Syntax error: no viable alternative at input '."a"'
        "abc => ERROR: <input>:1:1: Syntax error: token recognition error at: '"abc'
        """);

    [Theory]
    [MemberData(nameof(FirstLines))]
    public void An_issue_is_told_in_the_words_of_cel_go(string expression, string expected) =>
        Assert.Equal(expected, CelTable.IssueText(expression, Environment).Split('\n')[0]);

    [Fact]
    public void An_issue_shows_its_line_with_a_caret() => Assert.Equal(
        "ERROR: <input>:2:6: undefined field 'missing'\n |  self.missing > 1\n | .....^",
        CelTable.IssueText("true &&\n self.missing > 1", Environment));

    [Fact]
    public void Carets_stay_below_wide_characters() =>
        Assert.Equal("ERROR: <input>:1:7: undeclared reference to 'x' (in container '')\n | 'é' + x\n | .．....^", CelTable.IssueText("'é' + x", Environment));

    [Fact]
    public void Several_issues_come_in_the_order_of_their_places()
    {
        var lines = CelTable.IssueText("self.a == 1 && self.b == 2", Environment).Split('\n').Where(l => l.StartsWith("ERROR", StringComparison.Ordinal));
        Assert.Equal(["ERROR: <input>:1:5: undefined field 'a'", "ERROR: <input>:1:20: undefined field 'b'"], lines);
    }

    [Fact]
    public void Nesting_has_a_limit()
    {
        Assert.StartsWith("ERROR: <input>:-1:0: expression recursion limit exceeded: 250", CelTable.IssueText(new string('(', 300) + "1" + new string(')', 300)), StringComparison.Ordinal);
        Assert.StartsWith("ERROR: <input>:-1:0: expression recursion limit exceeded: 250", CelTable.IssueText("1" + string.Concat(Enumerable.Repeat(" + 1", 300))), StringComparison.Ordinal);
        CelTable.AssertTrue("true" + string.Concat(Enumerable.Repeat(" && true", 5000)));
    }

    [Fact]
    public void Length_has_a_limit() =>
        Assert.StartsWith("ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100002, limit 100000", CelTable.IssueText("'" + new string('a', 100_000) + "'"), StringComparison.Ordinal);

    [Fact]
    public void A_constant_conversion_that_fails_fails_the_compilation() =>
        Assert.Equal("program instantiation failed: type conversion error from 'string' to 'int'", CelTable.IssueText("int('x') == 1"));

    [Fact]
    public void Stored_expressions_are_not_refused_for_literals_that_only_fail_at_run_time() =>
        Assert.NotNull(Environment.With(validateLiterals: false).Compile("s.matches('a') || ['x'] == [s]").Program);

    public static TheoryData<string, string> Types => CelTable.Pairs("""
        self.replicas > 1 => bool
        self.name + 'x' => string
        l.map(x, string(x)) => list(string)
        self.labels => map(string, string)
        self.?name => optional_type(string)
        {} => map(dyn, dyn)
        dyn(1) => dyn
        type(1) => type(int)
        n > 1 ? [1] : [] => list(int)
        timestamp('2024-01-01T00:00:00Z') - timestamp('2023-01-01T00:00:00Z') => duration
        optional.none() => optional_type(dyn)
        """);

    [Theory]
    [MemberData(nameof(Types))]
    public void The_checker_finds_the_type(string expression, string type) => Assert.Equal(type, CelTable.Compile(expression, Environment).OutputType.ToString());

    [Fact]
    public void A_program_tells_which_names_it_reads()
    {
        var program = CelTable.Compile("self.replicas >= n && l.all(x, x > 0)", Environment);
        Assert.Equal(["l", "n", "self"], program.ReferencedNames.Order());
    }
}
