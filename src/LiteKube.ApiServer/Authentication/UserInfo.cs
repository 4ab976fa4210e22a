namespace LiteKube.ApiServer.Authentication;

/// <summary>Who makes a request (authentication.k8s.io UserInfo).</summary>
public sealed record UserInfo(string Name, IReadOnlyList<string> Groups, string Uid = "", IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra = null)
{
    public const string AuthenticatedGroup = "system:authenticated";
    public const string UnauthenticatedGroup = "system:unauthenticated";
    public const string MastersGroup = "system:masters";
    public const string NodesGroup = "system:nodes";

    public static readonly UserInfo Anonymous = new("system:anonymous", [UnauthenticatedGroup]);

    public bool IsInGroup(string group) => Groups.Contains(group);
}
