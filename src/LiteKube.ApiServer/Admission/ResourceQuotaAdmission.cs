using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>
/// Refuses what would go over a namespace's quota. Usage is that of the objects that are there, kept by what changed
/// since the last request, so that it is never behind and costs the same whatever their number; what was let through
/// and is not yet stored counts as well, so that two requests at once cannot both take the last place.
/// </summary>
internal sealed class ResourceQuotaAdmission(IObjectReader objects, TimeProvider time) : AdmissionPlugin
{
    /// <summary>A write that has not come by then has failed.</summary>
    private static readonly TimeSpan PendingLifetime = TimeSpan.FromSeconds(5);

    /// <summary>Sums that no request has needed for so long are counted anew by the next one.</summary>
    private static readonly TimeSpan IdleLifetime = TimeSpan.FromMinutes(5);

    private static readonly string[] MustBeSet = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<GroupResource, QuotaSums>> _byNamespace = new(StringComparer.Ordinal);
    private DateTimeOffset _swept = time.GetUtcNow();

    public override string Name => "ResourceQuota";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        var (resource, ns) = (attributes.Resource.GroupResource, attributes.Request.Namespace);
        if (ns.Length == 0 || attributes.Object is not { } value || !CanRaise(attributes, resource))
            return;
        var quotas = objects.List(CoreResources.ResourceQuotas, ns);
        if (quotas.Count == 0)
            return;
        lock (_lock)
        {
            var sums = SumsOf(ns, resource, quotas);
            var delta = Delta(resource, value, attributes.OldObject);
            var isCounted = false;
            foreach (var quota in quotas.OrderBy(q => q.MetaName(), StringComparer.Ordinal))
                isCounted |= Check(attributes, quota, sums, value, delta);
            if (isCounted && !attributes.DryRun)
                sums.Expect(value, attributes.OldObject, delta, time.GetUtcNow() + PendingLifetime);
        }
    }

    private static bool CanRaise(AdmissionAttributes attributes, GroupResource resource)
    {
        var isUpdate = attributes.Operation == AdmissionOperation.Update;
        if (attributes.Request.Subresource.Length > 0) return isUpdate && resource == CoreResources.Pods && attributes.Request.Subresource == "resize";
        return !isUpdate || resource == CoreResources.Services || resource == CoreResources.PersistentVolumeClaims;
    }

    private static bool Check(AdmissionAttributes attributes, JsonObject quota, QuotaSums sums, JsonObject value, Dictionary<string, Quantity> delta)
    {
        var resource = attributes.Resource.GroupResource;
        if (!QuotaUsage.MatchesScopes(quota, resource, value))
            return false;
        var hard = ResourceLists.Read(quota.Obj("spec", "hard"));
        if (resource == CoreResources.Pods && attributes.Operation == AdmissionOperation.Create)
            CheckIsSet(attributes, quota, value, hard);
        var touched = delta.Where(d => hard.ContainsKey(d.Key) && d.Value > Quantity.Zero).Select(d => d.Key).Order(StringComparer.Ordinal).ToList();
        if (touched.Count == 0)
            return false;
        var used = sums.Used(quota, touched);
        var over = touched.Where(name => used[name] + delta[name] > hard[name]).ToList();
        if (over.Count > 0)
            throw Forbidden(attributes, $"exceeded quota: {quota.MetaName()}, requested: {Print(delta)}, used: {Print(used)}, limited: {Print(hard)}");
        return true;

        string Print(Dictionary<string, Quantity> list) => string.Join(',', over.Select(name => $"{name}={list[name]}"));
    }

    private static void CheckIsSet(AdmissionAttributes attributes, JsonObject quota, JsonObject pod, Dictionary<string, Quantity> hard)
    {
        var missing = new List<string>();
        foreach (var name in MustBeSet.Where(hard.ContainsKey).Order(StringComparer.Ordinal))
        {
            var (field, plain) = name.StartsWith("limits.", StringComparison.Ordinal) ? ("limits", name[7..]) : ("requests", name.Replace("requests.", "", StringComparison.Ordinal));
            var without = pod.Obj("spec").Items("containers").Concat(pod.Obj("spec").Items("initContainers")).Where(c => !c.Obj("resources", field).Has(plain)).Select(c => c.Str("name")).ToList();
            if (without.Count > 0 && !pod.Obj("spec").Obj("resources", field).Has(plain))
                missing.Add($"{name} for: {string.Join(',', without)}");
        }
        if (missing.Count > 0)
            throw Forbidden(attributes, $"failed quota: {quota.MetaName()}: must specify {string.Join("; ", missing)}");
    }

    private static Dictionary<string, Quantity> Delta(GroupResource resource, JsonObject value, JsonObject? old)
    {
        var delta = QuotaUsage.Of(resource, value);
        if (old is not null)
            ResourceLists.Add(delta, QuotaUsage.Of(resource, old).Select(p => KeyValuePair.Create(p.Key, -p.Value)));
        return delta;
    }

    private QuotaSums SumsOf(string ns, GroupResource resource, IReadOnlyList<JsonObject> quotas)
    {
        var now = time.GetUtcNow();
        if (now - _swept > IdleLifetime) Sweep(now);
        if (!_byNamespace.TryGetValue(ns, out var ofNamespace)) _byNamespace[ns] = ofNamespace = [];
        if (!ofNamespace.TryGetValue(resource, out var sums)) ofNamespace[resource] = sums = new(resource, objects.Follow(resource, ns));
        sums.CatchUp(quotas, now);
        return sums;
    }

    /// <summary>Lets go of what nobody asks for any more: namespaces come and go.</summary>
    private void Sweep(DateTimeOffset now)
    {
        _swept = now;
        foreach (var (ns, ofNamespace) in _byNamespace.ToList())
        {
            foreach (var (resource, sums) in ofNamespace.ToList())
            {
                if (now - sums.LastUsed <= IdleLifetime) continue;
                sums.Dispose();
                ofNamespace.Remove(resource);
            }
            if (ofNamespace.Count == 0) _byNamespace.Remove(ns);
        }
    }
}
