using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>A namespace's LimitRanges: defaults for containers that say nothing, bounds for all (https://kubernetes.io/docs/concepts/policy/limit-range/).</summary>
internal sealed class LimitRanger(IObjectReader objects) : AdmissionPlugin
{
    private const string Annotation = "kubernetes.io/limit-ranger";

    public override string Name => "LimitRanger";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (attributes.Operation != AdmissionOperation.Create || !IsFor(attributes, CoreResources.Pods) || attributes.Object is not { } pod)
            return;
        var done = new List<string>();
        foreach (var limit in Limits(attributes).Where(l => l.Str("type") == "Container"))
        {
            foreach (var (container, noun) in Containers(pod))
            {
                var requests = Fill(container, "requests", limit.Obj("defaultRequest"));
                var limits = Fill(container, "limits", limit.Obj("default"));
                if (requests.Count > 0)
                    done.Add($"{string.Join(", ", requests)} request for {noun} {container.Str("name")}");
                if (limits.Count > 0)
                    done.Add($"{string.Join(", ", limits)} limit for {noun} {container.Str("name")}");
            }
        }
        if (done.Count > 0)
            pod.GetOrAdd("metadata").GetOrAdd("annotations")[Annotation] = "LimitRanger plugin set: " + string.Join("; ", done);
    }

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (attributes.Object is not { } value || value.IsBeingDeleted())
            return;
        var isPod = IsFor(attributes, CoreResources.Pods) && attributes.Operation == AdmissionOperation.Create;
        // Otherwise a pod's resources do not change.
        isPod |= IsFor(attributes, CoreResources.Pods, "resize") && attributes.Operation == AdmissionOperation.Update;
        var isClaim = IsFor(attributes, CoreResources.PersistentVolumeClaims);
        if (!isPod && !isClaim)
            return;
        var errors = new List<string>();
        foreach (var limit in Limits(attributes))
        {
            switch (limit.Str("type"))
            {
                case "Container" when isPod:
                    foreach (var (container, _) in Containers(value))
                        Check(errors, limit, "Container", ResourceLists.Read(container.Obj("resources", "requests")), ResourceLists.Read(container.Obj("resources", "limits")));
                    break;
                case "Pod" when isPod:
                    Check(errors, limit, "Pod", PodResources.Total(value.Obj("spec"), "requests"), PodResources.Total(value.Obj("spec"), "limits"));
                    break;
                case "PersistentVolumeClaim" when isClaim:
                    CheckClaim(errors, limit, ResourceLists.Read(value.Obj("spec").Obj("resources", "requests")));
                    break;
            }
        }
        if (errors.Count > 0)
            throw Forbidden(attributes, errors.Count == 1 ? errors[0] : $"[{string.Join(", ", errors)}]");
    }

    private static IEnumerable<(JsonObject Container, string Noun)> Containers(JsonObject pod) =>
        pod.Obj("spec").Items("containers").Select(c => (c, "container")).Concat(pod.Obj("spec").Items("initContainers").Select(c => (c, "init container")));

    private IEnumerable<JsonObject> Limits(AdmissionAttributes attributes) => objects.List(CoreResources.LimitRanges, attributes.Request.Namespace).SelectMany(r => r.Obj("spec").Items("limits"));

    private static List<string> Fill(JsonObject container, string field, JsonObject? defaults)
    {
        var filled = new List<string>();
        foreach (var (name, value) in defaults ?? [])
        {
            if (container.Obj("resources", field).Has(name))
                continue;
            container.GetOrAdd("resources").GetOrAdd(field)[name] = value!.DeepClone();
            filled.Add(name);
        }
        filled.Sort(StringComparer.Ordinal);
        return filled;
    }

    /// <summary>A claim has a request and no limit.</summary>
    private static void CheckClaim(List<string> errors, JsonObject limit, Dictionary<string, Quantity> requests)
    {
        CheckMin(errors, limit, "PersistentVolumeClaim", requests, []);
        foreach (var (name, max) in ResourceLists.Read(limit.Obj("max")))
        {
            if (!requests.TryGetValue(name, out var request))
                errors.Add($"maximum {name} usage per PersistentVolumeClaim is {max}.  No request is specified");
            else if (request > max)
                errors.Add($"maximum {name} usage per PersistentVolumeClaim is {max}, but request is {request}");
        }
    }

    private static void CheckMin(List<string> errors, JsonObject limit, string type, Dictionary<string, Quantity> requests, Dictionary<string, Quantity> limits)
    {
        foreach (var (name, min) in ResourceLists.Read(limit.Obj("min")))
        {
            if (!requests.TryGetValue(name, out var request))
                errors.Add($"minimum {name} usage per {type} is {min}.  No request is specified");
            else if (request < min)
                errors.Add($"minimum {name} usage per {type} is {min}, but request is {request}");
            else if (limits.TryGetValue(name, out var upper) && upper < min)
                errors.Add($"minimum {name} usage per {type} is {min}, but limit is {upper}");
        }
    }

    private static void Check(List<string> errors, JsonObject limit, string type, Dictionary<string, Quantity> requests, Dictionary<string, Quantity> limits)
    {
        CheckMin(errors, limit, type, requests, limits);
        foreach (var (name, max) in ResourceLists.Read(limit.Obj("max")))
        {
            if (!limits.TryGetValue(name, out var upper))
                errors.Add($"maximum {name} usage per {type} is {max}.  No limit is specified");
            else if (upper > max)
                errors.Add($"maximum {name} usage per {type} is {max}, but limit is {upper}");
            else if (requests.TryGetValue(name, out var request) && request > max)
                errors.Add($"maximum {name} usage per {type} is {max}, but request is {request}");
        }
        foreach (var (name, ratio) in ResourceLists.Read(limit.Obj("maxLimitRequestRatio")))
        {
            if (!requests.TryGetValue(name, out var request) || request.IsZero)
                errors.Add($"{name} max limit to request ratio per {type} is {ratio}, but no request is specified or request is 0");
            else if (!limits.TryGetValue(name, out var upper) || upper.IsZero)
                errors.Add($"{name} max limit to request ratio per {type} is {ratio}, but no limit is specified or limit is 0");
            else if (upper.ToDouble() / request.ToDouble() is var actual && actual > ratio.ToDouble())
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"{name} max limit to request ratio per {type} is {ratio}, but provided ratio is {actual:F6}"));
        }
    }
}
