using k8s;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.GarbageCollection;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Objects that own each other in every shape, circles among them, while users delete them in the background, in the
/// foreground and orphaning. What has a living owner is never deleted; what has lost all of them does not stay.
/// </summary>
internal sealed class GarbageCollectionScenario : Scenario
{
    private const int MaxObjects = 24;
    private const string Hold = "example.com/hold";

    /// <summary>A dependent that is younger may be unknown yet when its owner is let go of, in Kubernetes as well.</summary>
    private static readonly TimeSpan Noticed = TimeSpan.FromMinutes(3);

    /// <summary>By uid, as they were after the last write of anybody.</summary>
    private Dictionary<string, IKubernetesObject<V1ObjectMeta>> _before = [];
    private readonly Dictionary<(string Uid, string Owner), DateTimeOffset> _ownedSince = [];
    private readonly Dictionary<string, DateTimeOffset> _orphanedAt = [];
    /// <summary>Others may hold such an owner for longer than its dependents do.</summary>
    private readonly HashSet<string> _inForeground = [];
    private int _made;

    public override IEnumerable<IComponent> Controllers(Life life) => [new GarbageCollector(life.Client, life.Events, life.Loggers, life.Time, life.Random)];

    protected override void SetUp()
    {
        Kube.Serve<V1ConfigMap>().Serve<V1Secret>().Serve<V1PersistentVolume>(namespaced: false).Serve<V1CustomResourceDefinition>(namespaced: false);
        for (var i = 0; i < 6; i++)
            Make();
        Remember();
    }

    public override void Act()
    {
        var picked = Pick(Objects());
        switch (Random.Next(20))
        {
            case < 7 when Objects().Count < MaxObjects:
                Make();
                break;
            case 7 or 8 when picked is not null && picked.Metadata.DeletionTimestamp is null:
                // May close a circle.
                picked.Metadata.OwnerReferences = [.. picked.Metadata.OwnerReferences ?? [], .. Owners(1, picked)];
                Put(picked);
                break;
            case 9 when picked?.Metadata.OwnerReferences is { Count: > 0 } owners:
                owners.RemoveAt(Random.Next(owners.Count));
                Put(picked);
                break;
            case < 13 when picked is not null && picked.Metadata.DeletionTimestamp is null:
                DeleteByUser(picked);
                break;
            case < 16 when picked is not null:
                LetGo(picked);
                break;
        }
        Remember();
    }

    public override bool Serve()
    {
        var any = false;
        foreach (var held in Objects().Where(o => o.Metadata.Finalizers?.Contains(Hold) == true))
        {
            any = true;
            LetGo(held);
        }
        Remember();
        return any;
    }

    public override void CheckAlways()
    {
        var now = Objects().ToDictionary(o => o.Metadata.Uid);
        foreach (var old in _before.Values)
        {
            var next = now.GetValueOrDefault(old.Metadata.Uid);
            if (old.Metadata.DeletionTimestamp is null && (next is null || next.Metadata.DeletionTimestamp is not null))
                RequireDeletable(old);
            if (next is not null)
                RequireLost(old, next);
        }
        Remember();
    }

    public override void CheckSettled()
    {
        foreach (var value in Objects())
        {
            var name = value.Metadata.Name;
            Require(value.Metadata.DeletionTimestamp is null, $"{name} is deleted and does not go: {string.Join(' ', value.Metadata.Finalizers ?? [])}");
            Require(value.Metadata.OwnerReferences?.Any(o => OwnerOf(value, o) is null) != true, $"{name} names an owner that is gone");
        }
    }

    /// <summary>Called for what a controller deleted.</summary>
    private void RequireDeletable(IKubernetesObject<V1ObjectMeta> value)
    {
        Require(value.Metadata.OwnerReferences is { Count: > 0 }, $"{value.Metadata.Name} was deleted and had no owner");
        foreach (var reference in value.Metadata.OwnerReferences)
        {
            Require(OwnerOf(value, reference) is not { } owner || IsDeletedInForeground(owner), $"{value.Metadata.Name} was deleted and its owner {reference.Name} lives");
            Require(!_orphanedAt.TryGetValue(reference.Uid, out var orphaned) || orphaned - _ownedSince[(value.Metadata.Uid, reference.Uid)] < Noticed,
                $"{value.Metadata.Name} was deleted although its owner {reference.Name} was to leave it alone");
        }
    }

    /// <summary>A reference goes only with its owner. Who waits for its own dependents may stop blocking, to open a circle.</summary>
    private void RequireLost(IKubernetesObject<V1ObjectMeta> old, IKubernetesObject<V1ObjectMeta> next)
    {
        foreach (var reference in old.Metadata.OwnerReferences ?? [])
        {
            var kept = next.Metadata.OwnerReferences?.FirstOrDefault(o => o.Uid == reference.Uid);
            if (kept is null)
                Require(OwnerOf(old, reference) is not { } owner || IsDeletedInForeground(owner) || _orphanedAt.ContainsKey(owner.Metadata.Uid), $"{old.Metadata.Name} no longer names its owner {reference.Name}, which lives");
            else
                Require(kept.BlockOwnerDeletion == reference.BlockOwnerDeletion || IsDeletedInForeground(old), $"{old.Metadata.Name} no longer blocks its owner {reference.Name}");
        }
    }

    private void Make()
    {
        var metadata = new V1ObjectMeta
        {
            Name = $"object-{++_made}",
            NamespaceProperty = Random.Next(8) == 0 ? "other" : Ns,
            Finalizers = Random.Next(4) == 0 ? [Hold] : null,
        };
        IKubernetesObject<V1ObjectMeta> value = Random.Next(5) switch
        {
            0 or 1 => new V1ConfigMap { Metadata = metadata },
            2 or 3 => new V1Secret { Metadata = metadata },
            _ => new V1PersistentVolume { Metadata = metadata },
        };
        if (value is V1PersistentVolume)
            metadata.NamespaceProperty = null;
        metadata.OwnerReferences = [.. Owners(Random.Next(4), value)];
        Put(value);
    }

    /// <summary>Mostly objects that are there; some that never were, or that are in another namespace.</summary>
    private IEnumerable<V1OwnerReference> Owners(int count, IKubernetesObject<V1ObjectMeta> of)
    {
        // What is cluster-scoped cannot have an owner in a namespace.
        var candidates = Objects().Where(o => of is not V1PersistentVolume || o is V1PersistentVolume).ToList();
        for (; count > 0; count--)
        {
            if (Pick(candidates) is not { } owner || of.Metadata.OwnerReferences?.Any(o => o.Uid == owner.Metadata.Uid) == true)
                continue;
            candidates.Remove(owner);
            yield return new V1OwnerReference
            {
                ApiVersion = "v1",
                Kind = owner.GetType().Name[2..],
                Name = owner.Metadata.Name,
                Uid = Random.Next(10) == 0 ? $"never-{Kube.Revision}-{count}" : owner.Metadata.Uid,
                BlockOwnerDeletion = Random.Next(3) > 0,
            };
        }
    }

    private void DeleteByUser(IKubernetesObject<V1ObjectMeta> value)
    {
        var policy = Random.Next(6) switch { < 3 => "Background", < 5 => "Foreground", _ => "Orphan" };
        if (policy == "Orphan")
            _orphanedAt[value.Metadata.Uid] = Now;
        Remove(value, policy);
    }

    private void LetGo(IKubernetesObject<V1ObjectMeta> value)
    {
        if (value.Metadata.Finalizers?.Remove(Hold) != true)
            return;
        Put(value);
        // The last finalizer takes what was deleted with it.
        if (value.Metadata.DeletionTimestamp is not null && value.Metadata.Finalizers.Count == 0)
            Remove(value, null);
    }

    private void Remember()
    {
        _before = Objects().ToDictionary(o => o.Metadata.Uid);
        foreach (var value in _before.Values)
        {
            if (value.Metadata.DeletionTimestamp is not null && value.Metadata.Finalizers.Contains("foregroundDeletion"))
                _inForeground.Add(value.Metadata.Uid);
            foreach (var reference in value.Metadata.OwnerReferences ?? [])
                _ownedSince.TryAdd((value.Metadata.Uid, reference.Uid), Now);
        }
    }

    /// <summary>The object that the reference names: in the dependent's namespace or in none.</summary>
    private IKubernetesObject<V1ObjectMeta>? OwnerOf(IKubernetesObject<V1ObjectMeta> dependent, V1OwnerReference reference) => Objects().FirstOrDefault(o =>
        o.Metadata.Uid == reference.Uid && o.Metadata.Name == reference.Name && (o.Metadata.NamespaceProperty is null || o.Metadata.NamespaceProperty == dependent.Metadata.NamespaceProperty));

    private bool IsDeletedInForeground(IKubernetesObject<V1ObjectMeta> value) => _inForeground.Contains(value.Metadata.Uid);

    private IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects() => [.. Kube.All<V1ConfigMap>(), .. Kube.All<V1Secret>(), .. Kube.All<V1PersistentVolume>()];

    private void Put(IKubernetesObject<V1ObjectMeta> value)
    {
        switch (value)
        {
            case V1ConfigMap map: Write(map); break;
            case V1Secret secret: Write(secret); break;
            case V1PersistentVolume volume: Write(volume); break;
        }
    }

    private void Remove(IKubernetesObject<V1ObjectMeta> value, string? policy)
    {
        switch (value)
        {
            case V1ConfigMap map: Delete(map, policy); break;
            case V1Secret secret: Delete(secret, policy); break;
            case V1PersistentVolume volume: Delete(volume, policy); break;
        }
    }
}
