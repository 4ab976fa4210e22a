using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Endpoints.Subresources;

/// <summary>
/// Deletes a pod if its PodDisruptionBudget allows it
/// (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/). What the budget loses is written before the
/// pod goes, so that two evictions cannot spend the same allowance.
/// </summary>
internal sealed class EvictionEndpoint(ObjectRegistry registry, AdmissionRunner admission, IObjectReader objects, Func<ResourceTable> resources, TimeProvider time) : ISubresource
{
    private const int MaxDisruptedPods = 2000;
    private const int MaxAttempts = 20;
    private const string Disruption = "DisruptionTarget";
    private const string Allowed = "DisruptionAllowed";
    private const string DisruptionReason = "EvictionByEvictionAPI";

    private static readonly GroupVersionKind Kind = new("policy", "v1", "Eviction");
    private static readonly GroupResource Budgets = new("policy", "poddisruptionbudgets");
    // As refusals name it, in the singular.
    private static readonly GroupResource Budget = new("policy", "poddisruptionbudget");
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    public async ValueTask<ApiResult> HandleAsync(ApiRequest request, ServedResource resource, CancellationToken cancellationToken)
    {
        var accepted = ObjectResponder.AcceptedUnstored(request);
        var eviction = await BodyDecoder.DecodeAsync(request, resources().Catalog, Kind, cancellationToken);
        eviction = await admission.AdmitAsync(WriteEndpoints.AdmissionFor(request, resource), AdmissionOperation.Create, eviction, null, cancellationToken);
        var info = request.Info;
        if (eviction.Name().Length > 0 && eviction.Name() != info.Name) throw ApiException.BadRequest("name in URL does not match name in Eviction object");
        var options = eviction["deleteOptions"] is JsonObject given ? DeleteEndpoints.FromObject(given) : new DeleteOptions();
        if (BodyDecoder.IsDryRun(request)) options = options with { DryRun = true };

        await EvictAsync(request, resource, options, cancellationToken);
        return ObjectResponder.Unstored(accepted, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
    }

    private async ValueTask EvictAsync(ApiRequest request, ServedResource resource, DeleteOptions asked, CancellationToken cancellationToken)
    {
        var info = request.Info;
        for (var attempt = 1; ; attempt++)
        {
            var pod = resource.Decode(registry.Get(resource, info.Namespace, info.Name));
            if (!IgnoresBudget(pod))
            {
                await EvictGuardedAsync(request, resource, pod, asked, cancellationToken);
                return;
            }
            // What goes free of a budget must still be what it was when that was seen.
            var options = pod.IsBeingDeleted() ? asked : asked with { ResourceVersion = asked.ResourceVersion ?? pod.ResourceVersion() };
            try
            {
                await DeleteAsync(request, resource, options, cancellationToken);
                return;
            }
            catch (ApiException exception) when (exception.Code == 409 && asked.ResourceVersion is null && attempt < MaxAttempts)
            {
                // It changed meanwhile, and may need the budget now.
            }
        }
    }

    private async ValueTask EvictGuardedAsync(ApiRequest request, ServedResource resource, JsonObject pod, DeleteOptions asked, CancellationToken cancellationToken)
    {
        if (FindBudget(request.Info.Namespace, pod) is not { } budget)
        {
            await DeleteAsync(request, resource, asked, cancellationToken);
            return;
        }
        if (!MayGoUnhealthy(pod, budget))
        {
            await SpendAsync(request, budget, asked.DryRun, cancellationToken);
            // The allowance was given for this very pod.
            await DeleteAsync(request, resource, asked with { Uid = asked.Uid ?? pod.Uid() }, cancellationToken);
            return;
        }
        try
        {
            await DeleteAsync(request, resource, asked with { ResourceVersion = asked.ResourceVersion ?? pod.ResourceVersion() }, cancellationToken);
        }
        catch (ApiException exception) when (exception.Code == 409 && asked.ResourceVersion is null)
        {
            // It may have become ready meanwhile; the client is to try again.
            throw StillProcessed(budget.Name());
        }
    }

    private async ValueTask DeleteAsync(ApiRequest request, ServedResource resource, DeleteOptions options, CancellationToken cancellationToken)
    {
        var write = new WriteRequest { Resource = resource, Info = request.Info with { Verb = "update", Subresource = "status" }, User = request.User, Warnings = request.Warnings, SkipAdmission = true };
        if (!options.DryRun)
        {
            var (marked, _) = await registry.UpdateAsync(write, (pod, _, _) => ValueTask.FromResult(Mark(pod!, options)), null, cancellationToken);
            if (options.ResourceVersion is not null) options = options with { ResourceVersion = resource.Decode(marked).ResourceVersion() };
        }
        write = new WriteRequest { Resource = resource, Info = request.Info with { Verb = "delete", Subresource = "" }, User = request.User, DryRun = options.DryRun, Warnings = request.Warnings, SkipAdmission = true };
        await registry.DeleteAsync(write, options, cancellationToken);
    }

    /// <summary>The pod with the condition that says why it ends.</summary>
    private JsonObject Mark(JsonObject current, DeleteOptions options)
    {
        if (options.Uid is { } uid && uid != current.Uid())
            throw ApiException.Conflict(CoreResources.Pods, current.Name(), $"the UID in the precondition ({uid}) does not match the UID in record ({current.Uid()}). The object might have been deleted and then recreated");
        if (options.ResourceVersion is { } version && version != current.ResourceVersion())
            throw ApiException.Conflict(CoreResources.Pods, current.Name(), $"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({current.ResourceVersion()}). The object might have been modified");
        var pod = (JsonObject)current.DeepClone();
        var conditions = pod.GetOrAdd("status").GetOrAddArray("conditions");
        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == Disruption);
        if (condition?.Str("status") == "True" && condition.Str("reason") == DisruptionReason)
            return pod;
        if (condition is not null) conditions.Remove(condition);
        conditions.Add((JsonNode)new JsonObject
        {
            ["type"] = Disruption,
            ["status"] = "True",
            ["lastProbeTime"] = null,
            ["lastTransitionTime"] = ObjectFields.FormatTime(time.GetUtcNow()),
            ["reason"] = DisruptionReason,
            ["message"] = "Eviction API: evicting",
        });
        return pod;
    }

    private static bool IgnoresBudget(JsonObject pod) => pod.Obj("status").Str("phase") is "Succeeded" or "Failed" or "Pending" || pod.IsBeingDeleted();

    private JsonObject? FindBudget(string ns, JsonObject pod)
    {
        JsonObject? found = null;
        foreach (var budget in objects.List(Budgets, ns))
        {
            if (!LabelSelection.Matches(budget.Obj("spec", "selector"), pod.Labels())) continue;
            if (found is not null) throw new ApiException(500, "", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
            found = budget;
        }
        return found;
    }

    /// <summary>A pod that is not ready costs no availability: by default it may go when the others suffice.</summary>
    private static bool MayGoUnhealthy(JsonObject pod, JsonObject budget)
    {
        if (pod.Obj("status").Items("conditions").Any(c => c.Str("type") == "Ready" && c.Str("status") == "True")) return false;
        if (budget.Obj("spec").Str("unhealthyPodEvictionPolicy") == "AlwaysAllow") return true;
        var status = budget.Obj("status");
        return status.Long("currentHealthy") >= status.Long("desiredHealthy") && status.Long("desiredHealthy") > 0;
    }

    private async ValueTask SpendAsync(ApiRequest request, JsonObject budget, bool dryRun, CancellationToken cancellationToken)
    {
        if (!resources().TryFind(Budgets, out var resource)) throw ApiException.Internal("poddisruptionbudgets are not served");
        var write = new WriteRequest
        {
            Resource = resource,
            Info = new RequestInfo { Verb = "update", Path = request.Path, IsResourceRequest = true, Group = "policy", Version = "v1", Resource = "poddisruptionbudgets", Subresource = "status", Namespace = request.Info.Namespace, Name = budget.Name() },
            User = request.User,
            DryRun = dryRun,
            SkipAdmission = true,
        };
        await registry.UpdateAsync(write, (current, _, _) => ValueTask.FromResult(Spend(current!, request.Info.Name)), null, cancellationToken);
    }

    private JsonObject Spend(JsonObject current, string podName)
    {
        var name = current.Name();
        var status = current.Obj("status");
        if (status.Long("observedGeneration") < current.Meta().Long("generation")) throw StillProcessed(name);
        var allowed = status.Long("disruptionsAllowed");
        if (allowed < 0) throw Forbidden(name, "pdb disruptions allowed is negative", "pdb disruptions allowed is negative");
        if (status.Obj("disruptedPods") is { Count: > MaxDisruptedPods }) throw Forbidden(name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller", "too many pending evictions not confirmed by PDB controller");
        if (allowed == 0) throw Refused(SpentCause(name, status), null);

        var budget = (JsonObject)current.DeepClone();
        var spent = budget.GetOrAdd("status");
        spent["disruptionsAllowed"] = (int)(allowed - 1);
        spent.GetOrAdd("disruptedPods")[podName] = ObjectFields.FormatTime(time.GetUtcNow());
        if (allowed == 1) Forbid(spent);
        return budget;
    }

    /// <summary>Says in the condition as well that nothing more may go.</summary>
    private void Forbid(JsonObject status)
    {
        var conditions = status.GetOrAddArray("conditions");
        var known = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Str("type") == Allowed);
        var since = known?.Str("status") == "False" ? known.Str("lastTransitionTime") : ObjectFields.FormatTime(time.GetUtcNow());
        var condition = new JsonObject { ["type"] = Allowed, ["status"] = "False", ["observedGeneration"] = status.Long("observedGeneration"), ["lastTransitionTime"] = since, ["reason"] = "InsufficientPods", ["message"] = known?.Str("message") ?? "" };
        if (known is not null) conditions[conditions.IndexOf(known)] = condition;
        else conditions.Add((JsonNode)condition);
    }

    private static string SpentCause(string name, JsonObject? status)
    {
        var refusal = status.Items("conditions").FirstOrDefault(c => c.Str("type") == Allowed && c.Str("status") == "False" && c.Str("message").Length > 0);
        // The counts of a round that failed mean nothing.
        if (refusal?.Str("reason") == "SyncFailed") return $"The disruption budget {name} does not allow evicting pods currently because it failed sync: {refusal.Str("message")}";
        if (status.Long("currentHealthy") <= status.Long("desiredHealthy")) return $"The disruption budget {name} needs {status.Long("desiredHealthy")} healthy pods and has {status.Long("currentHealthy")} currently";
        return refusal is null ? $"The disruption budget {name} does not allow evicting pods currently" : $"The disruption budget {name} does not allow evicting pods currently ({refusal.Str("reason")}): {refusal.Str("message")}";
    }

    private static ApiException StillProcessed(string budget) => Refused($"The disruption budget {budget} is still being processed by the server.", RetryAfter);

    private static ApiException Forbidden(string budget, string why, string cause)
    {
        var plain = ApiException.Forbidden(Budget, budget, why);
        var details = (JsonObject)plain.Details!.DeepClone();
        details["causes"] = Causes($"The disruption budget {budget} does not allow evicting pods currently: {cause}");
        return new(plain.Code, plain.Reason, plain.Message, details);
    }

    private static ApiException Refused(string cause, TimeSpan? retryAfter) => new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", new JsonObject
    {
        ["causes"] = Causes(cause),
    }, retryAfter);

    private static JsonArray Causes(string message) => new(new JsonObject { ["reason"] = "DisruptionBudget", ["message"] = message });
}
