using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.GarbageCollection;

internal enum OwnerState
{
    Alive,
    /// <summary>Alive as the server says, and not in the graph: of a resource that cannot be watched, or new.</summary>
    AliveUnseen,
    /// <summary>Deleted in the foreground: its dependents shall go first.</summary>
    WaitingForDependents,
    Absent,
    /// <summary>A kind that the API does not serve: nothing is concluded from that.</summary>
    Unknown,
    /// <summary>A cluster-scoped object cannot be owned by a namespaced one; it is never collected.</summary>
    Unresolvable,
}

/// <summary>Whether the owner that a reference names exists. What the graph does not show the server is asked for, once per reference.</summary>
internal sealed class OwnerVerification(OwnerGraph graph, MonitoredResources resources, LiveObjects live, IEventRecorder events)
{
    private const int RememberedAbsences = 500;

    private readonly HashSet<(OwnerLink Link, string Namespace)> _absent = [];
    private readonly Queue<(OwnerLink Link, string Namespace)> _absentInOrder = new();
    private readonly Lock _lock = new();

    public async Task<OwnerState> VerifyAsync(GraphNode dependent, OwnerLink link, CancellationToken cancellationToken)
    {
        if (graph.WasDeleted(link.Uid))
            return OwnerState.Absent;
        var known = graph.Find(link.Uid);
        if (known is not null && OwnerGraph.Matches(known, dependent, link))
            return known.IsDeletingDependents ? OwnerState.WaitingForDependents : OwnerState.Alive;
        if (resources.FindKind(link.Group, link.Kind) is not { } resource)
            return OwnerState.Unknown;
        if (resource.Namespaced && !dependent.Resource.Namespaced)
        {
            ReportInvalidNamespace(dependent, link);
            return OwnerState.Unresolvable;
        }
        var ns = resource.Namespaced ? dependent.Metadata.Namespace : "";
        // Another blockOwnerDeletion is the same owner.
        var reference = (link with { BlockOwnerDeletion = false }, ns);
        lock (_lock)
        {
            if (_absent.Contains(reference))
                return OwnerState.Absent;
        }
        var owner = await live.FindAsync(resource, ns, link.Name, cancellationToken);
        if (owner is not null && owner.Uid == link.Uid)
        {
            return owner is { IsDeleting: true, HasForegroundFinalizer: true } ? OwnerState.WaitingForDependents
                : graph.Find(link.Uid) is not null ? OwnerState.Alive : OwnerState.AliveUnseen;
        }
        Remember(reference);
        if (known is not null && known.Resource.Namespaced && known.Metadata.Namespace != ns)
            ReportInvalidNamespace(dependent, link);
        return OwnerState.Absent;
    }

    private void Remember((OwnerLink, string) reference)
    {
        lock (_lock)
        {
            if (!_absent.Add(reference))
                return;
            _absentInOrder.Enqueue(reference);
            if (_absentInOrder.Count > RememberedAbsences)
                _absent.Remove(_absentInOrder.Dequeue());
        }
    }

    private void ReportInvalidNamespace(GraphNode dependent, OwnerLink link)
    {
        var about = new V1ObjectReference
        {
            ApiVersion = dependent.Resource.ApiVersion,
            Kind = dependent.Resource.Kind,
            NamespaceProperty = dependent.Metadata.Namespace.Length > 0 ? dependent.Metadata.Namespace : null,
            Name = dependent.Metadata.Name,
            Uid = dependent.Uid,
        };
        var ns = dependent.Metadata.Namespace;
        events.Record(about, EventTypes.Warning, "OwnerRefInvalidNamespace",
            $"ownerRef [{link.ApiVersion}/{link.Kind}, namespace: {ns}, name: {link.Name}, uid: {link.Uid}] does not exist in namespace \"{ns}\"");
    }
}
