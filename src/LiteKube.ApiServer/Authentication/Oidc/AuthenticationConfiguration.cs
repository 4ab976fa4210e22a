using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>The issuers that are taken and who is anonymous: from the file AuthenticationConfiguration, or from single options.</summary>
internal sealed record AuthenticationConfiguration(IReadOnlyList<JwtIssuer> Issuers, AnonymousAccess Anonymous)
{
    private static readonly string[] Versions = ["apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1"];

    /// <param name="ownIssuer">Of service account tokens: no other issuer may claim to be it.</param>
    /// <exception cref="InvalidDataException">A file cannot be read or something is not valid; the message says where and why.</exception>
    public static AuthenticationConfiguration Load(AuthenticationOptions options, string ownIssuer)
    {
        if (options is { ConfigFile: not null, Oidc: not null })
            throw new InvalidDataException("the authentication configuration file and the oidc options exclude each other: put the issuer into the file");
        var fromOptions = options.AnonymousAuth == false ? new AnonymousAccess(false, []) : AnonymousAccess.Everywhere;
        if (options.Oidc is { } oidc)
            return new(Check([FromOptions(oidc)], "oidc", ownIssuer), fromOptions);
        if (options.ConfigFile is not { } path)
            return new([], fromOptions);
        try
        {
            var (issuers, anonymous) = Parse(File.ReadAllBytes(path));
            if (anonymous is not null && options.AnonymousAuth is not null)
                throw new InvalidDataException("anonymous: the option anonymous-auth cannot be set when the file says who is anonymous");
            return new(Check(issuers, "jwt", ownIssuer), anonymous ?? fromOptions);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the authentication configuration {path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <param name="text">YAML or JSON.</param>
    internal static (IReadOnlyList<JwtIssuer> Issuers, AnonymousAccess? Anonymous) Parse(ReadOnlySpan<byte> text)
    {
        JsonObject file;
        try
        {
            file = ObjectDecoder.ParseYaml(text) as JsonObject ?? throw new InvalidDataException("it is no object");
        }
        catch (DecodeException exception)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
        if (!Versions.Contains(file.Str("apiVersion")) || file.Str("kind") != "AuthenticationConfiguration")
            throw new InvalidDataException($"it must be an AuthenticationConfiguration of {Versions[0]}, and is a \"{file.Str("kind")}\" of \"{file.Str("apiVersion")}\"");
        Known(file, "", "apiVersion", "kind", "jwt", "anonymous");
        var issuers = file.Items("jwt").Select((j, i) => ReadIssuer(j, $"jwt[{i}]")).ToList();
        return (issuers, file.Obj("anonymous") is { } anonymous ? ReadAnonymous(anonymous) : null);
    }

    private static AnonymousAccess ReadAnonymous(JsonObject anonymous)
    {
        Known(anonymous, "anonymous.", "enabled", "conditions");
        var paths = anonymous.Items("conditions").Select(c => c.Str("path")).ToList();
        if (!anonymous.Bool("enabled") && paths.Count > 0)
            throw new InvalidDataException("anonymous.conditions: enabled should be set to true when conditions are defined");
        return new(anonymous.Bool("enabled"), paths);
    }

    private static JwtIssuer ReadIssuer(JsonObject jwt, string at)
    {
        Known(jwt, at + ".", "issuer", "claimValidationRules", "claimMappings", "userValidationRules");
        var (issuer, mappings) = (jwt.Obj("issuer") ?? [], jwt.Obj("claimMappings") ?? []);
        Known(issuer, $"{at}.issuer.", "url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy", "egressSelectorType");
        Known(mappings, $"{at}.claimMappings.", "username", "groups", "uid", "extra");
        if (issuer.Str("egressSelectorType").Length > 0)
            throw new InvalidDataException($"{at}.issuer.egressSelectorType: there are no egress selectors here: leave it out");
        CheckAudiences(issuer, $"{at}.issuer");
        return new JwtIssuer
        {
            Url = issuer.Str("url"),
            DiscoveryUrl = issuer.Str("discoveryURL"),
            CertificateAuthority = issuer.Str("certificateAuthority"),
            Audiences = [.. issuer.Strings("audiences")],
            Username = ReadSource(mappings.Obj("username"), $"{at}.claimMappings.username", isRequired: true, hasPrefix: true),
            Groups = ReadSource(mappings.Obj("groups"), $"{at}.claimMappings.groups", isRequired: false, hasPrefix: true),
            Uid = ReadSource(mappings.Obj("uid"), $"{at}.claimMappings.uid", isRequired: false, hasPrefix: false),
            Extra = [.. mappings.Items("extra").Select((e, i) => ReadExtra(e, $"{at}.claimMappings.extra[{i}]"))],
            ClaimRules = [.. jwt.Items("claimValidationRules").Select((r, i) => ReadClaimRule(r, $"{at}.claimValidationRules[{i}]"))],
            UserRules = [.. jwt.Items("userValidationRules").Select((r, i) => ReadUserRule(r, $"{at}.userValidationRules[{i}]"))],
        };
    }

    private static void CheckAudiences(JsonObject issuer, string at)
    {
        var (audiences, policy) = (issuer.Strings("audiences").ToList(), issuer.Str("audienceMatchPolicy"));
        if (audiences.Count == 0 || audiences.Contains(""))
            throw new InvalidDataException($"{at}.audiences: at least one {at}.audiences is required, and none may be empty");
        if (audiences.Distinct().Count() < audiences.Count)
            throw new InvalidDataException($"{at}.audiences: duplicate value");
        if (audiences.Count > 1 && policy != "MatchAny")
            throw new InvalidDataException($"{at}.audienceMatchPolicy: audienceMatchPolicy must be MatchAny for multiple audiences");
        if (policy is not ("" or "MatchAny"))
            throw new InvalidDataException($"{at}.audienceMatchPolicy: audienceMatchPolicy must be empty or MatchAny for single audience");
    }

    private static ClaimSource ReadSource(JsonObject? source, string at, bool isRequired, bool hasPrefix)
    {
        string[] fields = hasPrefix ? ["claim", "prefix", "expression"] : ["claim", "expression"];
        if (source is not null)
            Known(source, at + ".", fields);
        var (claim, expression) = (source.Str("claim"), source.Str("expression"));
        if (claim.Length > 0 && expression.Length > 0)
            throw new InvalidDataException($"{at}: claim and expression can't both be set");
        if (claim.Length == 0 && expression.Length == 0 && isRequired)
            throw new InvalidDataException($"{at}: claim or expression is required");
        if (expression.Length > 0 && source.Has("prefix"))
            throw new InvalidDataException($"{at}.prefix: may not be specified when expression is set");
        if (claim.Length > 0 && hasPrefix && !source.Has("prefix"))
            throw new InvalidDataException($"{at}.prefix: prefix is required when claim is set. It can be set to an empty string to disable prefixing");
        return new(claim, source.Str("prefix"), expression);
    }

    private static ExtraMapping ReadExtra(JsonObject extra, string at)
    {
        Known(extra, at + ".", "key", "valueExpression");
        var (key, expression) = (extra.Str("key"), extra.Str("valueExpression"));
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash == key.Length - 1 || NameRules.CheckDns1123Subdomain(key[..slash]) is not null)
            throw new InvalidDataException($"{at}.key: invalid value \"{key}\": must be a domain-prefixed path (such as \"acme.io/foo\")");
        if (key != key.ToLowerInvariant())
            throw new InvalidDataException($"{at}.key: invalid value \"{key}\": must be lowercase");
        var domain = key[..slash];
        if (domain is "k8s.io" or "kubernetes.io" || domain.EndsWith(".k8s.io", StringComparison.Ordinal) || domain.EndsWith(".kubernetes.io", StringComparison.Ordinal))
            throw new InvalidDataException($"{at}.key: invalid value \"{key}\": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use");
        return expression.Length > 0 ? new(key, expression) : throw new InvalidDataException($"{at}.valueExpression: required value");
    }

    private static ClaimRule ReadClaimRule(JsonObject rule, string at)
    {
        Known(rule, at + ".", "claim", "requiredValue", "expression", "message");
        var read = new ClaimRule(rule.Str("claim"), rule.Str("requiredValue"), rule.Str("expression"), rule.Str("message"));
        if (read.Claim.Length > 0 && read.Expression.Length > 0)
            throw new InvalidDataException($"{at}: claim and expression can't both be set");
        if (read.Claim.Length == 0 && read.Expression.Length == 0)
            throw new InvalidDataException($"{at}: claim or expression is required");
        if (read.Claim.Length > 0 && read.Message.Length > 0)
            throw new InvalidDataException($"{at}.message: may not be specified when claim is set");
        if (read.Expression.Length > 0 && read.RequiredValue.Length > 0)
            throw new InvalidDataException($"{at}.requiredValue: may not be specified when expression is set");
        return read;
    }

    private static UserRule ReadUserRule(JsonObject rule, string at)
    {
        Known(rule, at + ".", "expression", "message");
        return rule.Str("expression").Length > 0 ? new(rule.Str("expression"), rule.Str("message")) : throw new InvalidDataException($"{at}.expression: required value");
    }

    private static JwtIssuer FromOptions(OidcOptions options)
    {
        // Without a prefix a foreign issuer's "admin" would be the cluster's.
        var prefix = options.UsernamePrefix switch
        {
            "-" => "",
            "" => options.UsernameClaim == "email" ? "" : options.IssuerUrl + "#",
            var given => given,
        };
        string authority;
        try
        {
            authority = options.CaFile.Length == 0 ? "" : File.ReadAllText(options.CaFile);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"the issuer's certificate authority {options.CaFile} cannot be read: {exception.Message}", exception);
        }
        var required = options.RequiredClaims.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(pair => pair.Split('=', 2));
        var algorithms = options.SigningAlgorithms.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var algorithm in algorithms)
        {
            if (!JwtIssuer.AllAlgorithms.Contains(algorithm))
                throw new InvalidDataException($"oidc: unsupported signing alg: \"{algorithm}\"");
        }
        return new JwtIssuer
        {
            Url = options.IssuerUrl,
            CertificateAuthority = authority,
            Audiences = [options.ClientId],
            Username = new(options.UsernameClaim, prefix, ""),
            Groups = new(options.GroupsClaim, options.GroupsPrefix, ""),
            ClaimRules = [.. required.Select(p => p is [var claim, var value] ? new ClaimRule(claim, value, "", "") : throw new InvalidDataException($"oidc-required-claim: \"{p[0]}\" must be claim=value"))],
            Algorithms = algorithms,
        };
    }

    private static IReadOnlyList<JwtIssuer> Check(IReadOnlyList<JwtIssuer> issuers, string at, string ownIssuer)
    {
        for (var i = 0; i < issuers.Count; i++)
        {
            var (issuer, where) = (issuers[i], at == "oidc" ? "oidc-issuer-url" : $"{at}[{i}].issuer.url");
            if (issuer.Url == ownIssuer)
                throw new InvalidDataException($"{where}: invalid value \"{issuer.Url}\": URL must not overlap with disallowed issuers: [{ownIssuer}]");
            CheckUrl(issuer.Url, where);
            if (issuers.Take(i).Any(other => other.Url == issuer.Url))
                throw new InvalidDataException($"{where}: duplicate value: \"{issuer.Url}\"");
            if (issuer.DiscoveryUrl.Length == 0)
                continue;
            CheckUrl(issuer.DiscoveryUrl, $"{at}[{i}].issuer.discoveryURL");
            if (issuer.DiscoveryUrl.TrimEnd('/') == issuer.Url.TrimEnd('/'))
                throw new InvalidDataException($"{at}[{i}].issuer.discoveryURL: discoveryURL must be different from URL");
        }
        return issuers;
    }

    private static void CheckUrl(string url, string at)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme != Uri.UriSchemeHttps)
            throw new InvalidDataException($"{at}: invalid value \"{url}\": URL scheme must be https");
        if (parsed.UserInfo.Length > 0)
            throw new InvalidDataException($"{at}: URL must not contain a username or password");
        if (parsed.Query.Length > 0)
            throw new InvalidDataException($"{at}: invalid value \"{url}\": URL must not contain a query");
        if (parsed.Fragment.Length > 0)
            throw new InvalidDataException($"{at}: invalid value \"{url}\": URL must not contain a fragment");
    }

    /// <summary>A rule that is misspelt would silently not be asked.</summary>
    private static void Known(JsonObject value, string at, params string[] fields)
    {
        foreach (var (field, _) in value)
        {
            if (!fields.Contains(field))
                throw new InvalidDataException($"unknown field \"{at}{field}\"");
        }
    }
}
