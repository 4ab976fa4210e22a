using System.Text.Json.Nodes;

namespace LiteKube.Integration.Tests.Surface;

/// <summary>The least that Kubernetes takes of each kind, without apiVersion, kind and metadata.</summary>
internal static class MinimalObjects
{
    private const string PodSpec = """{"containers":[{"name":"c","image":"i"}]}""";
    private const string Template = $$$"""{"metadata":{"labels":{"a":"b"}},"spec":{{{PodSpec}}}}""";
    private const string Selector = """{"matchLabels":{"a":"b"}}""";
    private const string Workload = $$$"""{"spec":{"selector":{{{Selector}}},"template":{{{Template}}}}}""";
    private const string Webhooks = """{"webhooks":[{"name":"a.example.com","clientConfig":{"url":"https://127.0.0.1:1/"},"rules":[],"sideEffects":"None","admissionReviewVersions":["v1"]}]}""";
    private const string MatchConstraints = """ "matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["surfaces"]}]}""";
    private const string ObjectReference = """{"kind":"Pod","name":"p","namespace":"surface"}""";

    private static readonly Dictionary<string, string> ByResource = new(StringComparer.Ordinal)
    {
        ["pods"] = $$$"""{"spec":{{{PodSpec}}}}""",
        ["podtemplates"] = $$$"""{"template":{{{Template}}}}""",
        ["replicationcontrollers"] = $$$"""{"spec":{"selector":{"a":"b"},"template":{{{Template}}}}}""",
        ["services"] = """{"spec":{"ports":[{"port":80}]}}""",
        ["events"] = """{"involvedObject":{"namespace":"surface"},"reason":"r","message":"m"}""",
        ["events.events.k8s.io"] = $$$"""{"eventTime":"2026-01-01T00:00:00.000000Z","action":"a","reason":"r","type":"Normal","reportingController":"example.com/c","reportingInstance":"i","regarding":{{{ObjectReference}}}}""",
        ["persistentvolumeclaims"] = """{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""",
        ["persistentvolumes"] = """{"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},"hostPath":{"path":"/x"}}}""",
        ["mutatingwebhookconfigurations"] = Webhooks,
        ["validatingwebhookconfigurations"] = Webhooks,
        ["customresourcedefinitions"] = """{"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"surfaces","singular":"surface","kind":"Surface","listKind":"SurfaceList"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}""",
        ["apiservices"] = """{"spec":{"group":"surface.example.com","version":"v1","groupPriorityMinimum":100,"versionPriority":100}}""",
        ["controllerrevisions"] = """{"revision":1,"data":{}}""",
        ["daemonsets"] = Workload,
        ["deployments"] = Workload,
        ["replicasets"] = Workload,
        ["statefulsets"] = $$$"""{"spec":{"serviceName":"s","selector":{{{Selector}}},"template":{{{Template}}}}}""",
        ["tokenreviews"] = """{"spec":{"token":"x"}}""",
        ["localsubjectaccessreviews"] = """{"spec":{"user":"u","resourceAttributes":{"namespace":"surface","verb":"get","resource":"pods"}}}""",
        ["selfsubjectaccessreviews"] = """{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}""",
        ["selfsubjectrulesreviews"] = """{"spec":{"namespace":"surface"}}""",
        ["subjectaccessreviews"] = """{"spec":{"user":"u","resourceAttributes":{"verb":"get","resource":"pods"}}}""",
        ["horizontalpodautoscalers"] = """{"spec":{"maxReplicas":2,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}}}""",
        ["cronjobs"] = """{"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}}""",
        ["jobs"] = """{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""",
        ["leases"] = """{"spec":{}}""",
        ["endpointslices"] = """{"addressType":"IPv4","endpoints":[]}""",
        ["ingressclasses"] = """{"spec":{"controller":"example.com/c"}}""",
        ["ingresses"] = """{"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}}""",
        ["networkpolicies"] = """{"spec":{"podSelector":{}}}""",
        ["runtimeclasses"] = """{"handler":"h"}""",
        ["poddisruptionbudgets"] = $$$"""{"spec":{"selector":{{{Selector}}}}}""",
        ["clusterrolebindings"] = """{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"}}""",
        ["rolebindings"] = """{"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"}}""",
        ["priorityclasses"] = """{"value":1}""",
        ["csidrivers"] = """{"spec":{}}""",
        ["csinodes"] = """{"spec":{"drivers":[]}}""",
        ["csistoragecapacities"] = """{"storageClassName":"s"}""",
        ["storageclasses"] = """{"provisioner":"example.com/p"}""",
        ["volumeattributesclasses"] = """{"driverName":"d.example.com","parameters":{"a":"b"}}""",
        ["validatingadmissionpolicies"] = $$$"""{"spec":{{{{MatchConstraints}}},"validations":[{"expression":"true"}]}}""",
        ["validatingadmissionpolicybindings"] = """{"spec":{"policyName":"p","validationActions":["Warn"]}}""",
        ["mutatingadmissionpolicies"] = $$$"""{"spec":{{{{MatchConstraints}}},"failurePolicy":"Ignore","reinvocationPolicy":"Never","mutations":[{"patchType":"ApplyConfiguration","applyConfiguration":{"expression":"Object{}"}}]}}""",
        ["mutatingadmissionpolicybindings"] = """{"spec":{"policyName":"p"}}""",
        ["flowschemas"] = """{"spec":{"matchingPrecedence":1000,"priorityLevelConfiguration":{"name":"p"}}}""",
        ["prioritylevelconfigurations"] = """{"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"limitResponse":{"type":"Reject"}}}}""",
        ["ipaddresses"] = """{"spec":{"parentRef":{"resource":"services","namespace":"surface","name":"s"}}}""",
        ["servicecidrs"] = """{"spec":{"cidrs":["10.77.0.0/24"]}}""",
        ["resourceclaimtemplates"] = """{"spec":{"spec":{}}}""",
        ["resourceslices"] = """{"spec":{"driver":"d.example.com","nodeName":"n","pool":{"name":"p","generation":1,"resourceSliceCount":1}}}""",
        ["devicetaintrules"] = """{"spec":{"deviceSelector":{"driver":"d.example.com"},"taint":{"key":"a","effect":"NoSchedule"}}}""",
        ["storageversionmigrations"] = """{"spec":{"resource":{"group":"apps","resource":"deployments"}}}""",
        ["podcertificaterequests"] = """{"spec":{"signerName":"example.com/s","podName":"p","podUID":"1","serviceAccountName":"default","serviceAccountUID":"2","nodeName":"n","nodeUID":"3","maxExpirationSeconds":86400,"stubPKCS10Request":"eA=="}}""",
        ["volumeattachments"] = """{"spec":{"attacher":"a.example.com","nodeName":"n","source":{"persistentVolumeName":"pv"}}}""",
    };

    public static JsonObject Of(string group, string version, string resource, string kind, string name, string ns, string certificateRequest)
    {
        var text = resource switch
        {
            "certificatesigningrequests" => $$$"""{"spec":{"signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"],"request":"{{{certificateRequest}}}"}}""",
            "clustertrustbundles" => new JsonObject { ["spec"] = new JsonObject { ["trustBundle"] = ServedVerbTests.Authority() } }.ToJsonString(),
            _ => ByResource.GetValueOrDefault($"{resource}.{group}") ?? ByResource.GetValueOrDefault(resource, "{}"),
        };
        var value = JsonNode.Parse(text)!.AsObject();
        value["apiVersion"] = group.Length == 0 ? version : $"{group}/{version}";
        value["kind"] = kind;
        var metadata = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { ["surface"] = "yes" } };
        if (ns.Length > 0) metadata["namespace"] = ns;
        value["metadata"] = metadata;
        return value;
    }

    /// <summary>Kinds whose name their content dictates.</summary>
    public static string NameOf(string resource) => resource switch
    {
        "customresourcedefinitions" => "surfaces.example.com",
        "apiservices" => "v1.surface.example.com",
        "ipaddresses" => "10.77.0.9",
        _ => "surface-" + resource,
    };
}
