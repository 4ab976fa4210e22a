using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Values;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>
/// Refuses what would go over a namespace's quota. Usage is counted from the objects that are there, so that it is
/// never behind; what was let through and is not yet stored is remembered, so that two requests at once cannot both
/// take the last place.
/// </summary>
internal sealed class ResourceQuotaAdmission(IObjectReader objects, TimeProvider time) : AdmissionPlugin
{
    /// <summary>A write that has not come by then has failed.</summary>
    private static readonly TimeSpan PendingLifetime = TimeSpan.FromSeconds(5);

    private static readonly string[] MustBeSet = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

    private readonly Lock _lock = new();
    private readonly List<Pending> _pending = [];

    public override string Name => "ResourceQuota";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        var (resource, ns) = (attributes.Resource.GroupResource, attributes.Request.Namespace);
        if (attributes.Request.Subresource.Length > 0 || ns.Length == 0 || attributes.Object is not { } value)
            return;
        // Of the updates only these can raise what is counted.
        if (attributes.Operation == AdmissionOperation.Update && resource != CoreResources.Services && resource != CoreResources.PersistentVolumeClaims)
            return;
        var quotas = objects.List(CoreResources.ResourceQuotas, ns);
        if (quotas.Count == 0)
            return;
        lock (_lock)
        {
            Forget(ns);
            var delta = Delta(resource, value, attributes.OldObject);
            var isCounted = false;
            foreach (var quota in quotas.OrderBy(q => q.MetaName(), StringComparer.Ordinal))
                isCounted |= Check(attributes, quota, resource, value, delta);
            if (isCounted && !attributes.DryRun)
                _pending.Add(new(resource, ns, value.MetaName(), (JsonObject)value.DeepClone(), delta, attributes.OldObject is not null, time.GetUtcNow() + PendingLifetime));
        }
    }

    private bool Check(AdmissionAttributes attributes, JsonObject quota, GroupResource resource, JsonObject value, Dictionary<string, Quantity> delta)
    {
        if (!QuotaUsage.MatchesScopes(quota, resource, value))
            return false;
        var hard = ResourceLists.Read(quota.Obj("spec", "hard"));
        if (resource == CoreResources.Pods && attributes.Operation == AdmissionOperation.Create)
            CheckIsSet(attributes, quota, value, hard);
        var touched = delta.Where(d => hard.ContainsKey(d.Key) && d.Value > Quantity.Zero).Select(d => d.Key).Order(StringComparer.Ordinal).ToList();
        if (touched.Count == 0)
            return false;
        var used = Used(quota, attributes.Request.Namespace, touched);
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

    private Dictionary<string, Quantity> Used(JsonObject quota, string ns, List<string> names)
    {
        var used = names.ToDictionary(n => n, _ => Quantity.Zero, StringComparer.Ordinal);
        foreach (var resource in names.Select(ResourceOf).Distinct())
        {
            foreach (var value in objects.List(resource, ns).Where(v => QuotaUsage.MatchesScopes(quota, resource, v)))
                Add(QuotaUsage.Of(resource, value));
            foreach (var pending in _pending.Where(p => p.Resource == resource && p.Namespace == ns && QuotaUsage.MatchesScopes(quota, resource, p.Value)))
                Add(pending.Delta);
        }
        return used;

        void Add(Dictionary<string, Quantity> part)
        {
            foreach (var (name, quantity) in part)
            {
                if (used.TryGetValue(name, out var sum))
                    used[name] = sum + quantity;
            }
        }
    }

    private static GroupResource ResourceOf(string name)
    {
        if (name.StartsWith("count/", StringComparison.Ordinal))
        {
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            return dot < 0 ? new("", name[6..]) : new(name[(dot + 1)..], name[6..dot]);
        }
        if (name == "requests.storage" || name.Contains(".storageclass.storage.k8s.io/", StringComparison.Ordinal) || name == "persistentvolumeclaims")
            return CoreResources.PersistentVolumeClaims;
        if (name == "services" || name.StartsWith("services.", StringComparison.Ordinal))
            return CoreResources.Services;
        return name is "configmaps" or "secrets" or "replicationcontrollers" or "resourcequotas" ? new("", name) : CoreResources.Pods;
    }

    private static Dictionary<string, Quantity> Delta(GroupResource resource, JsonObject value, JsonObject? old)
    {
        var delta = QuotaUsage.Of(resource, value);
        if (old is not null)
            ResourceLists.Add(delta, QuotaUsage.Of(resource, old).Select(p => KeyValuePair.Create(p.Key, -p.Value)));
        return delta;
    }

    /// <summary>Drops what the store shows by now, or will never show.</summary>
    private void Forget(string ns)
    {
        var now = time.GetUtcNow();
        _pending.RemoveAll(p => p.Until < now || (p.Namespace == ns && IsStored(p)));
    }

    private bool IsStored(Pending pending)
    {
        var stored = objects.Get(pending.Resource, pending.Namespace, pending.Name);
        return stored is not null && (!pending.IsUpdate || stored["spec"].SameAs(pending.Value["spec"]));
    }

    private sealed record Pending(GroupResource Resource, string Namespace, string Name, JsonObject Value, Dictionary<string, Quantity> Delta, bool IsUpdate, DateTimeOffset Until);
}
