namespace LiteKube.Apis;

public readonly record struct GroupVersion(string Group, string Version)
{
    /// <summary>As in an object's <c>apiVersion</c>: "v1", "apps/v1".</summary>
    public override string ToString() => Group.Length == 0 ? Version : $"{Group}/{Version}";

    public static GroupVersion Parse(string apiVersion)
    {
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? new("", apiVersion) : new(apiVersion[..slash], apiVersion[(slash + 1)..]);
    }
}

public readonly record struct GroupVersionKind(string Group, string Version, string Kind)
{
    public GroupVersion GroupVersion => new(Group, Version);
    public string ApiVersion => GroupVersion.ToString();
    public override string ToString() => $"{ApiVersion}, Kind={Kind}";
}

public readonly record struct GroupVersionResource(string Group, string Version, string Resource)
{
    public GroupVersion GroupVersion => new(Group, Version);
    public GroupResource GroupResource => new(Group, Resource);
}

/// <summary>Printed as Kubernetes' errors print it: "pods", "deployments.apps".</summary>
public readonly record struct GroupResource(string Group, string Resource)
{
    public override string ToString() => Group.Length == 0 ? Resource : $"{Resource}.{Group}";
}
