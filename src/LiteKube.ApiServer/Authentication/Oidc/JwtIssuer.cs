namespace LiteKube.ApiServer.Authentication.Oidc;

/// <summary>A claim with a prefix, or an expression over all claims.</summary>
internal sealed record ClaimSource(string Claim, string Prefix, string Expression)
{
    public static readonly ClaimSource None = new("", "", "");
}

internal sealed record ExtraMapping(string Key, string ValueExpression);

/// <param name="Claim">Must have the value; or the expression must be true.</param>
internal sealed record ClaimRule(string Claim, string RequiredValue, string Expression, string Message);

internal sealed record UserRule(string Expression, string Message);

/// <summary>One issuer of tokens that are taken (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration).</summary>
internal sealed record JwtIssuer
{
    /// <summary>What the algorithms may be; a token names one of them.</summary>
    public static readonly IReadOnlyList<string> AllAlgorithms = ["ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

    public required string Url { get; init; }
    public string DiscoveryUrl { get; init; } = "";
    /// <summary>PEM; "": the machine's authorities.</summary>
    public string CertificateAuthority { get; init; } = "";
    public required IReadOnlyList<string> Audiences { get; init; }
    public required ClaimSource Username { get; init; }
    public ClaimSource Groups { get; init; } = ClaimSource.None;
    public ClaimSource Uid { get; init; } = ClaimSource.None;
    public IReadOnlyList<ExtraMapping> Extra { get; init; } = [];
    public IReadOnlyList<ClaimRule> ClaimRules { get; init; } = [];
    public IReadOnlyList<UserRule> UserRules { get; init; } = [];
    public IReadOnlyList<string> Algorithms { get; init; } = AllAlgorithms;
}
