namespace LiteKube.Kubelet.Volumes;

/// <summary>One file of a volume that is made of API data.</summary>
/// <param name="Mode">Permission bits as in <c>chmod</c>, for instance octal 0644.</param>
/// <param name="OwnerUid">Owner when it is not root: tokens of a pod that runs as another user.</param>
internal sealed record FileProjection(ReadOnlyMemory<byte> Data, int Mode, int? OwnerUid = null);
