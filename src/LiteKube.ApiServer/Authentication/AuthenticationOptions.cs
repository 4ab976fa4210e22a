namespace LiteKube.ApiServer.Authentication;

/// <summary>Who may sign in beside the cluster's own certificates and tokens; under the names of kube-apiserver's options.</summary>
public sealed record AuthenticationOptions
{
    /// <summary>An AuthenticationConfiguration (apiserver.config.k8s.io/v1).</summary>
    public string? ConfigFile { get; init; }

    /// <summary>One issuer without a file.</summary>
    public OidcOptions? Oidc { get; init; }

    /// <summary>Whether who shows no credentials is system:anonymous (otherwise refused); null: yes, or as the file says.</summary>
    public bool? AnonymousAuth { get; init; }
}

/// <summary>The --oidc-... options (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#configuring-the-api-server).</summary>
public sealed record OidcOptions
{
    public required string IssuerUrl { get; init; }
    public required string ClientId { get; init; }
    public string UsernameClaim { get; init; } = "sub";

    /// <summary>"-": none; "": that of the issuer, but for the claim email.</summary>
    public string UsernamePrefix { get; init; } = "";

    public string GroupsClaim { get; init; } = "";
    public string GroupsPrefix { get; init; } = "";

    /// <summary>"claim=value,other=value".</summary>
    public string RequiredClaims { get; init; } = "";

    /// <summary>PEM; "": the machine's authorities.</summary>
    public string CaFile { get; init; } = "";

    /// <summary>"RS256,ES256".</summary>
    public string SigningAlgorithms { get; init; } = "RS256";
}

/// <summary>Who is system:anonymous.</summary>
/// <param name="Paths">Where alone; empty: everywhere.</param>
internal sealed record AnonymousAccess(bool IsEnabled, IReadOnlyList<string> Paths)
{
    public static readonly AnonymousAccess Everywhere = new(true, []);

    /// <exception cref="ApiException">401: nobody is anonymous here.</exception>
    public UserInfo UserFor(string path) => IsEnabled && (Paths.Count == 0 || Paths.Contains(path)) ? UserInfo.Anonymous : throw ApiException.Unauthorized();
}
