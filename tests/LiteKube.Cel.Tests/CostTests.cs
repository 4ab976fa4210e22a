namespace LiteKube.Cel.Tests;

/// <summary>Costs are an interface: rules are refused by them. The figures are those of cel-go.</summary>
public sealed class CostTests
{
    private static readonly CelEnvironment Environment = CelEnvironment.Kubernetes.With(variables:
    [
        new("a", CelType.Bool), new("b", CelType.Bool), new("s", CelType.String), new("t", CelType.String), new("y", CelType.Bytes), new("x", CelType.Int),
        new("l", CelType.List(CelType.Int)), new("l2", CelType.List(CelType.Int)), new("ls", CelType.List(CelType.String)), new("ll", CelType.List(CelType.List(CelType.Int))),
        new("m", CelType.Map(CelType.String, CelType.Int)), new("mm", CelType.Map(CelType.String, CelType.Map(CelType.String, CelType.String))), new("ts", CelType.Timestamp),
    ]);

    private static CelActivation Values => new CelActivation()
        .Set("a", CelValue.False).Set("b", CelValue.False).Set("s", CelValue.String(new string('s', 500))).Set("t", CelValue.String(new string('t', 500))).Set("x", CelValue.Int(1))
        .Set("y", CelValue.Bytes(new byte[500])).Set("l", CelValue.List(CelValue.Int(1), CelValue.Int(2))).Set("l2", CelValue.List()).Set("m", CelJson.FromJson(new System.Text.Json.Nodes.JsonObject { ["k"] = 1 }))
        .Set("mm", CelJson.FromJson(new System.Text.Json.Nodes.JsonObject { ["k"] = new System.Text.Json.Nodes.JsonObject() }));

    public static TheoryData<string, string> RunTime => CelTable.Pairs("""
        'literal' => 0
        x => 1
        m['k'] => 2
        m.k => 2
        l[0] => 2
        l[3 - 3] => 3
        m['' + 'k'] => 3
        has(m.k) => 1
        has(mm.k.z) => 2
        [1, 2, 3] => 10
        {'a': 1, 'b': 2} => 30
        [1, 2, 3].all(x, true) => 20
        s.matches('[0-9]') => 103
        '123'.matches('[0-9]') => 2
        a || b || a || b => 4
        a && b => 1
        true || a => 0
        1 < 2 => 1
        2 in [1, 2, 3] => 13
        true ? 1 : 2 => 0
        '12345678901234567890' == '123456789012345678901234567890' => 2
        string(y) => 51
        bytes(s) => 51
        s.contains(t) => 2502
        size(s) => 2
        (x > 2 ? l : l2).all(y, true) => 3
        (1 > 2 ? 5 : 3) > 1 => 2
        (1 > 2 || 2 > 1) == true => 3
        [1,2,3,4,5].filter(x, x % 2 == 0) => 62
        [1,2,3,4,5].map(x, x) => 86
        [1,2,3,4,5].map(x, x).filter(x, x % 2 == 0) => 138
        [1,2,3,4,5].map(x, x).exists(x, x == 5) == true => 118
        [1,2,3,4,5].map(x, [x, x]).filter(z, z.size() == 2) => 232
        [1,2,3].all(i, i in [1,2,3].map(j, j + j)) => 86
        [{'k1': 1}, {'k2': 2}].all(x, true) => 77
        """);

    [Theory]
    [MemberData(nameof(RunTime))]
    public void An_evaluation_costs(string expression, string cost)
    {
        var result = CelTable.Compile(expression, Environment.WithoutFolding()).Evaluate(Values);
        Assert.False(result.Value.IsError, result.Value.ToString());
        Assert.Equal(cost, result.Cost.ToString());
    }

    private sealed class Hints : ICelSizeEstimator
    {
        private static readonly Dictionary<string, ulong> Known = new()
        {
            ["s"] = 500,
            ["t"] = 500,
            ["y"] = 500,
            ["l"] = 100,
            ["l2"] = 10,
            ["ll"] = 50,
            ["ll.@items"] = 10,
            ["m"] = 10,
            ["m.@keys"] = 10,
            ["mm"] = 5,
            ["mm.@values"] = 10,
            ["ls"] = 10,
            ["ls.@items"] = 64,
        };

        public CelSizeEstimate? EstimateSize(IReadOnlyList<string> path, CelType type) => Known.TryGetValue(string.Join('.', path), out var max) ? new(0, max) : null;
    }

    public static TheoryData<string, string> Estimates => CelTable.Pairs("""
        'literal' => 0..0
        x => 1..1
        m['key'] => 2..2
        m.key => 2..2
        has(m.key) => 1..1
        has(mm.a.b) => 2..2
        ts.getFullYear() => 2..2
        [1, 2, 3] => 10..10
        {'a': 1} => 30..30
        l.all(x, true) => 2..302
        ll.all(x, x.all(y, true)) => 2..1752
        [1, 2, 3].all(x, true) => 20..20
        s.matches('[0-9]') => 3..103
        '123'.matches('[0-9]') => 2..2
        a || b || a || b => 1..4
        1 < 2 => 1..1
        2 in [1, 2, 3] => 13..13
        true ? 1 : 2 => 0..0
        size(s) => 2..2
        string(y) => 1..51
        string(y) == string(y) => 3..152
        bytes(s) == bytes(s) => 3..302
        s.contains(t) => 2..2502
        s.startsWith(t) => 2..52
        (x > 2 ? l2 : l2).all(y, true) => 4..34
        mm.all(k, mm[k].all(z, true)) => 2..187
        m.all(k, k.contains(k)) => 2..62
        (l2 + l2).all(x, true) => 4..64
        [1,2,3,4,5].filter(x, x % 2 == 0) => 41..101
        [1,2,3,4,5].map(x, x) => 86..86
        [1,2,3,4,5].map(x, x).filter(x, x % 2 == 0) => 117..177
        [1,2,3,4,5].map(x, x).exists(x, x == 5) == true => 108..118
        [1,2,3,4,5].map(x, x)[4] => 87..87
        [[1,2],[1,2],[1,2],[1,2],[1,2]][4] => 61..61
        {'a': [1,2], 'b': [1,2], 'c': [1,2], 'd': [1,2], 'e': [1,2]}.b => 81..81
        [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]].all(y, y.all(y, y == 1)) => 76..136
        [1,2,3,4,5].map(x, [x, x]).all(y, y.all(y, y == 1)) => 157..217
        ['a', 'ab', 'abc', 'abcd', 'abcde'].map(x, [x, x]).all(y, y.all(y, y.startsWith('a'))) => 157..217
        ((5 != 6) == (1 == 2)) == ((3 <= 4) == (9 != 9)) => 7..7
        string(ts) == string(ts) => 5..1844674407370955268
        s.lowerAscii() == t => 3..102
        ls.isSorted() => 1..81
        ls.join(',') => 1..66
        """);

    [Theory]
    [MemberData(nameof(Estimates))]
    public void An_expression_is_estimated_at(string expression, string range)
    {
        var estimate = CelTable.Compile(expression, Environment).EstimateCost(new Hints());
        Assert.Equal(range, $"{estimate.Min}..{estimate.Max}");
    }

    [Fact]
    public void A_limit_ends_an_evaluation_even_where_errors_are_absorbed()
    {
        var program = CelTable.Compile("[1,2,3,4,5].map(x, x).exists(x, x == 9) || true", Environment);
        Assert.Equal(new("operation cancelled: actual cost limit exceeded", CelErrorReason.CostLimitExceeded), program.Evaluate(Values, costLimit: 20).Error);
        Assert.Null(program.Evaluate(Values, costLimit: 200).Error);
    }

    [Fact]
    public void A_cancelled_token_ends_an_evaluation()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var program = CelTable.Compile("lists.range(1000).all(x, x >= 0)");
        Assert.Equal(CelErrorReason.Cancelled, program.Evaluate(new(), cancellationToken: cancelled.Token).Error?.Reason);
    }

    [Theory]
    [InlineData("[1]", "X + X", "X.size()", 60)]
    [InlineData("'aaaa'", "X + X", "X.size()", 60)]
    [InlineData("'aaaa'", "X.replace('', X)", "X.size()", 20)]
    [InlineData("dyn([dyn(1)])", "dyn([dyn(X), dyn(X)])", "X == dyn(X)", 60)]
    [InlineData("dyn([dyn(1)])", "dyn([dyn(X), dyn(X)])", "'%s'.format([X])", 60)]
    [InlineData("lists.range(3000000)", "X", "X.distinct()", 1)]
    [InlineData("100000000", "X", "lists.range(X)", 1)]
    public void Work_within_one_operation_is_bounded(string first, string step, string last, int times)
    {
        var expression = new System.Text.StringBuilder($"cel.bind(x0, {first}, ");
        for (var i = 0; i < times; i++)
            expression.Append($"cel.bind(x{i + 1}, {step.Replace("X", $"x{i}", StringComparison.Ordinal)}, ");
        expression.Append(last.Replace("X", $"x{times}", StringComparison.Ordinal)).Append(')', times + 1);
        var program = CelTable.Compile(expression.ToString(), CelEnvironment.Kubernetes.With(libraries: [CelLibraries.Bindings]));
        Assert.Equal(CelErrorReason.CostLimitExceeded, program.Evaluate(new(), costLimit: ulong.MaxValue).Error?.Reason);
    }

    [Fact]
    public void Macros_that_copy_their_target_cannot_blow_an_expression_up() =>
        Assert.Contains("expression size after macro expansion exceeds limit", CelTable.IssueText("optional.of(1)" + string.Concat(Enumerable.Repeat(".optMap(x, x)", 60))), StringComparison.Ordinal);

    [Theory]
    [InlineData(20_000_000ul, "estimated rule cost exceeds budget by factor of 2.0x")]
    [InlineData(12_000_000ul, "estimated rule cost exceeds budget by factor of 1.200000x")]
    [InlineData(2_000_000_000ul, "estimated rule cost exceeds budget by factor of more than 100x")]
    public void A_rule_over_the_budget_is_told_by_how_much(ulong cost, string message) =>
        Assert.StartsWith(message + " (try simplifying the rule, or adding maxItems,", CelCostLimits.ExceededMessage("estimated rule cost", cost, CelCostLimits.EstimatedRule), StringComparison.Ordinal);
}
