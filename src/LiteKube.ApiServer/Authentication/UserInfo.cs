namespace LiteKube.ApiServer.Authentication;

/// <summary>Who makes a request (authentication.k8s.io UserInfo). Equal by content: decisions about a user are kept, whichever request brought it.</summary>
public sealed record UserInfo(string Name, IReadOnlyList<string> Groups, string Uid = "", IReadOnlyDictionary<string, IReadOnlyList<string>>? Extra = null)
{
    public const string AuthenticatedGroup = "system:authenticated";
    public const string UnauthenticatedGroup = "system:unauthenticated";
    public const string MastersGroup = "system:masters";
    public const string NodesGroup = "system:nodes";

    public static readonly UserInfo Anonymous = new("system:anonymous", [UnauthenticatedGroup]);

    public bool IsInGroup(string group) => Groups.Contains(group);

    public bool Equals(UserInfo? other) => ReferenceEquals(this, other)
        || (other is not null && Name == other.Name && Uid == other.Uid && Groups.SequenceEqual(other.Groups) && HasExtra(other.Extra));

    public override int GetHashCode() => HashCode.Combine(Name, Uid, Groups.Count);

    private bool HasExtra(IReadOnlyDictionary<string, IReadOnlyList<string>>? other)
    {
        if (ReferenceEquals(Extra, other))
            return true;
        if ((Extra?.Count ?? 0) != (other?.Count ?? 0))
            return false;
        foreach (var (key, values) in Extra ?? new Dictionary<string, IReadOnlyList<string>>())
        {
            if (!other!.TryGetValue(key, out var theirs) || !values.SequenceEqual(theirs))
                return false;
        }
        return true;
    }
}
