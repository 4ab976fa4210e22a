using k8s.Models;
using LiteKube.Client;

namespace LiteKube.Controllers.Common;

/// <summary>The informer of pods with an index by the uid of their controller; pods of none stand under their namespace, where adoption looks for them.</summary>
internal static class OwnedPods
{
    public const string Index = "controller-uid";

    public static string Orphans(string ns) => "orphan:" + ns;

    public static IInformer<V1Pod> Get(ISharedInformers informers)
    {
        var pods = informers.Get<V1Pod>();
        pods.AddIndex(Index, pod => [pod.Controller()?.Uid ?? Orphans(pod.Metadata.NamespaceProperty)]);
        return pods;
    }
}
