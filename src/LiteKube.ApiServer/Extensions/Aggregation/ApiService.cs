using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>An APIService as routing and discovery read it (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/api-service-v1/).</summary>
/// <param name="Target">Null: the group version is this server's own.</param>
/// <param name="Automanaged">The label that says who keeps it: "onstart" and "true" are this server's.</param>
internal sealed record ApiService(string Name, GroupVersion GroupVersion, int GroupPriority, int VersionPriority, ExtensionTarget? Target, bool IsAvailable, string Automanaged)
{
    public static readonly GroupResource Resource = new("apiregistration.k8s.io", "apiservices");

    public const string ApiVersion = "apiregistration.k8s.io/v1";
    public const string Kind = "APIService";
    public const string AutomanagedLabel = "kube-aggregator.kubernetes.io/automanaged";
    public const string OnStart = "onstart";
    public const string Always = "true";

    public bool IsAutomanaged => Automanaged is OnStart or Always;

    public static ApiService Read(JsonObject value)
    {
        var spec = value.Obj("spec");
        value.Labels().TryGetValue(AutomanagedLabel, out var managed);
        return new ApiService(
            value.MetaName(), new GroupVersion(spec.Str("group"), spec.Str("version")), (int)spec.Long("groupPriorityMinimum"), (int)spec.Long("versionPriority"),
            ExtensionTarget.Read(spec), AvailableCondition.Of(value).Str("status") == "True", managed ?? "");
    }

    /// <summary>As it is stored now; null: there is none.</summary>
    public static ApiService? Find(IObjectReader objects, string name) => objects.Get(Resource, "", name) is { } standing ? Read(standing) : null;

    /// <summary>"v1.apps"; the core group's is "v1.".</summary>
    public static string NameOf(GroupVersion groupVersion) => $"{groupVersion.Version}.{groupVersion.Group}";

    /// <summary>Where the group version's documents and objects are.</summary>
    public static string PathOf(GroupVersion groupVersion) => groupVersion.Group.Length == 0 ? $"/api/{groupVersion.Version}" : $"/apis/{groupVersion.Group}/{groupVersion.Version}";
}

/// <summary>The service behind an APIService and whom to trust there. Two with the same content are the same: connections are shared by them.</summary>
/// <param name="CaBundle">Base64 of PEM, as in the object; empty: the system's authorities.</param>
internal sealed record ExtensionTarget(string Namespace, string Name, int Port, string CaBundle, bool SkipsVerification)
{
    /// <summary>What its certificate must be for.</summary>
    public string ServerName => $"{Name}.{Namespace}.svc";

    public static ExtensionTarget? Read(JsonObject? spec) => spec.Obj("service") is not { } service ? null
        : new(service.Str("namespace"), service.Str("name"), (int)(service.LongOrNull("port") ?? 443), spec.Str("caBundle"), spec.Bool("insecureSkipTLSVerify"));
}
