using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>Makes the user of a token's claims, and asks the rules. Expressions are compiled once.</summary>
internal sealed class ClaimMapper
{
    private static readonly CelEnvironment ClaimsEnvironment = CelEnvironment.Kubernetes.With([new CelVariable("claims", CelType.Map(CelType.String, CelType.Dyn))]);
    private static readonly CelEnvironment UserEnvironment = CelEnvironment.Kubernetes.With([new CelVariable("user", UserValue.UserType)], UserValue.Types);

    private readonly JwtIssuer _issuer;
    private readonly CelProgram? _username;
    private readonly CelProgram? _groups;
    private readonly CelProgram? _uid;
    private readonly List<(string Key, CelProgram Program)> _extra;
    private readonly List<(CelProgram Program, string Message)> _claimRules;
    private readonly List<(CelProgram Program, string Message)> _userRules;

    /// <exception cref="InvalidDataException">An expression does not compile.</exception>
    public ClaimMapper(JwtIssuer issuer)
    {
        _issuer = issuer;
        _username = Compile(issuer.Username.Expression, ClaimsEnvironment, isRule: false);
        _groups = Compile(issuer.Groups.Expression, ClaimsEnvironment, isRule: false);
        _uid = Compile(issuer.Uid.Expression, ClaimsEnvironment, isRule: false);
        _extra = [.. issuer.Extra.Select(e => (e.Key, Compile(e.ValueExpression, ClaimsEnvironment, isRule: false)!))];
        _claimRules = [.. issuer.ClaimRules.Where(r => r.Expression.Length > 0).Select(r => (Compile(r.Expression, ClaimsEnvironment, isRule: true)!, r.Message))];
        _userRules = [.. issuer.UserRules.Select(r => (Compile(r.Expression, UserEnvironment, isRule: true)!, r.Message))];
        // An address that nobody verified is whoever's.
        if (_username?.SelectsField("claims", "email") == true && !_username.SelectsField("claims", "email_verified")
            && !_extra.Exists(e => e.Program.SelectsField("claims", "email_verified")) && !_claimRules.Exists(r => r.Program.SelectsField("claims", "email_verified")))
        {
            throw new InvalidDataException($"claimMappings.username.expression: invalid value \"{issuer.Username.Expression}\": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression");
        }
    }

    /// <exception cref="ClaimException">The claims make no user that is taken.</exception>
    public UserInfo Map(JsonObject claims)
    {
        var value = new Lazy<CelValue>(() => CelJson.FromJson(claims));
        var name = Username(claims, value);
        var groups = Groups(claims, value);
        var uid = Uid(claims, value);
        var extra = Extra(claims, value);
        foreach (var rule in _issuer.ClaimRules.Where(r => r.Claim.Length > 0))
        {
            if (!claims.ContainsKey(rule.Claim))
                throw new ClaimException($"oidc: required claim {rule.Claim} not present in ID token");
            var actual = Text(claims, rule.Claim) ?? throw new ClaimException($"oidc: parse claim {rule.Claim}: it is no string");
            if (actual != rule.RequiredValue)
                throw new ClaimException($"oidc: required claim {rule.Claim} value does not match. Got = {actual}, want = {rule.RequiredValue}");
        }
        foreach (var (program, message) in _claimRules)
            Require(program, "claims", value.Value, message, "oidc: error evaluating claim validation expression");
        var user = new UserInfo(name, groups, uid, extra.Count > 0 ? extra : null);
        foreach (var (program, message) in _userRules)
            Require(program, "user", CelValue.Object(new UserValue(user)), message, "oidc: error evaluating user info validation rule");
        return user;
    }

    private string Username(JsonObject claims, Lazy<CelValue> value)
    {
        if (_username is not null)
        {
            var result = Evaluate(_username, value, "oidc: error evaluating username claim expression");
            if (result.Kind != CelKind.String)
                throw new ClaimException("oidc: error evaluating username claim expression: username claim expression must return a string");
            return result.AsString.Length > 0 ? result.AsString : throw new ClaimException("oidc: empty username via CEL expression is not allowed");
        }
        var claim = _issuer.Username.Claim;
        var name = Text(claims, claim) ?? throw new ClaimException($"oidc: parse username claims \"{claim}\": {(claims.ContainsKey(claim) ? "it is no string" : "claim not present")}");
        if (claim == "email" && claims.TryGetPropertyValue("email_verified", out var verified))
        {
            if (verified?.GetValueKind() is not (JsonValueKind.True or JsonValueKind.False))
                throw new ClaimException("oidc: parse 'email_verified' claim: it is no boolean");
            if (verified!.GetValueKind() == JsonValueKind.False)
                throw new ClaimException("oidc: email not verified");
        }
        return _issuer.Username.Prefix + name;
    }

    private List<string> Groups(JsonObject claims, Lazy<CelValue> value)
    {
        if (_groups is not null)
            return Texts(Evaluate(_groups, value, "oidc: error evaluating group claim expression"), "oidc: error evaluating group claim expression");
        var claim = _issuer.Groups.Claim;
        if (claim.Length == 0 || !claims.TryGetPropertyValue(claim, out var node) || node is null)
            return [];
        if (Text(claims, claim) is { } one)
            return [_issuer.Groups.Prefix + one];
        if (node is not JsonArray list || !list.All(g => g?.GetValueKind() == JsonValueKind.String))
            throw new ClaimException($"oidc: parse groups claim \"{claim}\": it is neither a string nor a list of strings");
        return [.. list.Select(g => _issuer.Groups.Prefix + g!.GetValue<string>())];
    }

    private string Uid(JsonObject claims, Lazy<CelValue> value)
    {
        if (_issuer.Uid.Claim.Length > 0)
            return Text(claims, _issuer.Uid.Claim) ?? throw new ClaimException($"oidc: parse uid claim \"{_issuer.Uid.Claim}\": claim not present or no string");
        if (_uid is null)
            return "";
        var result = Evaluate(_uid, value, "oidc: error evaluating uid claim expression");
        return result.Kind == CelKind.String ? result.AsString : throw new ClaimException("oidc: error evaluating uid claim expression: uid claim expression must return a string");
    }

    private Dictionary<string, IReadOnlyList<string>> Extra(JsonObject claims, Lazy<CelValue> value)
    {
        var extra = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        if (Text(claims, "jti") is { Length: > 0 } id)
            extra["authentication.kubernetes.io/credential-id"] = ["JTI=" + id];
        foreach (var (key, program) in _extra)
        {
            var problem = $"oidc: error evaluating extra claim expression: {program.Expression}";
            if (Texts(Evaluate(program, value, problem), problem) is { Count: > 0 } values)
                extra[key] = values;
        }
        return extra;
    }

    private static List<string> Texts(CelValue value, string problem)
    {
        switch (value.Kind)
        {
            case CelKind.Null:
                return [];
            case CelKind.String:
                return value.AsString.Length > 0 ? [value.AsString] : [];
            case CelKind.List:
                var texts = new List<string>();
                for (var i = 0; i < value.AsList.Count; i++)
                {
                    if (value.AsList[i] is not { Kind: CelKind.String } item)
                        throw new ClaimException($"{problem}: expression must return a string or a list of strings");
                    if (item.AsString.Length > 0)
                        texts.Add(item.AsString);
                }
                return texts;
            default:
                throw new ClaimException($"{problem}: expression must return a string or a list of strings");
        }
    }

    private static CelValue Evaluate(CelProgram program, Lazy<CelValue> claims, string problem)
    {
        var result = program.Evaluate(new CelActivation().Set("claims", claims.Value));
        return result.Error is { } error ? throw new ClaimException($"{problem}: {error.Message}") : result.Value;
    }

    private static void Require(CelProgram program, string variable, CelValue value, string message, string problem)
    {
        var result = program.Evaluate(new CelActivation().Set(variable, value));
        if (result.Error is { } error)
            throw new ClaimException($"{problem}: {error.Message}");
        if (result.Value.Kind != CelKind.Bool)
            throw new ClaimException($"{problem}: validation expression must return a boolean");
        if (!result.Value.AsBool)
            throw new ClaimException($"{problem}: validation expression '{program.Expression}' failed: {message}");
    }

    private static CelProgram? Compile(string expression, CelEnvironment environment, bool isRule)
    {
        if (expression.Length == 0)
            return null;
        var compiled = environment.Compile(expression);
        if (compiled.Program is not { } program)
            throw new InvalidDataException($"the expression \"{expression}\" is not valid: compilation failed: {compiled.IssueText}");
        if (isRule && !program.OutputType.Equals(CelType.Bool) && !program.OutputType.Equals(CelType.Dyn))
            throw new InvalidDataException($"the expression \"{expression}\" is not valid: must evaluate to bool");
        return program;
    }

    private static string? Text(JsonObject claims, string claim) => claims.StrOrNull(claim);
}

/// <summary>A token whose claims are not taken; the message says why.</summary>
internal sealed class ClaimException(string message) : Exception(message);

/// <summary>The variable <c>user</c> of rules.</summary>
internal sealed class UserValue(UserInfo user) : CelObject
{
    public static readonly CelType UserType = CelType.Struct("kubernetes.UserInfo");
    public static readonly ICelTypeProvider Types = new Provider();

    public override CelType Type => UserType;

    public override bool TryGetField(string name, out CelValue value)
    {
        value = name switch
        {
            "username" => CelValue.String(user.Name),
            "uid" => CelValue.String(user.Uid),
            "groups" => List(user.Groups),
            "extra" => Extra(),
            _ => default,
        };
        return name is "username" or "uid" or "groups" or "extra";
    }

    public override bool EqualTo(CelObject other) => ReferenceEquals(this, other);

    private static CelValue List(IReadOnlyList<string> texts) => CelValue.List([.. texts.Select(CelValue.String)]);

    private CelValue Extra()
    {
        var map = new CelValueMap();
        foreach (var (key, values) in user.Extra ?? new Dictionary<string, IReadOnlyList<string>>())
            map.TryAdd(CelValue.String(key), List(values));
        return CelValue.Map(map);
    }

    private sealed class Provider : ICelTypeProvider
    {
        public CelType? FindType(string name) => name == UserType.Name ? UserType : null;

        public CelType? FindField(string typeName, string field) => typeName != UserType.Name ? null : field switch
        {
            "username" or "uid" => CelType.String,
            "groups" => CelType.List(CelType.String),
            "extra" => CelType.Map(CelType.String, CelType.List(CelType.String)),
            _ => null,
        };
    }
}
