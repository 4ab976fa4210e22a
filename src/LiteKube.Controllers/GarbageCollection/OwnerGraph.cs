using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.GarbageCollection;

/// <summary>An object as the graph knows it; changed only under the graph's lock.</summary>
internal sealed class GraphNode(DiscoveredResource resource, ObjectMetadata metadata)
{
    public DiscoveredResource Resource { get; } = resource;
    public ObjectMetadata Metadata { get; set; } = metadata;
    public string Uid => Metadata.Uid;

    /// <summary>Deleted in the foreground: waits for the dependents that block it.</summary>
    public bool IsDeletingDependents => Metadata is { IsDeleting: true, HasForegroundFinalizer: true };

    /// <summary>Deleted, with its dependents to be left alone.</summary>
    public bool IsOrphaning => Metadata is { IsDeleting: true, HasOrphanFinalizer: true };
}

/// <summary>
/// Who owns whom, over all resources. Says through <paramref name="enqueue"/> which objects are worth a look after a
/// change; an object whose owners are all known and alive never is.
/// </summary>
internal sealed class OwnerGraph(Action<GraphNode> enqueue)
{
    /// <summary>Enough for the dependents of what was deleted lately; for an older one the server is asked.</summary>
    private const int RememberedDeletions = 2000;

    private readonly Dictionary<string, GraphNode> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<GraphNode>> _dependents = new(StringComparer.Ordinal);
    private readonly HashSet<string> _deleted = new(StringComparer.Ordinal);
    private readonly Queue<string> _deletedInOrder = new();
    private readonly Dictionary<(string Resource, string Namespace), int> _counts = [];
    private readonly Lock _lock = new();

    /// <summary>An object came or went: its resource ("deployments.apps") and namespace. Called in the graph's lock; must be quick.</summary>
    public Action<string, string>? CountChanged { get; set; }

    /// <summary>How many objects a namespace has of a resource ("deployments.apps").</summary>
    public int Count(string groupResource, string ns)
    {
        lock (_lock)
            return _counts.GetValueOrDefault((groupResource, ns));
    }

    public GraphNode? Find(string uid)
    {
        lock (_lock)
            return _nodes.GetValueOrDefault(uid);
    }

    /// <summary>An object of this uid was seen to go; uids never come back.</summary>
    public bool WasDeleted(string uid)
    {
        lock (_lock)
            return _deleted.Contains(uid);
    }

    public IReadOnlyList<GraphNode> DependentsOf(string uid)
    {
        lock (_lock)
            return _dependents.TryGetValue(uid, out var dependents) ? [.. dependents] : [];
    }

    public void Put(DiscoveredResource resource, ObjectMetadata metadata)
    {
        lock (_lock)
            PutLocked(resource, metadata);
    }

    public void Remove(string uid)
    {
        lock (_lock)
            RemoveLocked(uid, isDeleted: true);
    }

    /// <summary>Takes in a whole list of one resource: what it lacks is gone.</summary>
    public void Replace(DiscoveredResource resource, IReadOnlyList<ObjectMetadata> items)
    {
        var present = items.Select(i => i.Uid).ToHashSet(StringComparer.Ordinal);
        lock (_lock)
        {
            foreach (var item in items)
                PutLocked(resource, item);
            foreach (var uid in OfResource(resource).Where(uid => !present.Contains(uid)).ToList())
                RemoveLocked(uid, isDeleted: true);
        }
    }

    /// <summary>The resource is served no longer: its objects are unknown from now on, which does not mean that they were deleted.</summary>
    public void Forget(DiscoveredResource resource)
    {
        lock (_lock)
        {
            foreach (var uid in OfResource(resource).ToList())
                RemoveLocked(uid, isDeleted: false);
        }
    }

    /// <summary>Whether the reference names the owner as it is: the same uid under another name or kind owns nothing.</summary>
    public static bool Matches(GraphNode owner, GraphNode dependent, OwnerLink link) =>
        owner.Metadata.Name == link.Name && owner.Resource.Kind == link.Kind && owner.Resource.Group == link.Group
        && (!owner.Resource.Namespaced || owner.Metadata.Namespace == dependent.Metadata.Namespace);

    private IEnumerable<string> OfResource(DiscoveredResource resource) =>
        _nodes.Values.Where(n => n.Resource.GroupResource == resource.GroupResource).Select(n => n.Uid);

    private void PutLocked(DiscoveredResource resource, ObjectMetadata metadata)
    {
        if (!_nodes.TryGetValue(metadata.Uid, out var node))
        {
            // A late event of an object that is known to be gone.
            if (_deleted.Contains(metadata.Uid))
                return;
            node = new GraphNode(resource, metadata);
            _nodes.Add(metadata.Uid, node);
            AddToCount(node, 1);
            LinkOwners(node, []);
            if (node.IsDeletingDependents || node.IsOrphaning)
                enqueue(node);
            return;
        }
        var old = node.Metadata;
        var (wasWaiting, wasOrphaning) = (node.IsDeletingDependents, node.IsOrphaning);
        node.Metadata = metadata;
        if (!old.Owners.SequenceEqual(metadata.Owners))
            LinkOwners(node, old.Owners);
        if (node.IsDeletingDependents && !wasWaiting || node.IsOrphaning && !wasOrphaning)
            enqueue(node);
        // A dependent that now waits for its own may close a circle with an owner that waits too.
        if (node.IsDeletingDependents && !wasWaiting)
            EnqueueWaitingOwners(metadata.Owners);
    }

    private void LinkOwners(GraphNode node, IReadOnlyList<OwnerLink> old)
    {
        foreach (var link in old)
            Unlink(node, link);
        foreach (var link in node.Metadata.Owners)
        {
            if (!_dependents.TryGetValue(link.Uid, out var dependents))
                _dependents.Add(link.Uid, dependents = []);
            dependents.Add(node);
        }
        if (node.Metadata.Owners.Any(link => !_nodes.TryGetValue(link.Uid, out var owner) || !Matches(owner, node, link) || owner.IsDeletingDependents))
            enqueue(node);
        EnqueueWaitingOwners(old);
    }

    private void RemoveLocked(string uid, bool isDeleted)
    {
        if (isDeleted && uid.Length > 0 && _deleted.Add(uid))
        {
            _deletedInOrder.Enqueue(uid);
            if (_deletedInOrder.Count > RememberedDeletions)
                _deleted.Remove(_deletedInOrder.Dequeue());
        }
        if (_nodes.Remove(uid, out var node))
        {
            AddToCount(node, -1);
            foreach (var link in node.Metadata.Owners)
                Unlink(node, link);
            EnqueueWaitingOwners(node.Metadata.Owners);
        }
        // Also of an owner that the graph never held: its dependents may have been found alive by asking for it.
        if (!_dependents.TryGetValue(uid, out var dependents))
            return;
        foreach (var dependent in dependents)
            enqueue(dependent);
    }

    private void EnqueueWaitingOwners(IReadOnlyList<OwnerLink> links)
    {
        foreach (var link in links)
        {
            if (_nodes.TryGetValue(link.Uid, out var owner) && owner.IsDeletingDependents)
                enqueue(owner);
        }
    }

    private void AddToCount(GraphNode node, int difference)
    {
        var key = (node.Resource.GroupResource, node.Metadata.Namespace);
        var count = _counts.GetValueOrDefault(key) + difference;
        if (count == 0)
            _counts.Remove(key);
        else
            _counts[key] = count;
        CountChanged?.Invoke(key.GroupResource, key.Namespace);
    }

    private void Unlink(GraphNode node, OwnerLink link)
    {
        if (_dependents.TryGetValue(link.Uid, out var dependents) && dependents.Remove(node) && dependents.Count == 0)
            _dependents.Remove(link.Uid);
    }
}
