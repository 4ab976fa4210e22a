using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Common;

internal static class PodTemplates
{
    /// <summary>"NAME-", or "NAME" where the hyphen would not leave a valid name.</summary>
    public static string GenerateNamePrefix(string name) => name.Length < 253 ? name + "-" : name;

    public const string HashLabel = "pod-template-hash";

    /// <summary>Equal but for the hash label, which a Deployment adds to what its ReplicaSets hold.</summary>
    public static bool AreEqualIgnoringHash(V1PodTemplateSpec left, V1PodTemplateSpec right) =>
        KubeJson.AreEqual(WithoutHash(left), WithoutHash(right));

    private static V1PodTemplateSpec WithoutHash(V1PodTemplateSpec template)
    {
        if (template.Metadata?.Labels?.ContainsKey(HashLabel) != true)
            return template;
        var copy = KubeJson.Clone(template);
        copy.Metadata.Labels.Remove(HashLabel);
        return copy;
    }
}
