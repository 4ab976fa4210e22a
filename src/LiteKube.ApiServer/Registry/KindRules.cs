using System.Collections.Frozen;
using LiteKube.Apis;

namespace LiteKube.ApiServer.Registry;

/// <summary>The registry's answers that differ by kind and are plain facts.</summary>
internal sealed record KindRules
{
    public bool TracksGeneration { get; init; } = true;
    public bool AllowsCreateOnUpdate { get; init; }
    public bool AllowsUnconditionalUpdate { get; init; } = true;
    public bool OrphansByDefault { get; init; }
    public bool ReturnsDeletedObject { get; init; }

    /// <summary>What every request on the kind is warned of.</summary>
    public string? DeprecationWarning { get; init; }
    public IReadOnlyDictionary<string, SelectableField> SelectableFields { get; init; } = FrozenDictionary<string, SelectableField>.Empty;

    private static readonly KindRules Default = new();
    private static readonly KindRules NoGeneration = new() { TracksGeneration = false };
    private static readonly FrozenDictionary<GroupResource, KindRules> Table = Build();

    public static KindRules For(GroupResource resource) => Table.GetValueOrDefault(resource, Default);

    private static FrozenDictionary<GroupResource, KindRules> Build()
    {
        var rules = new Dictionary<GroupResource, KindRules>();

        void Change(string group, string names, Func<KindRules, KindRules> change)
        {
            foreach (var name in names.Split(' '))
            {
                var key = new GroupResource(group, name);
                rules[key] = change(rules.GetValueOrDefault(key, Default));
            }
        }

        // Kinds whose strategies upstream leave metadata.generation alone.
        Change("", "configmaps secrets events endpoints serviceaccounts limitranges podtemplates nodes namespaces persistentvolumes persistentvolumeclaims services resourcequotas bindings", _ => NoGeneration);
        foreach (var (group, names) in (ReadOnlySpan<(string, string)>)[
            ("events.k8s.io", "events"), ("coordination.k8s.io", "leases leasecandidates"), ("rbac.authorization.k8s.io", "roles rolebindings clusterroles clusterrolebindings"),
            ("apps", "controllerrevisions"), ("storage.k8s.io", "storageclasses csidrivers csinodes volumeattachments csistoragecapacities volumeattributesclasses"),
            ("scheduling.k8s.io", "priorityclasses"), ("node.k8s.io", "runtimeclasses"), ("certificates.k8s.io", "certificatesigningrequests clustertrustbundles podcertificaterequests"),
            ("networking.k8s.io", "ipaddresses servicecidrs"), ("resource.k8s.io", "resourceclaims resourceclaimtemplates"),
            ("autoscaling", "horizontalpodautoscalers"), ("apiregistration.k8s.io", "apiservices")])
        {
            Change(group, names, r => r with { TracksGeneration = false });
        }

        Change("scheduling.k8s.io", "priorityclasses", r => r with { TracksGeneration = true });

        Change("", "limitranges events services endpoints", r => r with { AllowsCreateOnUpdate = true });
        Change("events.k8s.io", "events", r => r with { AllowsCreateOnUpdate = true });
        Change("coordination.k8s.io", "leases", r => r with { AllowsCreateOnUpdate = true, AllowsUnconditionalUpdate = false });
        Change("rbac.authorization.k8s.io", "roles rolebindings clusterroles clusterrolebindings", r => r with { AllowsCreateOnUpdate = true });
        Change("node.k8s.io", "runtimeclasses", r => r with { AllowsCreateOnUpdate = true, AllowsUnconditionalUpdate = false });

        Change("policy", "poddisruptionbudgets", r => r with { AllowsUnconditionalUpdate = false });
        Change("storage.k8s.io", "csidrivers csinodes csistoragecapacities volumeattachments", r => r with { AllowsUnconditionalUpdate = false });
        Change("admissionregistration.k8s.io", "mutatingwebhookconfigurations validatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings", r => r with { AllowsUnconditionalUpdate = false });
        Change("apiextensions.k8s.io", "customresourcedefinitions", r => r with { AllowsUnconditionalUpdate = false });
        Change("apiregistration.k8s.io", "apiservices", r => r with { AllowsUnconditionalUpdate = false });

        Change("", "replicationcontrollers", r => r with { OrphansByDefault = true, SelectableFields = Fields(("status.replicas", "status.replicas", "0")) });
        Change("batch", "jobs", r => r with { OrphansByDefault = true, SelectableFields = Fields(("status.successful", "status.succeeded", "0")) });

        Change("", "pods services persistentvolumes persistentvolumeclaims podtemplates resourcequotas serviceaccounts", r => r with { ReturnsDeletedObject = true });
        Change("storage.k8s.io", "csidrivers csinodes storageclasses volumeattachments", r => r with { ReturnsDeletedObject = true });

        Change("", "endpoints", r => r with { DeprecationWarning = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice" });
        Change("", "componentstatuses", r => r with { DeprecationWarning = "v1 ComponentStatus is deprecated in v1.19+" });

        Change("", "pods", r => r with
        {
            SelectableFields = Fields(("spec.hostNetwork", "spec.hostNetwork", "false"), Same("spec.nodeName"), Same("spec.restartPolicy"), Same("spec.schedulerName"),
                Same("spec.serviceAccountName"), Same("status.phase"), Same("status.podIP"), ("status.podIPs", "status.podIP", ""), Same("status.nominatedNodeName")),
        });
        Change("", "nodes", r => r with { SelectableFields = Fields(("spec.unschedulable", "spec.unschedulable", "false")) });
        Change("", "namespaces", r => r with { SelectableFields = Fields(Same("status.phase"), ("name", "metadata.name", "")) });
        Change("", "secrets", r => r with { SelectableFields = Fields(Same("type")) });
        Change("", "services", r => r with { SelectableFields = Fields(Same("spec.clusterIP"), Same("spec.type")) });
        Change("certificates.k8s.io", "certificatesigningrequests clustertrustbundles", r => r with { SelectableFields = Fields(Same("spec.signerName")) });
        Change("certificates.k8s.io", "clustertrustbundles", r => r with { AllowsUnconditionalUpdate = false });
        string[] involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
        Change("", "events", r => r with
        {
            SelectableFields = Fields([.. involved.Select(f => Same("involvedObject." + f)), Same("reason"), Same("reportingComponent"), ("source", "source.component|reportingComponent", ""), Same("type")]),
        });
        Change("events.k8s.io", "events", r => r with
        {
            SelectableFields = Fields([.. involved.Select(f => Same("regarding." + f)), Same("reason"), Same("reportingController"), ("source", "deprecatedSource.component|reportingController", ""), Same("type")]),
        });
        return rules.ToFrozenDictionary();
    }

    private static (string Label, string Path, string Default) Same(string path) => (path, path, "");

    private static FrozenDictionary<string, SelectableField> Fields(params ReadOnlySpan<(string Label, string Path, string Default)> fields)
    {
        var table = new Dictionary<string, SelectableField>(StringComparer.Ordinal);
        foreach (var (label, path, missing) in fields) table.Add(label, new(path.Split('|'), missing));
        return table.ToFrozenDictionary(StringComparer.Ordinal);
    }
}

/// <param name="Paths">Dotted paths; the first that is there counts.</param>
/// <param name="Missing">What an object without the field compares as.</param>
internal sealed record SelectableField(IReadOnlyList<string> Paths, string Missing);
