using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Authentication;

namespace LiteKube.ApiServer.Admission;

public enum AdmissionOperation
{
    Create,
    Update,
    Delete,
    Connect,
}

/// <summary>One request as admission sees it.</summary>
public sealed class AdmissionAttributes
{
    public required AdmissionOperation Operation { get; init; }
    public required ResourceInfo Resource { get; init; }
    public required RequestInfo Request { get; init; }
    public required UserInfo User { get; init; }
    /// <summary>The new object (null for delete); mutating plugins change it in place.</summary>
    public JsonObject? Object { get; set; }
    /// <summary>The stored object for update and delete; read-only.</summary>
    public JsonObject? OldObject { get; init; }
    public bool DryRun { get; init; }
    /// <summary>Texts for Warning headers.</summary>
    public List<string> Warnings { get; } = [];
    /// <summary>What plugins have to say in the audit log; null: nothing.</summary>
    public Dictionary<string, string>? AuditAnnotations { get; private set; }

    public void Annotate(string key, string value) => (AuditAnnotations ??= new(StringComparer.Ordinal))[key] = value;
}

/// <summary>A built-in admission plugin. Denials are <see cref="ApiException"/>s, usually <see cref="ApiException.Forbidden"/>.</summary>
public interface IAdmissionPlugin
{
    string Name { get; }
    bool Handles(AdmissionOperation operation);
    /// <summary>May change the object.</summary>
    ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken);
    /// <summary>Sees the object as it will be stored.</summary>
    ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken);
}
