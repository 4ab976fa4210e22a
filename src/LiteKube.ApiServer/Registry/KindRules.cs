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
    public IReadOnlyList<string> SelectableFields { get; init; } = [];

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
            ("scheduling.k8s.io", "priorityclasses"), ("node.k8s.io", "runtimeclasses"), ("certificates.k8s.io", "certificatesigningrequests clustertrustbundles"),
            ("autoscaling", "horizontalpodautoscalers")])
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

        Change("", "replicationcontrollers", r => r with { OrphansByDefault = true, SelectableFields = ["status.replicas"] });
        Change("batch", "jobs", r => r with { OrphansByDefault = true, SelectableFields = ["status.successful"] });

        Change("", "pods services persistentvolumes persistentvolumeclaims podtemplates resourcequotas serviceaccounts", r => r with { ReturnsDeletedObject = true });
        Change("storage.k8s.io", "csidrivers csinodes storageclasses volumeattachments", r => r with { ReturnsDeletedObject = true });

        Change("", "pods", r => r with { SelectableFields = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"] });
        Change("", "nodes", r => r with { SelectableFields = ["spec.unschedulable"] });
        Change("", "namespaces", r => r with { SelectableFields = ["status.phase", "name"] });
        Change("", "secrets", r => r with { SelectableFields = ["type"] });
        Change("", "services", r => r with { SelectableFields = ["spec.clusterIP", "spec.type"] });
        string[] events = ["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"];
        Change("", "events", r => r with { SelectableFields = events });
        Change("certificates.k8s.io", "certificatesigningrequests", r => r with { SelectableFields = ["spec.signerName"] });
        return rules.ToFrozenDictionary();
    }
}
