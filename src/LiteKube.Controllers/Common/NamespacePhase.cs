using k8s.Models;

namespace LiteKube.Controllers.Common;

internal static class NamespacePhase
{
    /// <summary>Not on its way out: new objects may be made in it.</summary>
    public static bool IsActive(this V1Namespace value) => value.Metadata.DeletionTimestamp is null && value.Status?.Phase != "Terminating";
}
