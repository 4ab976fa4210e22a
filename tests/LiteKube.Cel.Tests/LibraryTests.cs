namespace LiteKube.Cel.Tests;

/// <summary>The libraries that Kubernetes enables, each line an expression that is true.</summary>
public sealed class LibraryTests
{
    public static TheoryData<string> True => CelTable.Lines("""
        'tacocat'.charAt(3) == 'o' && 'tacocat'.charAt(7) == '' && '😀b'.charAt(1) == 'b'
        'tacocat'.indexOf('ac') == 1 && 'tacocat'.indexOf('none') == -1 && 'tacocat'.indexOf('') == 0 && 'tacocat'.indexOf('a', 3) == 5
        'tacocat'.lastIndexOf('at') == 5 && 'tacocat'.lastIndexOf('') == 7 && 'tacocat'.lastIndexOf('a', 4) == 1
        'TacoCÆt'.lowerAscii() == 'tacocÆt' && 'tacoCÆt'.upperAscii() == 'TACOCÆT'
        'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'
        'hello'.replace('he', 'we', 0) == 'hello' && 'ab'.replace('', '_') == '_a_b_' && 'ab'.replace('', '_', 1) == '_ab'
        'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a,b'.split(',', 0) == [] && 'ab'.split('') == ['a', 'b']
        ''.split('') == [] && ''.split(',') == [''] && 'abc'.split('', 2) == ['a', 'bc']
        'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'ta©o😀'.substring(2, 4) == '©o'
        '  \ttrim\n '.trim() == 'trim'
        ['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b' && [].join('x') == ''
        strings.quote('a "b"\n\\') == '"a \\"b\\"\\n\\\\"'
        'str %s %% %d'.format([dyn('x'), dyn(3)]) == 'str x % 3'
        '%.3f'.format([1.2345]) == '1.234' && '%f'.format([2.71828]) == '2.718280' && '%.1f'.format([1234567.25]) == '1,234,567.2'
        '%.6e'.format([1052.032911275]) == '1.052033\u202f\u00d7\u202f10\u2070\u00b3' && '%.2e'.format([0.00123]) == '1.23\u202f\u00d7\u202f10\u207b\u2070\u00b3'
        '%b %b %o %x %X'.format([dyn(5), dyn(true), dyn(11), dyn(30), dyn('ho')]) == '101 1 13 1e 686F'
        '%x'.format([b'\x00\x01']) == '0001' && '%x'.format([-30]) == '-1e' && '%o'.format([-11]) == '-13' && '%b'.format([-5]) == '-101'
        '%s'.format([[dyn('abc'), dyn(3.14), dyn(null), dyn([9, 8]), dyn(timestamp('2023-02-03T23:31:20Z'))]]) == '["abc", 3.140000, null, [9, 8], timestamp("2023-02-03T23:31:20Z")]'
        '%s'.format([{'key2': dyn(duration('2h')), 'key1': dyn(b'xyz')}]) == '{"key1":b"xyz", "key2":duration("7200s")}'
        '%s %s %s'.format([dyn(2.71), dyn(true), dyn(type(''))]) == '2.71 true string' && '%f'.format(['Infinity']) == '∞'
        [1, 2, 2, 3].isSorted() && ![2, 1].isSorted() && ['a', 'b'].isSorted() && [].isSorted()
        [1, 3].sum() == 4 && [1.0, 2.5].sum() == 3.5 && [duration('1m'), duration('1s')].sum() == duration('61s') && [1u].sum() == 1u
        [3, 1, 2].min() == 1 && [3, 1, 2].max() == 3 && ['b', 'a'].min() == 'a'
        [1, 2, 2, 3].indexOf(2) == 1 && ['a', 'b', 'b'].lastIndexOf('b') == 2 && [1].indexOf(9) == -1
        [1, 2].includes(2) && !['a'].includes('b') && 'a'.includes('a') && dyn(1).includes(1.0)
        [1, 2, 3, 4].slice(1, 3) == [2, 3] && [1].slice(0, 0) == []
        [[1, 2], [3]].flatten() == [1, 2, 3] && [dyn(1), dyn([dyn(2), dyn([dyn(3), dyn([4])])])].flatten(2) == [dyn(1), dyn(2), dyn(3), dyn([4])]
        [3, 1, 2].sort() == [1, 2, 3] && ['b', 'a'].sort() == ['a', 'b'] && [].sort() == []
        ['xxx', 'a', 'bb'].sortBy(s, s.size()) == ['a', 'bb', 'xxx'] && [{'n': 2}, {'n': 1}].sortBy(m, m.n)[0].n == 1
        lists.range(3) == [0, 1, 2] && lists.range(0) == [] && [1, 2, 3].reverse() == [3, 2, 1]
        [1, 2, 2, 1].distinct() == [1, 2] && [dyn(1), dyn(1.0), dyn('a')].distinct() == [dyn(1), dyn('a')]
        sets.contains([1, 2, 3], [2, 1]) && !sets.contains([1], [2]) && sets.equivalent([1, 1, 2], [2, 1]) && sets.intersects([1, 2], [2, 3]) && !sets.intersects([1], [])
        'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]') == '' && '123 abc 456'.findAll('[0-9]*') == ['123', '', '', '', '', '456']
        '1 2 3'.findAll('[0-9]', 2) == ['1', '2'] && '1 2'.findAll('x') == [] && '1'.findAll('1', 0) == []
        url('https://user:pw@example.com:80/a/b%20c?k1=a&k2=b&k1=c#f').getHost() == 'example.com:80'
        url('https://example.com:80/').getHostname() == 'example.com' && url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getPort() == '80'
        url('/path').getScheme() == '' && url('https://a.b/').getScheme() == 'https' && url('https://a.b/').getPort() == ''
        url('https://example.com/path with spaces/').getEscapedPath() == '/path%20with%20spaces/' && url('https://x/a%2Fb').getEscapedPath() == '/a%2Fb'
        url('https://example.com/?k1=a&k2=b+b&k1=c').getQuery() == {'k1': ['a', 'c'], 'k2': ['b b']}
        isURL('https://a.b/') && !isURL('a.b') && !isURL('') && isURL('/abs') && !isURL('../rel') && !isURL('https://a b/') && url('https://a') == url('https://a')
        quantity('1.5').isLessThan(quantity('2')) && quantity('1Mi').isGreaterThan(quantity('1M')) && quantity('1k').compareTo(quantity('1000')) == 0
        quantity('200M') == quantity('0.2G') && quantity('50k').add(20) == quantity('50020') && quantity('50k').sub(quantity('20k')) == quantity('30k')
        quantity('50k').asInteger() == 50000 && quantity('50k').isInteger() && !quantity('0.5').isInteger() && quantity('0.5').asApproximateFloat() == 0.5
        isQuantity('1.3Gi') && isQuantity('1e3') && !isQuantity('1.3 Gi') && !isQuantity('') && !isQuantity('abc') && sign(quantity('-1')) == -1 && sign(quantity('0')) == 0
        quantity('9223372036854775807k').isGreaterThan(quantity('1')) && quantity('10000.1m') == quantity('10000100u')
        ip('192.168.0.1').family() == 4 && ip('2001:db8::1').family() == 6 && string(ip('2001:DB8:0:0::1')) == '2001:db8::1'
        isIP('::1') && !isIP('1.2.3') && !isIP('01.2.3.4') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0') && !isIP('1.2.3.256')
        ip.isCanonical('127.0.0.1') && !ip.isCanonical('2001:DB8::1') && ip('1.2.3.4') == ip('1.2.3.4')
        ip('0.0.0.0').isUnspecified() && ip('127.0.0.1').isLoopback() && ip('::1').isLoopback() && ip('224.0.0.1').isLinkLocalMulticast() && ip('fe80::1').isLinkLocalUnicast()
        ip('169.254.169.254').isLinkLocalUnicast() && ip('10.0.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast() && type(ip('1.2.3.4')) == net.IP
        cidr('192.168.0.0/24').containsIP('192.168.0.1') && cidr('192.168.0.0/24').containsIP(ip('192.168.0.255')) && !cidr('192.168.0.0/24').containsIP('192.168.1.1')
        cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8')) && !cidr('10.0.0.0/8').containsIP('::1')
        cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24') && cidr('::1/128').prefixLength() == 128 && cidr('192.168.0.1/24').ip() == ip('192.168.0.1')
        isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0') && !isCIDR('10.0.0.0/08') && string(cidr('::/0')) == '::/0'
        semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3 && semver('1.0.0-alpha.1').isLessThan(semver('1.0.0'))
        semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10')) && semver('1.0.0-1').isLessThan(semver('1.0.0-a')) && semver('1.0.0+a') == semver('1.0.0+b')
        isSemver('1.0.0-beta+x.1') && !isSemver('1.0') && !isSemver('v1.0.0') && isSemver('v1.0', true) && semver('v01.2', true) == semver('1.2.0') && !isSemver('01.0.0')
        semver('2.0.0').isGreaterThan(semver('1.9.9')) && semver('1.0.0').compareTo(semver('1.0.1')) == -1
        !format.named('dns1123Label').value().validate('my-label').hasValue() && !format.named('nope').hasValue() && format.dns1123Label().validate('my.label').value() == ['must not contain dots']
        format.qualifiedName().validate('a/b/c').hasValue() && !format.qualifiedName().validate('example.com/Name').hasValue() && format.uuid().validate('x').value() == ['does not match the UUID format']
        !format.dns1123LabelPrefix().validate('my-').hasValue() && format.date().validate('2020-13-01').hasValue() && !format.datetime().validate('2020-01-01T00:00:00Z').hasValue()
        !format.byte().validate('aGk=').hasValue() && !format.labelValue().validate('').hasValue() && !format.uri().validate('http://a/').hasValue() && !format.dns1035Label().validate('a1').hasValue()
        'foobar'.matches('^fo+b') && !'foobar'.matches('^bar') && matches('abc', 'b') && '😀'.matches('^.$') && 'é'.matches('^[^a]$')
        'a\nb'.matches('a$') == false && 'a\nb'.matches('(?m)a$') && 'ABC'.matches('(?i)^abc$') && 'x٣'.matches('\\d') == false && 'aa'.matches('^a{2}$')
        'a.b'.matches('^\\Qa.b\\E$') && 'ab'.matches('^[[:alpha:]]+$') && 'Я'.matches('^\\p{L}$') && '-'.matches('[a\\-z]') && ']'.matches('[]]') && 'a'.matches('^(?P<x>a)$')
        """);

    [Theory]
    [MemberData(nameof(True))]
    public void A_library_function_gives(string expression) => CelTable.AssertTrue(expression);

    public static TheoryData<string, string> Errors => CelTable.Pairs("""
        'abc'.charAt(4) => index out of range: 4
        'abc'.indexOf('a', -1) => index out of range: -1
        'abc'.substring(4) => index out of range: 4
        'abc'.substring(2, 1) => invalid substring range. start: 2, end: 1
        '%d'.format(['x']) => error during formatting: decimal clause can only be used on integers, was given string
        '%a'.format([1]) => could not parse formatting clause: unrecognized formatting clause "a"
        '%d %d'.format([1]) => index 1 out of range
        [].min() => min called on empty list
        [1].slice(0, 2) => cannot slice(0, 2), list is length 1
        [1].slice(-1, 0) => cannot slice(-1, 0), negative indexes not supported
        [dyn(1), dyn('a')].sort() => list elements must have the same type
        url('a') => URL parse error during conversion from string: parse "a": invalid URI for request
        quantity(dyn('x')) => quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
        quantity('1.5').asInteger() => cannot convert value to integer
        ip('1.2.3.4%a') => IP Address "1.2.3.4%a" parse error during conversion from string: ParseAddr("1.2.3.4%a"): unexpected character
        ip('::ffff:1.2.3.4') => IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed
        ip('fe80::1%a') => IP address "fe80::1%a" with zone value is not allowed
        semver('1.2') => No Major.Minor.Patch elements found
        semver('01.2.3') => Major number must not contain leading zeroes "01"
        'a'.find(dyn('(')) => Illegal regex: error parsing regexp: missing closing ): `(`
        'a'.matches(dyn('a**')) => error parsing regexp: invalid nested repetition operator: `a**`
        'a'.matches(dyn('(?=a)')) => error parsing regexp: invalid or unsupported Perl syntax: `(?=`
        'a'.matches(dyn('\\1')) => error parsing regexp: invalid escape sequence: `\1`
        'a'.matches(dyn('a{1001}')) => error parsing regexp: invalid repeat count: `{1001}`
        'a'.matches(dyn('(a{1000}){1000}')) => error parsing regexp: invalid repeat count: `{1000}`
        'a'.matches(dyn('[b-a]')) => error parsing regexp: invalid character class range: `b-a`
        'a'.matches(dyn('a)')) => error parsing regexp: unexpected ): `a)`
        """);

    [Theory]
    [MemberData(nameof(Errors))]
    public void A_library_function_fails_with(string expression, string message) => CelTable.AssertError(expression, message, environment: CelEnvironment.Kubernetes.WithoutFolding());

    [Fact]
    public void A_patch_key_is_escaped() =>
        CelTable.AssertTrue("jsonpatch.escapeKey('k8s.io/a~b') == 'k8s.io~1a~0b'", environment: CelEnvironment.Kubernetes.With(libraries: [CelLibraries.JsonPatch]));

    [Fact]
    public void Libraries_that_kubernetes_does_not_enable_are_not_there()
    {
        Assert.Contains("undeclared reference to 'bind'", CelTable.IssueText("cel.bind(x, 1, x)"), StringComparison.Ordinal);
        Assert.Contains("undeclared reference to 'math'", CelTable.IssueText("math.greatest(1, 2)"), StringComparison.Ordinal);
        Assert.Contains("found no matching overload for 'reverse'", CelTable.IssueText("'abc'.reverse()"), StringComparison.Ordinal);
    }

    private sealed class RecordingAuthorizer(Func<CelAuthorizationAttributes, CelAuthorizationDecision> decide) : ICelAuthorizer
    {
        public List<CelAuthorizationAttributes> Asked { get; } = [];

        public CelAuthorizationDecision Authorize(CelAuthorizationAttributes attributes)
        {
            Asked.Add(attributes);
            return decide(attributes);
        }
    }

    private static readonly CelEnvironment WithAuthorizer = CelEnvironment.Kubernetes.With(variables: [new("authorizer", CelAuthorization.AuthorizerType), new("authorizer.requestResource", CelAuthorization.ResourceCheckType)]);

    [Fact]
    public void The_authorizer_is_asked_what_the_expression_says()
    {
        var authorizer = new RecordingAuthorizer(a => new(a.Verb == "get", "because", a.Verb == "list" ? "broken" : null));
        var activation = new CelActivation().Set("authorizer", CelAuthorization.Value(authorizer))
            .Set("authorizer.requestResource", CelAuthorization.ResourceValue(authorizer, new() { Verb = "", Group = "apps", Resource = "deployments", Namespace = "ns", Name = "web" }));
        CelTable.AssertTrue("authorizer.group('apps').resource('pods').subresource('log').namespace('ns').name('n').fieldSelector('a=b').labelSelector('c').check('get').allowed()", activation, WithAuthorizer);
        Assert.Equal(new() { Verb = "get", Group = "apps", Resource = "pods", Subresource = "log", Namespace = "ns", Name = "n", FieldSelector = "a=b", LabelSelector = "c" }, authorizer.Asked[^1]);
        CelTable.AssertTrue("authorizer.serviceAccount('default', 'bot').path('/healthz').check('list').errored()", activation, WithAuthorizer);
        Assert.Equal(new() { Verb = "list", Path = "/healthz", ServiceAccount = ("default", "bot") }, authorizer.Asked[^1]);
        CelTable.AssertTrue("authorizer.requestResource.check('delete').reason() == 'because'", activation, WithAuthorizer);
        Assert.Equal("web", authorizer.Asked[^1].Name);
        CelTable.AssertError("authorizer.path(' ')", "path must not be empty", activation, WithAuthorizer);
        CelTable.AssertError("authorizer.serviceAccount('Bad', 'bot')", "Invalid service account namespace", activation, WithAuthorizer);
    }

    [Fact]
    public void Three_authorization_checks_exceed_the_limit_of_a_call()
    {
        var authorizer = new RecordingAuthorizer(_ => new(true));
        var activation = new CelActivation().Set("authorizer", CelAuthorization.Value(authorizer));
        var check = "authorizer.path('/a').check('get').allowed()";
        CelTable.AssertTrue($"{check} && {check}", activation, WithAuthorizer);
        CelTable.AssertError($"{check} && {check} && {check}", "operation cancelled: actual cost limit exceeded", activation, WithAuthorizer);
    }
}
