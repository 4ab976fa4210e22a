namespace LiteKube.ApiServer.Tests.Defaulting;

/// <summary>Workloads and the other groups.</summary>
internal static partial class DefaultExamples
{
    private const string Apps = "apps/v1 ";
    private const string Batch = "batch/v1 ";
    private const string Storage = "storage/v1 ";
    private const string Extensions = "apiextensions/v1 CustomResourceDefinition.";
    private const string Template = "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}";

    private static IEnumerable<Example> Workloads() =>
    [
        new("/apis/apps/v1/namespaces/default/deployments", $$$"""{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},{{{Template}}}}}""",
            new(Apps + "Deployment.spec.replicas", "spec.replicas", "1"),
            new(Apps + "Deployment.spec.strategy.type", "spec.strategy.type", "\"RollingUpdate\""),
            new(Apps + "Deployment.spec.strategy.rollingUpdate.maxUnavailable", "spec.strategy.rollingUpdate.maxUnavailable", "\"25%\""),
            new(Apps + "Deployment.spec.strategy.rollingUpdate.maxSurge", "spec.strategy.rollingUpdate.maxSurge", "\"25%\""),
            new(Apps + "Deployment.spec.revisionHistoryLimit", "spec.revisionHistoryLimit", "10"),
            new(Apps + "Deployment.spec.progressDeadlineSeconds", "spec.progressDeadlineSeconds", "600")),
        new("/apis/apps/v1/namespaces/default/daemonsets", $$$"""{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},{{{Template}}}}}""",
            new(Apps + "DaemonSet.spec.updateStrategy.type", "spec.updateStrategy.type", "\"RollingUpdate\""),
            new(Apps + "DaemonSet.spec.updateStrategy.rollingUpdate.maxUnavailable", "spec.updateStrategy.rollingUpdate.maxUnavailable", "1"),
            new(Apps + "DaemonSet.spec.updateStrategy.rollingUpdate.maxSurge", "spec.updateStrategy.rollingUpdate.maxSurge", "0"),
            new(Apps + "DaemonSet.spec.revisionHistoryLimit", "spec.revisionHistoryLimit", "10")),
        new("/apis/apps/v1/namespaces/default/statefulsets", $$$"""{"metadata":{"name":"s"},"spec":{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},{{{Template}}}}}""",
            new(Apps + "StatefulSet.spec.podManagementPolicy", "spec.podManagementPolicy", "\"OrderedReady\""),
            new(Apps + "StatefulSet.spec.updateStrategy.type", "spec.updateStrategy.type", "\"RollingUpdate\""),
            new(Apps + "StatefulSet.spec.updateStrategy.rollingUpdate.partition", "spec.updateStrategy.rollingUpdate.partition", "0"),
            new(Apps + "StatefulSet.spec.persistentVolumeClaimRetentionPolicy.whenDeleted/whenScaled", "spec.persistentVolumeClaimRetentionPolicy", """{"whenDeleted":"Retain","whenScaled":"Retain"}"""),
            new(Apps + "StatefulSet.spec.replicas", "spec.replicas", "1"),
            new(Apps + "StatefulSet.spec.revisionHistoryLimit", "spec.revisionHistoryLimit", "10")),
        new("/apis/apps/v1/namespaces/default/replicasets", $$$"""{"metadata":{"name":"r"},"spec":{"selector":{"matchLabels":{"a":"b"}},{{{Template}}}}}""",
            new Expected(Apps + "ReplicaSet.spec.replicas", "spec.replicas", "1")),
        new("/apis/batch/v1/namespaces/default/jobs", """{"metadata":{"name":"j"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""",
            new(Batch + "Job.spec.completions and parallelism", "spec.completions", "1"),
            new(Batch + "Job.spec.backoffLimit", "spec.backoffLimit", "6"),
            new(Batch + "Job.metadata.labels", "metadata.labels", """{"a":"b"}"""),
            new(Batch + "Job.spec.completionMode", "spec.completionMode", "\"NonIndexed\""),
            new(Batch + "Job.spec.suspend", "spec.suspend", "false"),
            new(Batch + "Job.spec.selector + template labels", "spec.template.metadata.labels[batch.kubernetes.io/job-name]", "\"j\""),
            // Since v1.27 every Job is tracked by finalizers; the annotation that said so is no longer set.
            new(Batch + "Job.metadata.annotations[\"batch.kubernetes.io/job-tracking\"]", "metadata.annotations", null)),
        new("/apis/batch/v1/namespaces/default/jobs", """{"metadata":{"name":"j"},"spec":{"completions":3,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""",
            new Expected(Batch + "Job.spec.parallelism", "spec.parallelism", "1")),
        new("/apis/batch/v1/namespaces/default/cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}}""",
            new(Batch + "CronJob.spec.concurrencyPolicy", "spec.concurrencyPolicy", "\"Allow\""),
            new(Batch + "CronJob.spec.suspend", "spec.suspend", "false"),
            new(Batch + "CronJob.spec.successfulJobsHistoryLimit", "spec.successfulJobsHistoryLimit", "3"),
            new(Batch + "CronJob.spec.failedJobsHistoryLimit", "spec.failedJobsHistoryLimit", "1")),
        new("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", """{"metadata":{"name":"h"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"},"maxReplicas":3,"behavior":{"scaleUp":{},"scaleDown":{}}}}""",
            new("autoscaling/v1,v2 HorizontalPodAutoscaler.spec.minReplicas", "spec.minReplicas", "1"),
            new("autoscaling/v2 HorizontalPodAutoscaler.spec.metrics", "spec.metrics", """[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]"""),
            new("autoscaling/v2 HPA.spec.behavior.scaleUp", "spec.behavior.scaleUp", """{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}]}"""),
            new("autoscaling/v2 HPA.spec.behavior.scaleDown", "spec.behavior.scaleDown", """{"selectPolicy":"Max","policies":[{"type":"Percent","value":100,"periodSeconds":15}]}""")),
    ];

    private static IEnumerable<Example> Others() =>
    [
        new("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            """{"metadata":{"name":"m"},"webhooks":[{"name":"a.example.com","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{"service":{"namespace":"n","name":"s"}},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"],"operations":["CREATE"]}]}]}""",
            new("admissionregistration/v1 (Validating|Mutating)Webhook.failurePolicy", "webhooks[0].failurePolicy", "\"Fail\""),
            new("admissionregistration/v1 (Validating|Mutating)Webhook.matchPolicy", "webhooks[0].matchPolicy", "\"Equivalent\""),
            new("admissionregistration/v1 (Validating|Mutating)Webhook.namespaceSelector / objectSelector", "webhooks[0].objectSelector", "{}"),
            new("admissionregistration/v1 (Validating|Mutating)Webhook.timeoutSeconds", "webhooks[0].timeoutSeconds", "10"),
            new("admissionregistration/v1 MutatingWebhook.reinvocationPolicy", "webhooks[0].reinvocationPolicy", "\"Never\""),
            new("admissionregistration/v1 Rule.scope", "webhooks[0].rules[0].scope", "\"*\""),
            new("admissionregistration/v1, apiextensions/v1, apiregistration/v1 ServiceReference.port", "webhooks[0].clientConfig.service.port", "443")),
        new("/api/v1/namespaces/default/serviceaccounts/default/token", """{"spec":{}}""",
            new("authentication/v1 TokenRequest.spec.expirationSeconds", "spec.expirationSeconds", "3600"),
            new("authentication/v1 TokenRequest.spec.audiences", "spec.audiences[0]", "*")),
        new("/apis/certificates.k8s.io/v1/certificatesigningrequests", $$$"""{"metadata":{"name":"c"},"spec":{"request":"{{{SigningRequestText}}}","signerName":"example.com/s","usages":["client auth"]}}""",
            new Expected("certificates/v1 CertificateSigningRequest.spec.username/uid/groups/extra", "spec.username", "\"kubernetes-admin\"")),
        new("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", """{"metadata":{"name":"e"},"addressType":"IPv4","endpoints":[],"ports":[{"port":80}]}""",
            new("discovery/v1 EndpointPort.name", "ports[0].name", "\"\""),
            new("discovery/v1 EndpointPort.protocol", "ports[0].protocol", "\"TCP\"")),
        new("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", """{"metadata":{"name":"f"},"spec":{"priorityLevelConfiguration":{"name":"global-default"}}}""",
            new Expected("flowcontrol/v1beta2 FlowSchema.spec.matchingPrecedence", "spec.matchingPrecedence", "1000")),
        new("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", """{"metadata":{"name":"p"},"spec":{"type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{}}}}}""",
            // v1beta2's assuredConcurrencyShares by its present name.
            new("flowcontrol/v1beta2 PriorityLevelConfiguration.spec.limited.assuredConcurrencyShares", "spec.limited.nominalConcurrencyShares", "30"),
            new("flowcontrol/v1beta2 QueuingConfiguration.handSize/queues/queueLengthLimit", "spec.limited.limitResponse.queuing", """{"queues":64,"handSize":8,"queueLengthLimit":50}""")),
        new("/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", """{"metadata":{"name":"n"},"spec":{"podSelector":{},"egress":[{"ports":[{"port":53}]}]}}""",
            new("networking/v1 NetworkPolicyPort.protocol", "spec.egress[0].ports[0].protocol", "\"TCP\""),
            new("networking/v1 NetworkPolicy.spec.policyTypes", "spec.policyTypes", """["Ingress","Egress"]""")),
        new("/apis/networking.k8s.io/v1/ingressclasses", """{"metadata":{"name":"i"},"spec":{"controller":"example.com/c","parameters":{"kind":"P","name":"p"}}}""",
            new Expected("networking/v1 IngressClass.spec.parameters.scope", "spec.parameters.scope", "\"Cluster\"")),
        new("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", """{"metadata":{"name":"r"},"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"User","name":"u"}]}""",
            new("rbac/v1 (Cluster)RoleBinding.roleRef.apiGroup", "roleRef.apiGroup", "\"rbac.authorization.k8s.io\""),
            new("rbac/v1 Subject.apiGroup", "subjects[0].apiGroup", "\"rbac.authorization.k8s.io\"")),
        new("/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"p"},"value":5}""",
            new Expected("scheduling/v1 PriorityClass.preemptionPolicy", "preemptionPolicy", "\"PreemptLowerPriority\"")),
        new("/apis/storage.k8s.io/v1/storageclasses", """{"metadata":{"name":"s"},"provisioner":"example.com/p"}""",
            new(Storage + "StorageClass.reclaimPolicy", "reclaimPolicy", "\"Delete\""),
            new(Storage + "StorageClass.volumeBindingMode", "volumeBindingMode", "\"Immediate\"")),
        new("/apis/storage.k8s.io/v1/csidrivers", """{"metadata":{"name":"d.example.com"},"spec":{}}""",
            new(Storage + "CSIDriver.spec.attachRequired", "spec.attachRequired", "true"),
            new(Storage + "CSIDriver.spec.podInfoOnMount", "spec.podInfoOnMount", "false"),
            new(Storage + "CSIDriver.spec.storageCapacity", "spec.storageCapacity", "false"),
            new(Storage + "CSIDriver.spec.fsGroupPolicy", "spec.fsGroupPolicy", "\"ReadWriteOnceWithFSType\""),
            new(Storage + "CSIDriver.spec.volumeLifecycleModes", "spec.volumeLifecycleModes", """["Persistent"]"""),
            new(Storage + "CSIDriver.spec.requiresRepublish", "spec.requiresRepublish", "false")),
        new("/apis/policy/v1/namespaces/default/poddisruptionbudgets", """{"metadata":{"name":"b"},"spec":{"selector":{"matchLabels":{"a":"b"}}}}""",
            new Expected("policy/v1 PodDisruptionBudget", "spec", """{"selector":{"matchLabels":{"a":"b"}}}""")),
        new("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            """{"metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}""",
            new(Extensions + "spec.names.singular", "spec.names.singular", "\"foo\""),
            new(Extensions + "spec.names.listKind", "spec.names.listKind", "\"FooList\""),
            new(Extensions + "spec.conversion", "spec.conversion", """{"strategy":"None"}"""),
            new(Extensions + "status.storedVersions", "status.storedVersions", """["v1"]""")),
        new("/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            """{"metadata":{"name":"bars.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"bars","kind":"Bar"},"conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"service":{"namespace":"n","name":"s"}}}},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}""",
            new Expected(Extensions + "spec.conversion.webhook.clientConfig.service.port", "spec.conversion.webhook.clientConfig.service.port", "443")),
    ];

    private static string SigningRequestText
    {
        get
        {
            using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
            var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=c", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
            return Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(request.CreateSigningRequestPem()));
        }
    }
}
