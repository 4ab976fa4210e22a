namespace LiteKube.ApiServer.Tests.Defaulting;

/// <param name="Row">The rule's first column in the list of rules.</param>
/// <param name="Field">Where the value stands: "spec.ports[0].protocol"; a key with dots is in brackets.</param>
/// <param name="Value">As JSON; null: the field must be absent; "*": it must be there.</param>
internal sealed record Expected(string Row, string Field, string? Value);

/// <summary>An object without the fields that have defaults, and what it has when it was created.</summary>
/// <param name="Path">Where it is posted.</param>
internal sealed record Example(string Path, string Body, params Expected[] Expectations);

/// <summary>Objects by which each defaulting rule of Kubernetes shows itself.</summary>
internal static partial class DefaultExamples
{
    private const string Pods = "/api/v1/namespaces/default/pods";
    private const string Services = "/api/v1/namespaces/default/services";
    private const string Core = "core/v1 ";

    public static IReadOnlyList<Example> All { get; } = [.. PodsAndVolumes(), .. CoreKinds(), .. Admitted(), .. Workloads(), .. Others()];

    private static IEnumerable<Example> PodsAndVolumes() =>
    [
        new(Pods, """
            {"metadata":{"name":"p"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}],
              "resources":{"limits":{"cpu":"1.0005","memory":"1Gi"},"requests":{"memory":"1Gi"}},
              "livenessProbe":{"grpc":{"port":5}},"readinessProbe":{"httpGet":{"port":80}},"env":[{"name":"N","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}],
              "volumes":[{"name":"e"}]}}
            """,
            new(Core + "any ResourceList (container limits/requests, quota hard, node capacity/allocatable, PV/PVC, LimitRange)", "spec.containers[0].resources.limits.cpu", "\"1001m\""),
            new(Core + "Volume (PodSpec.volumes[])", "spec.volumes[0].emptyDir", "{}"),
            new(Core + "Container|InitContainer|EphemeralContainer.imagePullPolicy", "spec.containers[0].imagePullPolicy", "\"Always\""),
            new(Core + "Container|InitContainer|EphemeralContainer.terminationMessagePath", "spec.containers[0].terminationMessagePath", "\"/dev/termination-log\""),
            new(Core + "Container|InitContainer|EphemeralContainer.terminationMessagePolicy", "spec.containers[0].terminationMessagePolicy", "\"File\""),
            new(Core + "ContainerPort.protocol", "spec.containers[0].ports[0].protocol", "\"TCP\""),
            new(Core + "ContainerPort.hostPort (in PodSpec with hostNetwork=true; containers and initContainers)", "spec.containers[0].ports[0].hostPort", "80"),
            new(Core + "Probe.timeoutSeconds (liveness/readiness/startup, also ephemeral)", "spec.containers[0].livenessProbe.timeoutSeconds", "1"),
            new(Core + "Probe.periodSeconds", "spec.containers[0].livenessProbe.periodSeconds", "10"),
            new(Core + "Probe.successThreshold", "spec.containers[0].livenessProbe.successThreshold", "1"),
            new(Core + "Probe.failureThreshold", "spec.containers[0].livenessProbe.failureThreshold", "3"),
            new(Core + "Probe.grpc.service", "spec.containers[0].livenessProbe.grpc.service", "\"\""),
            new(Core + "HTTPGetAction.path (probes, lifecycle postStart/preStop)", "spec.containers[0].readinessProbe.httpGet.path", "\"/\""),
            new(Core + "HTTPGetAction.scheme", "spec.containers[0].readinessProbe.httpGet.scheme", "\"HTTP\""),
            new(Core + "Pod.spec.(init)containers[].resources.requests[k]", "spec.containers[0].resources.requests.cpu", "\"1001m\""),
            new(Core + "Pod.spec.enableServiceLinks", "spec.enableServiceLinks", "true"),
            new(Core + "PodSpec.dnsPolicy", "spec.dnsPolicy", "\"ClusterFirst\""),
            new(Core + "PodSpec.restartPolicy", "spec.restartPolicy", "\"Always\""),
            new(Core + "PodSpec.securityContext", "spec.securityContext", "{}"),
            new(Core + "PodSpec.terminationGracePeriodSeconds", "spec.terminationGracePeriodSeconds", "30"),
            new(Core + "PodSpec.schedulerName", "spec.schedulerName", "\"default-scheduler\""),
            new(Core + "ObjectFieldSelector.apiVersion (env fieldRef, downwardAPI items, projected)", "spec.containers[0].env[0].valueFrom.fieldRef.apiVersion", "\"v1\""),
            new(Core + "Pod.status", "status.phase", "\"Pending\""),
            new(Core + "Pod.status.qosClass", "status.qosClass", "\"Guaranteed\""),
            new("any metadata.uid, creationTimestamp, resourceVersion", "metadata.uid", "*"),
            new("any metadata.selfLink", "metadata.selfLink", null)),
        new(Pods, """
            {"metadata":{"generateName":"gen-"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","image":"nginx:1.2"}],"volumes":[
              {"name":"a","secret":{"secretName":"s"}},{"name":"b","configMap":{"name":"c"}},{"name":"d","downwardAPI":{}},
              {"name":"e","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}},{"name":"f","hostPath":{"path":"/"}},
              {"name":"g","iscsi":{"targetPortal":"1.2.3.4:3260","iqn":"iqn.2001-04.com.example:x","lun":0}},
              {"name":"h","rbd":{"monitors":["m"],"image":"i"}},{"name":"i","azureDisk":{"diskName":"d","diskURI":"https://x.blob.core.windows.net/y/z.vhd"}},
              {"name":"j","scaleIO":{"gateway":"g","system":"s","volumeName":"v","secretRef":{"name":"s"}}}]}}
            """,
            new(Core + "SecretVolumeSource.defaultMode", "spec.volumes[0].secret.defaultMode", "420"),
            new(Core + "ConfigMapVolumeSource.defaultMode", "spec.volumes[1].configMap.defaultMode", "420"),
            new(Core + "DownwardAPIVolumeSource.defaultMode", "spec.volumes[2].downwardAPI.defaultMode", "420"),
            new(Core + "ProjectedVolumeSource.defaultMode", "spec.volumes[3].projected.defaultMode", "420"),
            new(Core + "ServiceAccountTokenProjection.expirationSeconds", "spec.volumes[3].projected.sources[0].serviceAccountToken.expirationSeconds", "3600"),
            new(Core + "HostPathVolumeSource.type", "spec.volumes[4].hostPath.type", "\"\""),
            new(Core + "ISCSIVolumeSource/ISCSIPersistentVolumeSource.iscsiInterface", "spec.volumes[5].iscsi.iscsiInterface", "\"default\""),
            new(Core + "RBDVolumeSource/RBDPersistentVolumeSource.pool,user,keyring", "spec.volumes[6].rbd", """{"monitors":["m"],"image":"i","pool":"rbd","user":"admin","keyring":"/etc/ceph/keyring"}"""),
            new(Core + "AzureDiskVolumeSource.cachingMode,kind,fsType,readOnly", "spec.volumes[7].azureDisk", """{"diskName":"d","diskURI":"https://x.blob.core.windows.net/y/z.vhd","cachingMode":"ReadWrite","fsType":"ext4","readOnly":false,"kind":"Shared"}"""),
            new(Core + "ScaleIOVolumeSource/ScaleIOPersistentVolumeSource.storageMode,fsType", "spec.volumes[8].scaleIO", """{"gateway":"g","system":"s","secretRef":{"name":"s"},"storageMode":"ThinProvisioned","volumeName":"v","fsType":"xfs"}"""),
            new("any metadata.name", "metadata.name", "*")),
    ];

    private static IEnumerable<Example> CoreKinds() =>
    [
        new("/api/v1/namespaces/default/replicationcontrollers", """{"metadata":{"name":"r"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""",
            new(Core + "ReplicationController.spec.selector", "spec.selector", """{"a":"b"}"""),
            new(Core + "ReplicationController.metadata.labels", "metadata.labels", """{"a":"b"}"""),
            new(Core + "ReplicationController.spec.replicas", "spec.replicas", "1")),
        new(Services, """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],"sessionAffinityConfig":{"clientIP":{}}}}""",
            new(Core + "Service.spec.sessionAffinity", "spec.sessionAffinity", "\"None\""),
            new(Core + "Service.spec.sessionAffinityConfig", "spec.sessionAffinityConfig", null),
            new(Core + "Service.spec.type", "spec.type", "\"ClusterIP\""),
            new(Core + "Service.spec.ports[].protocol", "spec.ports[0].protocol", "\"TCP\""),
            new(Core + "Service.spec.ports[].targetPort", "spec.ports[0].targetPort", "80"),
            new(Core + "Service.spec.internalTrafficPolicy", "spec.internalTrafficPolicy", "\"Cluster\""),
            new(Core + "Service.spec.ipFamilies / ipFamilyPolicy / clusterIPs", "spec.ipFamilies", """["IPv4"]""")),
        new(Services, """{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80}],"sessionAffinity":"ClientIP"}}""",
            new(Core + "Service.spec.sessionAffinityConfig.clientIP.timeoutSeconds", "spec.sessionAffinityConfig.clientIP.timeoutSeconds", "10800"),
            new(Core + "Service.spec.allocateLoadBalancerNodePorts", "spec.allocateLoadBalancerNodePorts", "true"),
            new(Core + "Service.spec.ports[].nodePort", "spec.ports[0].nodePort", "*"),
            new(Core + "Service.spec.healthCheckNodePort", "spec.healthCheckNodePort", "*")),
        new(Services, """{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80}]}}""",
            new Expected(Core + "Service.spec.externalTrafficPolicy", "spec.externalTrafficPolicy", "\"Cluster\"")),
        new("/api/v1/namespaces/default/secrets", """{"metadata":{"name":"s"},"stringData":{"k":"v"}}""",
            new(Core + "Secret.type", "type", "\"Opaque\""),
            new(Core + "Secret.stringData", "data", """{"k":"dg=="}""")),
        new("/api/v1/persistentvolumes", """{"metadata":{"name":"v"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/x"}}}""",
            new(Core + "PersistentVolume.status.phase", "status.phase", "\"Pending\""),
            new(Core + "PersistentVolume.spec.persistentVolumeReclaimPolicy", "spec.persistentVolumeReclaimPolicy", "\"Retain\""),
            new(Core + "PersistentVolume.spec.volumeMode", "spec.volumeMode", "\"Filesystem\"")),
        new("/api/v1/namespaces/default/persistentvolumeclaims", """{"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""",
            new(Core + "PersistentVolumeClaim.status.phase", "status.phase", "\"Pending\""),
            new(Core + "PersistentVolumeClaimSpec.volumeMode (also volumeClaimTemplates, ephemeral)", "spec.volumeMode", "\"Filesystem\""),
            new(Core + "PersistentVolumeClaim.spec.storageClassName", "spec.storageClassName", "\"usual\""),
            new(Core + "PVC/PV finalizers", "metadata.finalizers", """["kubernetes.io/pvc-protection"]""")),
        new("/api/v1/namespaces/default/endpoints", """{"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"10.1.2.3"}],"ports":[{"port":80}]}]}""",
            new Expected(Core + "Endpoints.subsets[].ports[].protocol", "subsets[0].ports[0].protocol", "\"TCP\"")),
        new("/api/v1/namespaces", """{"metadata":{"name":"n"}}""",
            new(Core + "Namespace.metadata.labels[\"kubernetes.io/metadata.name\"]", "metadata.labels[kubernetes.io/metadata.name]", "\"n\""),
            new(Core + "Namespace.status.phase", "status.phase", "\"Active\""),
            new(Core + "Namespace.spec.finalizers", "spec.finalizers", """["kubernetes"]""")),
        new("/api/v1/nodes", """{"metadata":{"name":"n"},"status":{"capacity":{"cpu":"4"}}}""",
            new(Core + "NodeStatus.allocatable", "status.allocatable", """{"cpu":"4"}"""),
            new(Core + "Node on create", "spec.taints", """[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}]""")),
        new("/api/v1/namespaces/default/limitranges", """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","max":{"cpu":"2"},"min":{"memory":"1Mi"}}]}}""",
            new(Core + "LimitRange.spec.limits[].default[k]", "spec.limits[0].default", """{"cpu":"2"}"""),
            new(Core + "LimitRange.spec.limits[].defaultRequest[k]", "spec.limits[0].defaultRequest", """{"cpu":"2","memory":"1Mi"}""")),
        new("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"c"}}""",
            new Expected(Core + "ConfigMap.data", "data", null)),
    ];

    private static IEnumerable<Example> Admitted() =>
    [
        new(Pods, """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""",
            new(Core + "Pod.spec.serviceAccountName (+deprecated serviceAccount mirror)", "spec.serviceAccount", "\"default\""),
            new(Core + "Pod.spec.volumes += kube-api-access-<5rand> projected; every (init)container volumeMount /var/run/secrets/kubernetes.io/serviceaccount readOnly", "spec.volumes[0].projected",
                """{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}"""),
            new(Core + "Pod.spec.imagePullSecrets", "spec.imagePullSecrets", """[{"name":"registry"}]"""),
            new(Core + "Pod.spec.tolerations += node.kubernetes.io/not-ready:NoExecute and node.kubernetes.io/unreachable:NoExecute", "spec.tolerations",
                """[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]"""),
            new(Core + "Pod.spec.priority / preemptionPolicy / priorityClassName", "spec.preemptionPolicy", "\"PreemptLowerPriority\"")),
        new(Pods, """{"metadata":{"name":"p"},"spec":{"runtimeClassName":"heavy","containers":[{"name":"c","image":"i"}]}}""",
            new Expected(Core + "Pod.spec.overhead, nodeSelector, tolerations", "spec.overhead", """{"cpu":"250m"}""")),
        new("/api/v1/namespaces/limited/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""",
            new Expected(Core + "Pod container resources", "spec.containers[0].resources", """{"limits":{"cpu":"500m"},"requests":{"cpu":"100m"}}""")),
        new("/apis/networking.k8s.io/v1/namespaces/default/ingresses", """{"metadata":{"name":"i"},"spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}}}""",
            new Expected("networking/v1 Ingress.spec.ingressClassName", "spec.ingressClassName", "\"usual\"")),
    ];
}
