using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

internal static class PodsByNode
{
    private const string Index = "node-name";

    public static IInformer<V1Pod> WithNodeIndex(this IInformer<V1Pod> pods)
    {
        pods.AddIndex(Index, pod => pod.Spec?.NodeName is { Length: > 0 } node ? [node] : []);
        return pods;
    }

    public static IReadOnlyCollection<V1Pod> OnNode(this IInformer<V1Pod> pods, string node) => pods.ByIndex(Index, node);
}
