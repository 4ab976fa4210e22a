using System.Net;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer;

public sealed record ApiServerOptions
{
    /// <summary>Where Kestrel listens; port 0 picks one (tests).</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }
    /// <summary>State of the server beside the store: certificates and keys under pki/.</summary>
    public required string DataDirectory { get; init; }
    /// <summary>The address put into default/kubernetes Endpoints.</summary>
    public required IPAddress AdvertiseAddress { get; init; }
    /// <summary>Names and addresses the serving certificate must hold beside the standard ones.</summary>
    public IReadOnlyList<string> ExtraSubjectAlternativeNames { get; init; } = [];
    public string ServiceCidr { get; init; } = "10.152.183.0/24";
    public (int First, int Last) NodePortRange { get; init; } = (30000, 32767);
    /// <summary>Whether nothing else on this machine uses a port; asked before one is given to a Service that names none.</summary>
    public Func<int, bool> IsNodePortFree { get; init; } = _ => true;
    public string ClusterDomain { get; init; } = "cluster.local";
    /// <summary>Issuer of service account tokens.</summary>
    public string ServiceAccountIssuer { get; init; } = "https://kubernetes.default.svc.cluster.local";
    /// <summary>Requests answered at a time, shared among the priority levels: the sum of upstream's two --max-...requests-inflight.</summary>
    public int MaxRequestsInFlight { get; init; } = 600;
    /// <summary>Largest request body; Kubernetes' limit is 3 MiB.</summary>
    public int MaxRequestBodyBytes { get; init; } = 3 * 1024 * 1024;
    /// <summary>Token issuers outside the cluster, and who is anonymous.</summary>
    public AuthenticationOptions Authentication { get; init; } = new();
    /// <summary>Null: requests are not recorded.</summary>
    public AuditOptions? Audit { get; init; }
    /// <summary>The random end of names that are generated; tests say it, to have two objects meet.</summary>
    internal Func<string> NameSuffix { get; init; } = Registry.NameRules.RandomSuffix;
}
