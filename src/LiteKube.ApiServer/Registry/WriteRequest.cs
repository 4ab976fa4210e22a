using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Registry;

/// <summary>Who writes what, where: the part of a request that the registry and admission need.</summary>
internal sealed class WriteRequest
{
    public required ServedResource Resource { get; init; }
    public required RequestInfo Info { get; init; }
    public required UserInfo User { get; init; }
    public bool DryRun { get; init; }
    /// <summary>Set for what the server writes on its own behalf: bootstrap objects, expiry.</summary>
    public bool SkipAdmission { get; init; }
    /// <summary>Who is to own the fields that the write sets; null: it changes no owner (bindings, evictions, deletions).</summary>
    public FieldTracking? Fields { get; init; }
    /// <summary>Texts for Warning headers.</summary>
    public List<string> Warnings { get; init; } = [];
    /// <summary>What admission may be told of the request's options; null: it has none.</summary>
    public IOperationOptions? Options { get; init; }
    /// <summary>One of the many deletions of a deletecollection.</summary>
    public bool IsOfCollection { get; init; }
    /// <summary>Gets what admission has to say of the request; null when nothing is recorded.</summary>
    public AuditedRequest? Audit { get; init; }

    public string Namespace => Info.Namespace;
    public string Name => Info.Name;
    public string Subresource => Info.Subresource;
    public string Key => Resource.Key(Info.Namespace, Info.Name);

    /// <summary>Strategies work on the stored version.</summary>
    public StrategyContext StrategyContext()
    {
        return new StrategyContext(Resource.Stored, Subresource, User, DryRun) { Served = Resource.Info };
    }

    public ResourceInfo StoredInfo => Resource.Stored;
}
