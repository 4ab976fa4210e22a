using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Defaulting;

/// <summary>Access, admission, extension, networking, scheduling and device kinds.</summary>
internal static class PolicyDefaults
{
    private const string Rbac = "io.k8s.api.rbac.v1.";
    private const string RbacGroup = "rbac.authorization.k8s.io";
    private const string Admission = "io.k8s.api.admissionregistration.v1.";
    private const string Extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";
    private const string FlowControl = "io.k8s.api.flowcontrol.v1.";
    private const string Networking = "io.k8s.api.networking.v1.";
    private const string Resource = "io.k8s.api.resource.v1.";

    public static (string Type, DefaultRule Rule)[] Rules { get; } =
    [
        (Rbac + "ClusterRoleBinding", Binding),
        (Rbac + "RoleBinding", Binding),
        (Rbac + "Subject", Subject),
        ("io.k8s.api.authentication.v1.TokenRequestSpec", t => t.IfMissing("expirationSeconds", 3600L)),
        ("io.k8s.api.scheduling.v1.PriorityClass", t => t.IfMissing("preemptionPolicy", "PreemptLowerPriority")),
        (Admission + "ValidatingWebhook", Webhook),
        (Admission + "MutatingWebhook", MutatingWebhook),
        (Admission + "Rule", t => t.IfMissing("scope", "*")),
        (Admission + "RuleWithOperations", t => t.IfMissing("scope", "*")),
        (Admission + "NamedRuleWithOperations", t => t.IfMissing("scope", "*")),
        (Admission + "ServiceReference", Port443),
        (Admission + "MatchResources", MatchResources),
        (Admission + "ValidatingAdmissionPolicySpec", t => t.IfMissing("failurePolicy", "Fail")),
        (Admission + "MutatingAdmissionPolicySpec", t => t.IfMissing("failurePolicy", "Fail")),
        (Extensions + "CustomResourceDefinition", CustomResourceDefinition),
        (Extensions + "ServiceReference", Port443),
        ("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference", Port443),
        (FlowControl + "FlowSchemaSpec", t => t.IfEmpty("matchingPrecedence", 1000)),
        (FlowControl + "ExemptPriorityLevelConfiguration", t => Shares(t, 0)),
        (FlowControl + "LimitedPriorityLevelConfiguration", t => Shares(t, 30)),
        (FlowControl + "QueuingConfiguration", Queuing),
        (Networking + "NetworkPolicyPort", t => t.IfMissing("protocol", "TCP")),
        (Networking + "NetworkPolicy", NetworkPolicy),
        (Networking + "IngressClassParametersReference", t => t.IfMissing("scope", "Cluster")),
        (Resource + "ExactDeviceRequest", DeviceRequest),
        (Resource + "DeviceSubRequest", DeviceRequest),
        (Resource + "DeviceTaint", t => t.IfMissing("timeAdded", KubernetesTime.Format(t.Time.GetUtcNow()))),
    ];

    private static void Binding(DefaultTarget binding) => binding.Child("roleRef").IfEmpty("apiGroup", RbacGroup);

    private static void Subject(DefaultTarget subject)
    {
        if (subject.Text("kind") is "User" or "Group")
            subject.IfEmpty("apiGroup", RbacGroup);
    }

    private static void Webhook(DefaultTarget webhook)
    {
        webhook.IfMissing("failurePolicy", "Fail");
        webhook.IfMissing("matchPolicy", "Equivalent");
        webhook.IfMissing("namespaceSelector", new JsonObject());
        webhook.IfMissing("objectSelector", new JsonObject());
        webhook.IfMissing("timeoutSeconds", 10);
    }

    private static void MutatingWebhook(DefaultTarget webhook)
    {
        Webhook(webhook);
        webhook.IfMissing("reinvocationPolicy", "Never");
    }

    private static void MatchResources(DefaultTarget match)
    {
        match.IfMissing("matchPolicy", "Equivalent");
        match.IfMissing("namespaceSelector", new JsonObject());
        match.IfMissing("objectSelector", new JsonObject());
    }

    private static void Port443(DefaultTarget reference) => reference.IfMissing("port", 443);

    private static void CustomResourceDefinition(DefaultTarget definition)
    {
        var spec = definition.Child("spec");
        var names = spec.Child("names");
        var kind = names.Text("kind");
        if (kind.Length > 0)
        {
            names.IfEmpty("singular", kind.ToLowerInvariant());
            names.IfEmpty("listKind", kind + "List");
        }

        if (spec.IsMissing("conversion"))
            spec.Set("conversion", new JsonObject { ["strategy"] = "None" });
        var stored = spec.Children("versions").Where(v => v.IsTrue("storage")).Select(v => (JsonNode)v.Text("name")).ToArray();
        if (stored.Length > 0)
            definition.Child("status").IfEmpty("storedVersions", new JsonArray(stored));
    }

    private static void Shares(DefaultTarget configuration, int shares)
    {
        configuration.IfMissing("nominalConcurrencyShares", shares);
        configuration.IfMissing("lendablePercent", 0);
    }

    private static void Queuing(DefaultTarget queuing)
    {
        queuing.IfEmpty("handSize", 8);
        queuing.IfEmpty("queues", 64);
        queuing.IfEmpty("queueLengthLimit", 50);
    }

    private static void NetworkPolicy(DefaultTarget policy)
    {
        var spec = policy.Child("spec");
        if (spec.IsEmpty("policyTypes"))
            spec.Set("policyTypes", spec.IsEmpty("egress") ? new JsonArray("Ingress") : new JsonArray("Ingress", "Egress"));
    }

    private static void DeviceRequest(DefaultTarget request)
    {
        request.IfEmpty("allocationMode", "ExactCount");
        if (request.Text("allocationMode") == "ExactCount")
            request.IfEmpty("count", 1L);
    }
}
