using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Extensions.CustomResources.Validation;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>
/// Accepts the names of CRDs, establishes them, says what is wrong with their schemas and approval, and starts the cleanup
/// of those that are deleted. One at a time: names are a matter between CRDs.
/// </summary>
internal sealed class DefinitionController(IObjectReader objects, ObjectRegistry registry, CustomResourceSet resources, TimeProvider time, ILogger<DefinitionController> logger)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);

    private readonly SyncQueue _queue = new(time);
    private readonly ConcurrentDictionary<string, Task> _cleanups = new(StringComparer.Ordinal);
    private readonly DefinitionWriter _writer = new(registry, resources);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = objects.Subscribe(Definition.Resource, (value, old) => _queue.Add((value ?? old!).MetaName()));
        try
        {
            await _queue.RunAsync(SyncAsync, (name, pause, reason) => CustomResourceLog.SyncFailed(logger, name, pause, reason), cancellationToken);
        }
        finally
        {
            await Task.WhenAll(_cleanups.Values);
        }
    }

    private async Task SyncAsync(string name, CancellationToken cancellationToken)
    {
        resources.Refresh(name);
        if (objects.Get(Definition.Resource, "", name) is not { } standing)
        {
            RequeueGroup(name);
            return;
        }
        var definition = new Definition(standing);
        if (definition is { IsBeingDeleted: true, HasCleanupFinalizer: true })
        {
            StartCleanup(name, cancellationToken);
            return;
        }
        var changed = (JsonObject)standing.DeepClone();
        var namesChanged = AcceptNames(changed, definition);
        Establish(changed);
        SetNonStructural(changed, definition);
        SetApproval(changed, definition);
        if (changed.SameAs(standing)) return;
        if (await _writer.WriteStatusAsync(changed, cancellationToken) && namesChanged) RequeueGroup(name);
    }

    /// <summary>Names that were freed or taken decide over those of the group's other CRDs.</summary>
    private void RequeueGroup(string name)
    {
        var group = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        foreach (var other in objects.List(Definition.Resource))
        {
            if (other.Obj("spec").Str("group") == group && other.MetaName() != name) _queue.Add(other.MetaName());
        }
    }

    private bool AcceptNames(JsonObject changed, Definition definition)
    {
        if (definition.Names.IsSame(definition.AcceptedNames) && definition.IsTrue(DefinitionConditions.NamesAccepted)) return false;
        var others = objects.List(Definition.Resource).Where(o => o.MetaName() != definition.Name && o.Obj("spec").Str("group") == definition.Group).Select(o => new Definition(o).AcceptedNames).ToList();
        var (accepted, reason, message) = NameConflicts.Resolve(definition.Names, definition.AcceptedNames, others);
        changed.GetOrAdd("status")["acceptedNames"] = accepted;
        var status = reason == NameConflicts.None ? "True" : "False";
        if (!DefinitionConditions.Says(changed, DefinitionConditions.NamesAccepted, status, reason, message))
            DefinitionConditions.Set(changed, DefinitionConditions.NamesAccepted, status, reason, message, time.GetUtcNow());
        if (status == "False" && DefinitionConditions.Find(changed, DefinitionConditions.Established) is null)
            DefinitionConditions.Set(changed, DefinitionConditions.Established, "False", "NotAccepted", "not all names are accepted", time.GetUtcNow());
        return true;
    }

    private void Establish(JsonObject changed)
    {
        var definition = new Definition(changed);
        if (!definition.IsTrue(DefinitionConditions.NamesAccepted) || definition.IsTrue(DefinitionConditions.Established)) return;
        var bundle = definition.Conversion.Obj("webhook", "clientConfig").Str("caBundle");
        if (bundle.Length > 0 && WebhookClientRules.BundleComplaint(bundle) is not null)
        {
            const string Message = "The conversion webhook CABundle is invalid";
            if (!DefinitionConditions.Says(changed, DefinitionConditions.Established, "False", "InvalidCABundle", Message))
                DefinitionConditions.Set(changed, DefinitionConditions.Established, "False", "InvalidCABundle", Message, time.GetUtcNow());
            return;
        }
        DefinitionConditions.Set(changed, DefinitionConditions.Established, "True", "InitialNamesAccepted", "the initial names have been accepted", time.GetUtcNow());
    }

    private void SetNonStructural(JsonObject changed, Definition definition)
    {
        var errors = new FieldErrors();
        if (definition.Spec.Bool("preserveUnknownFields")) errors.Invalid(FieldPath.Of("spec").Child("preserveUnknownFields"), true, "must be false");
        foreach (var version in definition.Versions.Where(v => v.SchemaSource is not null))
            StructuralRules.Validate(version.Schema, FieldPath.Of("spec").Child("versions").Index(version.Index).Child("schema").Child("openAPIV3Schema"), errors);
        if (errors.Count == 0) DefinitionConditions.Remove(changed, DefinitionConditions.NonStructuralSchema);
        else if (!DefinitionConditions.Says(changed, DefinitionConditions.NonStructuralSchema, "True", "Violations", errors.ToString()))
            DefinitionConditions.Set(changed, DefinitionConditions.NonStructuralSchema, "True", "Violations", errors.ToString(), time.GetUtcNow());
    }

    private void SetApproval(JsonObject changed, Definition definition)
    {
        if (!ApprovalRules.IsProtected(definition.Group)) return;
        var (state, message) = ApprovalRules.Of(definition);
        var (status, reason) = state switch
        {
            ApprovalState.Approved => ("True", "ApprovedAnnotation"),
            ApprovalState.Bypassed => ("False", "UnapprovedAnnotation"),
            ApprovalState.Missing => ("False", "MissingAnnotation"),
            _ => ("False", "InvalidAnnotation"),
        };
        if (!DefinitionConditions.Says(changed, DefinitionConditions.ApprovalConformant, status, reason, message))
            DefinitionConditions.Set(changed, DefinitionConditions.ApprovalConformant, status, reason, message, time.GetUtcNow());
    }

    private void StartCleanup(string name, CancellationToken cancellationToken)
    {
        if (_cleanups.TryGetValue(name, out var running) && !running.IsCompleted) return;
        _cleanups[name] = CleanUpAsync(name, cancellationToken);
    }

    private async Task CleanUpAsync(string name, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await new InstanceCleanup(name, objects, registry, resources, _writer, time).RunAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The server stops; it goes on after the next start.
            return;
        }
        catch (Exception exception) when (exception is ApiException or StoreUnavailableException or CompactedException)
        {
            CustomResourceLog.SyncFailed(logger, name, RetryAfter, exception);
            try
            {
                await Task.Delay(RetryAfter, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
        _cleanups.TryRemove(name, out _);
        // Whether it is done, or must be done again, is seen from the CRD itself.
        _queue.Add(name);
    }
}

/// <summary>Writes the status of CRDs on the server's behalf.</summary>
internal sealed class DefinitionWriter(ObjectRegistry registry, CustomResourceSet resources)
{
    private static readonly UserInfo Server = new("system:apiserver", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    /// <returns>False: it was changed or removed meanwhile; its next change brings it back here.</returns>
    public async Task<bool> WriteStatusAsync(JsonObject value, CancellationToken cancellationToken)
    {
        if (!resources.Table.TryFind(Definition.Resource, out var resource)) throw new InvalidOperationException("CustomResourceDefinitions are not served.");
        resources.Announce(value);
        var request = new WriteRequest
        {
            Resource = resource,
            User = Server,
            SkipAdmission = true,
            Fields = new FieldTracking(FieldTracking.ManagerOf(Server)),
            Info = new RequestInfo { Verb = "update", Path = "", IsResourceRequest = true, Group = Definition.Kind.Group, Version = Definition.Kind.Version, Resource = Definition.Resource.Resource, Subresource = "status", Name = value.MetaName() },
        };
        try
        {
            await registry.UpdateAsync(request, (_, _, _) => ValueTask.FromResult((JsonObject)value.DeepClone()), null, cancellationToken);
            return true;
        }
        catch (ApiException exception) when (exception.Reason is "Conflict" or "NotFound")
        {
            resources.Refresh(value.MetaName());
            return false;
        }
    }
}
