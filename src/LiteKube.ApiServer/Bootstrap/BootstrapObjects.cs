using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Bootstrap;

/// <summary>The objects beside RBAC that a new cluster starts with, as the API server itself would default them.</summary>
internal static class BootstrapObjects
{
    public const string AuthenticationConfigName = "extension-apiserver-authentication";

    private const string KubernetesService = "kubernetes";

    public static IEnumerable<JsonObject> Namespaces()
    {
        foreach (var name in (string[])["default", "kube-system", "kube-public", "kube-node-lease"])
        {
            yield return new JsonObject
            {
                ["kind"] = "Namespace",
                ["apiVersion"] = "v1",
                ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["kubernetes.io/metadata.name"] = name } },
                ["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") },
                ["status"] = new JsonObject { ["phase"] = "Active" },
            };
        }
    }

    public static IEnumerable<JsonObject> PriorityClasses()
    {
        yield return PriorityClass("system-node-critical", 2_000_001_000, "Pods that the node cannot do without and that stay where they are.");
        yield return PriorityClass("system-cluster-critical", 2_000_000_000, "Pods that the cluster cannot do without; another node may run them.");
    }

    /// <summary>default/kubernetes: how pods reach this server.</summary>
    public static JsonObject Service(IPAddress clusterAddress, int port) => new()
    {
        ["kind"] = "Service",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject
        {
            ["name"] = KubernetesService,
            ["namespace"] = "default",
            ["labels"] = new JsonObject { ["component"] = "apiserver", ["provider"] = "kubernetes" },
        },
        ["spec"] = new JsonObject
        {
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["protocol"] = "TCP", ["port"] = 443, ["targetPort"] = port }),
            ["clusterIP"] = clusterAddress.ToString(),
            ["clusterIPs"] = new JsonArray(clusterAddress.ToString()),
            ["type"] = "ClusterIP",
            ["sessionAffinity"] = "None",
            ["ipFamilies"] = new JsonArray(clusterAddress.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6"),
            ["ipFamilyPolicy"] = "SingleStack",
            ["internalTrafficPolicy"] = "Cluster",
        },
    };

    public static JsonObject Endpoints(IPAddress address, int port) => new()
    {
        ["kind"] = "Endpoints",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject
        {
            ["name"] = KubernetesService,
            ["namespace"] = "default",
            ["labels"] = new JsonObject { ["endpointslice.kubernetes.io/skip-mirror"] = "true" },
        },
        ["subsets"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(new JsonObject { ["ip"] = address.ToString() }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = port, ["protocol"] = "TCP" }),
        }),
    };

    public static JsonObject EndpointSlice(IPAddress address, int port) => new()
    {
        ["kind"] = "EndpointSlice",
        ["apiVersion"] = "discovery.k8s.io/v1",
        ["metadata"] = new JsonObject
        {
            ["name"] = KubernetesService,
            ["namespace"] = "default",
            ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = KubernetesService },
        },
        ["addressType"] = address.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6",
        ["endpoints"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(address.ToString()),
            ["conditions"] = new JsonObject { ["ready"] = true },
        }),
        ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = port, ["protocol"] = "TCP" }),
    };

    /// <summary>The range of Services' addresses that the server was started with (KEP-1880).</summary>
    public static JsonObject ServiceRange(string cidr) => new()
    {
        ["kind"] = "ServiceCIDR",
        ["apiVersion"] = "networking.k8s.io/v1",
        ["metadata"] = new JsonObject { ["name"] = KubernetesService },
        ["spec"] = new JsonObject { ["cidrs"] = new JsonArray(IPNetwork.Parse(cidr).ToString()) },
    };

    public static JsonObject ServiceRangeReady(DateTimeOffset now) => new()
    {
        ["conditions"] = new JsonArray(new JsonObject
        {
            ["type"] = "Ready",
            ["status"] = "True",
            ["lastTransitionTime"] = ObjectFields.FormatTime(now),
            ["reason"] = "",
            ["message"] = "Kubernetes default Service CIDR is ready",
        }),
    };

    /// <summary>From which aggregated API servers learn whom to trust.</summary>
    public static JsonObject AuthenticationConfig(ClusterPki pki) => new()
    {
        ["kind"] = "ConfigMap",
        ["apiVersion"] = "v1",
        ["metadata"] = new JsonObject { ["name"] = AuthenticationConfigName, ["namespace"] = "kube-system" },
        ["data"] = new JsonObject
        {
            ["client-ca-file"] = pki.CertificateAuthorityPem,
            ["requestheader-allowed-names"] = $"[\"{RequestHeaderAuthenticator.OwnName}\"]",
            ["requestheader-client-ca-file"] = pki.FrontProxyAuthorityPem,
            ["requestheader-extra-headers-prefix"] = $"[\"{RequestHeaderAuthenticator.ExtraPrefix}\"]",
            ["requestheader-group-headers"] = $"[\"{RequestHeaderAuthenticator.GroupHeader}\"]",
            ["requestheader-uid-headers"] = $"[\"{RequestHeaderAuthenticator.UidHeader}\"]",
            ["requestheader-username-headers"] = $"[\"{RequestHeaderAuthenticator.UserHeader}\"]",
        },
    };

    private static JsonObject PriorityClass(string name, int value, string description) => new()
    {
        ["kind"] = "PriorityClass",
        ["apiVersion"] = "scheduling.k8s.io/v1",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["value"] = value,
        ["description"] = description,
        ["preemptionPolicy"] = "PreemptLowerPriority",
    };
}
