using LiteKube.Apis.Apply;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Registry.Ownership;

/// <summary>On whose behalf a write is noted in metadata.managedFields.</summary>
internal sealed class FieldTracking(string manager)
{
    public string Manager => manager;

    /// <summary>Who owns what afterwards, where the change itself decides it (an apply, a scale); null: the registry finds out by comparing.</summary>
    public ManagedFieldsList? Outcome { get; set; }

    /// <summary>What a component of this process would be called upstream, by its User-Agent: the controllers run there in one program under a service account each.</summary>
    public static string ManagerOf(UserInfo user) => user.Name switch
    {
        "system:kube-scheduler" => "kube-scheduler",
        "system:apiserver" => "kube-apiserver",
        "system:kube-controller-manager" => "kube-controller-manager",
        var name when name.StartsWith("system:node:", StringComparison.Ordinal) => "kubelet",
        var name when name.StartsWith("system:serviceaccount:kube-system:", StringComparison.Ordinal) => "kube-controller-manager",
        var name => name,
    };
}
