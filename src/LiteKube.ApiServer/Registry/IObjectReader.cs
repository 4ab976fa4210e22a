using System.Text.Json.Nodes;
using LiteKube.Apis;

namespace LiteKube.ApiServer.Registry;

/// <summary>How authorizers, admission plugins and strategies read the current state, from memory, without going through a request.</summary>
public interface IObjectReader
{
    /// <summary>The object as stored, decoded once per revision and shared: read-only. Null when there is none.</summary>
    JsonObject? Get(GroupResource resource, string ns, string name);

    /// <summary>All objects of a resource, or of one namespace, read-only.</summary>
    IReadOnlyList<JsonObject> List(GroupResource resource, string? ns = null);

    /// <summary>Called after each committed write of the resource with (new or null, old or null), in order; for caches (RBAC, quota). Runs on one loop; must be quick. First called for every object that is there.</summary>
    /// <param name="concerns">Says of the stored bytes (new or empty, old or empty) whether a change is to be told at all, where decoding each would cost; null: all are.</param>
    IDisposable Subscribe(GroupResource resource, Action<JsonObject?, JsonObject?> onChange, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>, bool>? concerns = null);

    /// <summary>The objects of one namespace by their changes, for whoever must be exactly as new as the store when asked.</summary>
    IObjectChanges Follow(GroupResource resource, string ns);
}

/// <summary>One reader's position among the writes of a namespace's objects. Not for concurrent use.</summary>
public interface IObjectChanges : IDisposable
{
    /// <summary>
    /// Gives each write that was committed since the last call as (new or null, old or null), in order. First, and after
    /// a gap, <paramref name="onReset"/> is called and then every object that is there is given as new.
    /// </summary>
    void Read(Action onReset, Action<JsonObject?, JsonObject?> onChange);

    /// <summary>The next read begins anew.</summary>
    void Restart();
}

/// <summary>How the server itself writes (bootstrap objects, tokens, quota usage) through the same registry, as an internal user.</summary>
public interface IObjectWriter
{
    /// <summary>Creates the object (with apiVersion and kind set) unless one of that name is there; true when created.</summary>
    Task<bool> EnsureAsync(JsonObject value, CancellationToken cancellationToken);

    /// <summary>Create through strategy and admission-free registry path.</summary>
    Task<JsonObject> CreateAsync(JsonObject value, CancellationToken cancellationToken);

    /// <summary>Compare-and-swap update by the object's resourceVersion; null when it changed meanwhile.</summary>
    Task<JsonObject?> TryUpdateAsync(JsonObject value, CancellationToken cancellationToken);

    /// <summary>The same of the status alone.</summary>
    Task<JsonObject?> TryUpdateStatusAsync(JsonObject value, CancellationToken cancellationToken);

    /// <summary>Deletes the object as it was read; false when it changed meanwhile.</summary>
    Task<bool> TryDeleteAsync(JsonObject value, CancellationToken cancellationToken);
}
