using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission;

namespace LiteKube.ApiServer.Registry;

/// <summary>meta.k8s.io/v1 DeleteOptions as the registry uses them.</summary>
/// <param name="Propagation">Orphan, Background or Foreground; null: the kind's default.</param>
internal sealed record DeleteOptions(long? GracePeriodSeconds = null, string? Propagation = null, string? Uid = null, string? ResourceVersion = null, bool DryRun = false) : IOperationOptions
{
    /// <summary>orphanDependents: false was given: the answer is 202 while the object stays.</summary>
    public bool AsksForAccepted { get; init; }

    public JsonObject Describe(AdmissionOperation operation)
    {
        var options = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "meta.k8s.io/v1" };
        if (GracePeriodSeconds is { } seconds) options["gracePeriodSeconds"] = seconds;
        if (Uid is not null || ResourceVersion is not null)
        {
            var preconditions = new JsonObject();
            if (Uid is not null) preconditions["uid"] = Uid;
            if (ResourceVersion is not null) preconditions["resourceVersion"] = ResourceVersion;
            options["preconditions"] = preconditions;
        }
        if (AsksForAccepted) options["orphanDependents"] = false;
        else if (Propagation is not null) options["propagationPolicy"] = Propagation;
        if (DryRun) options["dryRun"] = new JsonArray("All");
        return options;
    }
}

/// <param name="Removed">Gone from the store; false: it stays until its grace or finalizers end.</param>
internal readonly record struct DeleteResult(Storage.StoredValue Value, bool Removed);
