using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry.Ownership;

/// <summary>
/// Keeps metadata.managedFields over writes. The list travels beside the object, not in its tree: it would be the larger
/// half of many objects, and no strategy looks at it.
/// </summary>
internal static class OwnershipRecorder
{
    /// <param name="value">As the client sent it and defaults completed it, in the request's version; loses its managedFields.</param>
    public static ManagedFieldsList AfterCreate(WriteRequest request, JsonObject value, DateTimeOffset now)
    {
        var given = TakeList(value);
        if (request.Fields is not { } tracking) return ManagedFieldsList.Empty;
        if (tracking.Outcome is { } outcome) return outcome;
        var resource = request.Resource;
        var managed = given is null ? ManagedFieldsList.Empty : Read(given, ManagedFieldsList.Empty);
        return Compare(request, resource.EmptyObject, value, managed, managed, now);
    }

    /// <param name="live">The standing object in the request's version; read-only.</param>
    /// <param name="value">What shall stand; loses its managedFields.</param>
    public static ManagedFieldsList AfterUpdate(WriteRequest request, StoredValue current, JsonObject live, JsonObject value, DateTimeOffset now)
    {
        var given = TakeList(value);
        var standing = ObjectView.Of(current).ManagedFields;
        if (request.Fields is not { } tracking) return standing;
        if (tracking.Outcome is { } outcome) return outcome;
        // A subresource's writers do not get to set the list.
        var managed = given is null || request.Subresource.Length > 0 ? standing : Read(given, standing);
        // An object without owners gets some when it is first applied.
        return managed.IsEmpty ? managed : Compare(request, live, value, managed, standing, now);
    }

    /// <summary>
    /// After a webhook or policy changed an object that showed its owners. What it set is nobody's, as upstream has it:
    /// owners are noted before admission; but it may change the list itself.
    /// </summary>
    /// <param name="value">Loses its managedFields.</param>
    public static ManagedFieldsList AfterMutation(JsonObject value, ManagedFieldsList before, List<string> warnings)
    {
        if (TakeList(value) is not { } given) return ManagedFieldsList.Empty;
        if (before.Encoded.Span.SequenceEqual(ObjectWriter.Write(given))) return before;
        try
        {
            return ManagedFieldsList.FromNode(given);
        }
        catch (FormatException exception)
        {
            warnings.Add(".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: " + exception.Message);
            return before;
        }
    }

    private static ManagedFieldsList Compare(WriteRequest request, JsonObject live, JsonObject value, ManagedFieldsList managed, ManagedFieldsList standing, DateTimeOffset now)
    {
        var resource = request.Resource;
        try
        {
            return resource.Ownership(request.Subresource).Update(resource.Versioned(live), resource.Versioned(value), managed, request.Fields!.Manager, ObjectFields.FormatTime(now));
        }
        catch (MergeException)
        {
            // Elements that cannot be told apart: validation judges the object; its owners stay who they were.
            return standing;
        }
    }

    /// <summary>What a client says of the owners; what cannot be read counts as not said.</summary>
    private static ManagedFieldsList Read(JsonArray given, ManagedFieldsList standing)
    {
        if (ManagedFieldsList.IsReset(given)) return ManagedFieldsList.Empty;
        // Most clients send back what they got.
        if (standing.Encoded.Span.SequenceEqual(ObjectWriter.Write(given))) return standing;
        try
        {
            return ManagedFieldsList.FromNode(given);
        }
        catch (FormatException)
        {
            return standing;
        }
    }

    private static JsonArray? TakeList(JsonObject value)
    {
        if (value["metadata"] is not JsonObject metadata || !metadata.TryGetPropertyValue("managedFields", out var node)) return null;
        metadata.Remove("managedFields");
        return node as JsonArray;
    }
}
