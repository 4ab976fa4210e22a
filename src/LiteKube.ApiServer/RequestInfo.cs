namespace LiteKube.ApiServer;

/// <summary>What a request asks for, read from its method and path as Kubernetes' RequestInfo does; authorization and admission decide on it.</summary>
public sealed record RequestInfo
{
    /// <summary>get list watch create update patch delete deletecollection; for non-resource paths the lower-case HTTP method.</summary>
    public required string Verb { get; init; }
    public required string Path { get; init; }
    public bool IsResourceRequest { get; init; }
    public string Group { get; init; } = "";
    public string Version { get; init; } = "";
    /// <summary>"pods"; empty for non-resource paths.</summary>
    public string Resource { get; init; } = "";
    public string Subresource { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Name { get; init; } = "";
    /// <summary>The fieldSelector parameter of a list, watch or deletecollection, as given; a kubelet may list only what it narrows to its node.</summary>
    public string FieldSelector { get; init; } = "";
}
