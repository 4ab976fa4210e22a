namespace LiteKube.Cel.Tests;

/// <summary>The topics of the specification's conformance suite, each line an expression that is true.</summary>
public sealed class LanguageTests
{
    public static TheoryData<string> True => CelTable.Lines("""
        0 == 0
        42u == 42u
        -9223372036854775808 < 0
        0xff == 255 && 0x55u == 85u && -0x10 == -16
        2.5e3 == 2500.0 && .5 == 0.5
        'a' == "a" && '''it's''' == "it's" && r'\n' == '\\n'
        '\x41\u00e9\U0001F600\101' == 'Aé😀A'
        b'\xff\000' == b'\xff\x00' && size(b'é') == 2
        b'abc' + b'd' == b'abcd'
        [1, 2, 3][1] == 2 && [][?0] == optional.none()
        {'a': 1}['a'] == 1 && {'a': 1}.a == 1 && {1: 'x', 2: 'y'}[2] == 'y'
        {true: 1}[true] == 1 && {1u: 2}[1u] == 2
        {} == {} && [] == [] && {'a': [1]} == {'a': [1]}
        null == null && !(dyn(1) == null)
        true ? true : false
        (1 > 2 ? 'a' : 'b') == 'b'
        1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 7 - 2 - 1 == 4 && 12 / 3 / 2 == 2
        -7 / 2 == -3 && -7 % 3 == -1 && 7u % 3u == 1u
        --1 == 1 && !!true && -(-3) == 3
        5.0 / 2.0 == 2.5 && 1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308
        !(double('NaN') == double('NaN')) && double('NaN') != double('NaN')
        1 < 2 && 2 <= 2 && 'a' < 'b' && b'a' < b'b' && false < true && 1u < 2u && 1.5 < 1.6
        1 < 2u && 1u < 2 && 1 < 1.5 && 1.5 > 1u && 18446744073709551615u > -1
        9223372036854775807 < 9223372036854775808u && 9007199254740993 > 9007199254740992.0
        dyn(1) == 1.0 && dyn(1) == 1u && dyn(1u) == 1.0 && dyn(1) != 1.1
        dyn('1') != 1 && dyn([1]) != {'a': 1}
        [dyn(1), dyn(2.0)] == [dyn(1.0), dyn(2u)]
        'abc' in ['abc', 'd'] && !('x' in ['y']) && 'k' in {'k': 1} && 2 in [1, 2]
        dyn(2.0) in [1, 2] && !(dyn('2') in [1, 2])
        size('abc') == 3 && 'é😀'.size() == 2 && [1, 2].size() == 2 && size({'a': 1}) == 1
        'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ll') && ''.contains('')
        'foo' + 'bar' == 'foobar' && [1] + [2] == [1, 2] && '' + '' == ''
        '\uFFFF' < '😀'
        true || (1 / 0 == 1) && true
        (1 / 0 == 1) || true
        !((1 / 0 == 1) && false)
        false && (1 / 0 == 1) ? false : true
        has({'a': 1}.a) && !has({'a': 1}.b)
        [1, 2, 3].all(x, x > 0) && ![1, 2, 3].all(x, x > 1) && [].all(x, false)
        [1, 2, 3].exists(x, x == 2) && !{'a': 1}.exists(k, k == 'b')
        [1, 2, 3].exists_one(x, x > 2) && ![1, 2, 3].exists_one(x, x > 1) && [1].existsOne(x, true)
        [1, 2].map(x, x * x) == [1, 4] && [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]
        [1, 2, 3].filter(x, x != 2) == [1, 3] && {'a': 1, 'b': 2}.filter(k, k == 'a') == ['a']
        {'a': 1, 'b': 2}.all(k, k in ['a', 'b'])
        [1, 0].exists(x, 1 / x == 1) && ![0, 1].all(x, 1 / x == 2)
        [[1, 2], [3]].map(l, l.map(x, x + 1)) == [[2, 3], [4]]
        [1, 2].map(x, [3, 4].map(y, x * y)) == [[3, 4], [6, 8]]
        [1].map(x, [2].map(x, x)) == [[2]]
        [1, 2, 3].all(i, v, i + 1 == v) && {'a': 1}.exists(k, v, k == 'a' && v == 1)
        {'a': 1, 'b': 2}.existsOne(k, v, v == 2)
        [10, 20].transformList(i, v, i + v) == [10, 21] && [1, 2].transformList(i, v, v > 1, v) == [2]
        {'a': 1, 'b': 2}.transformMap(k, v, v * 10) == {'a': 10, 'b': 20}
        {'a': 1, 'b': 2}.transformMap(k, v, v > 1, v) == {'b': 2}
        {'a': 'x'}.transformMapEntry(k, v, {v: k}) == {'x': 'a'}
        type(1) == int && type('') == string && type([1]) == list && type({}) == map && type(null) == null_type
        type(1u) == uint && type(1.0) == double && type(true) == bool && type(b'') == bytes && type(int) == type
        type(timestamp(0)) == google.protobuf.Timestamp && type(duration('1s')) == google.protobuf.Duration
        int('-12') == -12 && int(3.9) == 3 && int(-3.9) == -3 && int(4u) == 4 && int(timestamp('1970-01-01T00:00:05Z')) == 5
        uint('7') == 7u && uint(3.9) == 3u && uint(5) == 5u
        double('1.5') == 1.5 && double(2) == 2.0 && double(3u) == 3.0
        string(1) == '1' && string(1u) == '1' && string(true) == 'true' && string(b'abc') == 'abc' && string(1.5) == '1.5'
        string(-4.5e-3) == '-0.0045' && string(1.0) == '1' && string(1e7) == '1e+07' && string(1.25e-7) == '1.25e-07'
        bytes('é') == b'\xc3\xa9' && bool('true') && !bool('False')
        string(timestamp('2009-02-13T23:31:30Z')) == '2009-02-13T23:31:30Z' && string(duration('1h1.5s')) == '3601.5s'
        dyn({'a': [{'b': 1}]}).a[0].b == 1
        {'a': 1, ?'b': optional.none(), ?'c': optional.of(3)} == {'a': 1, 'c': 3}
        [1, ?optional.none(), ?optional.of(2)] == [1, 2]
        {'a': {'b': 1}}.?a.?b.value() == 1 && !{'a': {'b': 1}}.?x.?b.hasValue() && {'a': {'b': 1}}.?a.b.orValue(0) == 1
        {'a': 1}[?'a'].orValue(0) == 1 && {'a': 1}[?'b'].orValue(7) == 7 && [5][?0].value() == 5
        optional.none().or(optional.of(2)).value() == 2 && optional.of(1).or(optional.of(2)).value() == 1
        optional.ofNonZeroValue('').hasValue() == false && optional.ofNonZeroValue(1).value() == 1
        optional.of(3).optMap(x, x + 1).value() == 4 && !optional.none().optMap(x, 1).hasValue()
        optional.of({'a': 1}).optFlatMap(m, m.?a).value() == 1 && !optional.of({'a': 1}).optFlatMap(m, m.?b).hasValue()
        optional.of(1) == optional.of(1) && optional.of(1) != optional.none()
        [1, 2].first().value() == 1 && [1, 2].last().value() == 2 && ![].first().hasValue()
        optional.unwrap([optional.of(1), optional.none()]) == [1] && [optional.of(2)].unwrapOpt() == [2]
        optional.of(1).orValue(1 / 0) == 1
        // a comment
        1 == 1 // trailing
        """);

    [Theory]
    [MemberData(nameof(True))]
    public void An_expression_of_the_language_is_true(string expression)
    {
        if (!expression.StartsWith("//", StringComparison.Ordinal))
            CelTable.AssertTrue(expression);
    }

    public static TheoryData<string, string> Errors => CelTable.Pairs("""
        1 / 0 => division by zero
        1 % 0 => modulus by zero
        1u / 0u => division by zero
        9223372036854775807 + 1 => integer overflow
        -9223372036854775808 - 1 => integer overflow
        9223372036854775807 * 2 => integer overflow
        -9223372036854775808 / -1 => integer overflow
        -(dyn(-9223372036854775808)) => integer overflow
        0u - 1u => unsigned integer overflow
        18446744073709551615u + 1u => unsigned integer overflow
        18446744073709551615u * 2u => unsigned integer overflow
        {'a': 1}.b => no such key: b
        {'a': 1}['b'] => no such key: b
        dyn(1).b => no such key: b
        [1][1] => index out of bounds: 1
        [1][-1] => index out of bounds: -1
        dyn('a') + 1 => no such overload
        dyn(1) + dyn('a') => no such overload
        dyn('a') < dyn(1) => no such overload
        dyn(1) && true => no such overload
        !dyn(1) => no such overload
        size(dyn(1)) => no such overload: size(int)
        dyn(1).startsWith('a') => no such overload: startsWith(int, string)
        double('NaN') < 1.0 => NaN values cannot be ordered
        int(dyn('x')) => type conversion error from 'string' to 'int'
        int(dyn(1e19)) => integer overflow
        uint(dyn(-1)) => unsigned integer overflow
        string(dyn(b'\xff')) => invalid UTF-8 in bytes, cannot convert to string
        timestamp(dyn('x')) => type conversion error from 'string' to 'google.protobuf.Timestamp'
        duration(dyn('1y')) => type conversion error from 'string' to 'google.protobuf.Duration'
        timestamp('9999-12-31T23:59:59Z') + duration('1s') => timestamp overflow
        duration('290h') - duration('-2562047h') => duration overflow
        optional.none().value() => optional.none() dereference
        {'a': 1, 'a': 2} => Failed with repeated key: a
        [1, 2].transformMapEntry(i, v, {'k': v}) => insert failed: key k already exists
        [1].all(x, x / 0 == 1) => division by zero
        (1 / 0 == 1) && true => division by zero
        dyn(5).all(x, true) => got 'int', expected iterable type
        """);

    [Theory]
    [MemberData(nameof(Errors))]
    public void A_failing_expression_says_why(string expression, string message) => CelTable.AssertError(expression, message, environment: CelEnvironment.Kubernetes.WithoutFolding());

    public static TheoryData<string> Times => CelTable.Lines("""
        timestamp('2024-02-29T12:34:56.789Z').getFullYear() == 2024
        timestamp('2024-02-29T12:34:56.789Z').getMonth() == 1 && timestamp('2024-02-29T12:34:56.789Z').getDate() == 29
        timestamp('2024-02-29T12:34:56.789Z').getDayOfMonth() == 28 && timestamp('2024-02-29T12:34:56.789Z').getDayOfYear() == 59
        timestamp('2024-02-29T12:34:56.789Z').getDayOfWeek() == 4 && timestamp('2024-02-29T12:34:56.789Z').getHours() == 12
        timestamp('2024-02-29T12:34:56.789Z').getMinutes() == 34 && timestamp('2024-02-29T12:34:56.789Z').getSeconds() == 56
        timestamp('2024-02-29T12:34:56.789Z').getMilliseconds() == 789
        timestamp('2009-02-13T23:31:30Z').getHours('-08:00') == 15 && timestamp('2009-02-13T23:31:30Z').getDate('+01:00') == 14
        timestamp('2009-02-13T23:31:30Z').getMinutes('02:45') == 16
        timestamp('2024-07-01T00:00:00Z').getHours('UTC') == 0
        timestamp('2024-01-01T00:00:00+02:00') == timestamp('2023-12-31T22:00:00Z')
        timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')
        timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')
        timestamp('2024-01-02T00:00:00Z') - duration('1ns') < timestamp('2024-01-02T00:00:00Z')
        duration('1m') + timestamp('1970-01-01T00:00:00Z') == timestamp(60)
        duration('90m').getHours() == 1 && duration('90m').getMinutes() == 90 && duration('1.5s').getMilliseconds() == 1500
        duration('-1.5h') == duration('-90m') && duration('0') == duration('0s') && duration('1h') > duration('59m59s')
        int(duration('1us')) == 1000
        timestamp('0001-01-01T00:00:00Z').getFullYear('-01:00') == 0
        string(timestamp('2024-01-01T00:00:00.100Z')) == '2024-01-01T00:00:00.1Z'
        """);

    [Theory]
    [MemberData(nameof(Times))]
    public void Times_and_durations_compute(string expression) => CelTable.AssertTrue(expression);

    [Fact]
    public void A_bound_value_is_computed_only_when_used()
    {
        var environment = CelEnvironment.Kubernetes.With(libraries: [CelLibraries.Bindings]);
        CelTable.AssertTrue("cel.bind(x, 1 / 0, true || x == 1)", environment: environment);
        CelTable.AssertTrue("cel.bind(x, [1, 2].map(y, y + 1), [5].map(z, x.size() + z)) == [7]", environment: environment);
        CelTable.AssertTrue("[1, 2].map(i, cel.bind(x, [i].map(j, j * 10), x[0] + [1].map(k, x.size())[0])) == [11, 21]", environment: environment);
    }

    [Fact]
    public void A_missing_variable_is_an_error_of_its_own()
    {
        var environment = CelEnvironment.Kubernetes.With(variables: [new("x", CelType.Int)]);
        CelTable.AssertError("x + 1", "no such attribute(s): x", environment: environment);
        CelTable.AssertTrue("x == 5", new CelActivation().SetLazy("x", () => CelValue.Int(5)), environment);
    }
}
