using k8s;
using k8s.Models;

namespace LiteKube.Controllers.Common;

/// <summary>Controller references: which object manages which (metadata.ownerReferences with controller: true).</summary>
internal static class Owners
{
    public static V1OwnerReference? Controller(this IKubernetesObject<V1ObjectMeta> value) =>
        value.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller == true);

    public static bool IsControlledBy(this IKubernetesObject<V1ObjectMeta> value, IKubernetesObject<V1ObjectMeta> owner) => value.Controller()?.Uid == owner.Metadata.Uid;

    public static V1OwnerReference ReferenceTo(IKubernetesObject<V1ObjectMeta> owner, string apiVersion, string kind) => new()
    {
        ApiVersion = apiVersion,
        Kind = kind,
        Name = owner.Metadata.Name,
        Uid = owner.Metadata.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };
}
