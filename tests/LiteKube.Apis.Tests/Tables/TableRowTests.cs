using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Tables;

namespace LiteKube.Apis.Tests.Tables;

/// <summary>What kubectl get shows of each kind: columns with their priority ("+": -o wide only), and one row.</summary>
public sealed class TableRowTests
{
    private static readonly DateTimeOffset Now = new(2024, 5, 1, 10, 0, 0, TimeSpan.Zero);

    private static ResourceInfo Find(string apiVersion, string kind)
    {
        var (group, version) = GroupVersion.Parse(apiVersion);
        Assert.True(ResourceCatalog.BuiltIn.TryFindKind(group, version, kind, out var info), $"no resource of {apiVersion} {kind}");
        return info;
    }

    private static (string Columns, string Cells) Show(string apiVersion, string kind, string rest)
    {
        var info = Find(apiVersion, kind);
        var json = $$$"""{"apiVersion":"{{{apiVersion}}}","kind":"{{{kind}}}","metadata":{"name":"x","creationTimestamp":"2024-05-01T09:59:00Z"}""" + (rest.Length > 0 ? "," + rest : "") + "}";
        var value = ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), info.Schema, FieldValidation.Strict).Object;
        var columns = TableConverter.Columns(info).Select(c => (c!["priority"]!.GetValue<int>() > 0 ? "+" : "") + c["name"]!.GetValue<string>());
        var cells = TableConverter.Row(info, value, IncludeObject.None, "meta.k8s.io/v1", Now)["cells"]!.AsArray().Select(c => c?.ToString() ?? "");
        return (string.Join('|', columns), string.Join('|', cells));
    }

    [Theory]
    [InlineData("v1", "ComponentStatus", "\"conditions\":[{\"type\":\"Healthy\",\"status\":\"True\",\"message\":\"ok\"}]", "Name|Status|Message|Error", "x|Healthy|ok|")]
    [InlineData("v1", "ConfigMap", "\"data\":{\"a\":\"b\"},\"binaryData\":{\"c\":\"\"}", "Name|Data|Age", "x|2|60s")]
    [InlineData("v1", "Endpoints", "\"subsets\":[{\"addresses\":[{\"ip\":\"10.0.0.1\"},{\"ip\":\"fd00::1\"}],\"ports\":[{\"port\":80},{\"port\":81}]}]", "Name|Endpoints|Age", "x|10.0.0.1:80,[fd00::1]:80,10.0.0.1:81 + 1 more...|60s")]
    [InlineData("v1", "Event", "\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\"},\"type\":\"Normal\",\"reason\":\"R\",\"message\":\" m \",\"lastTimestamp\":\"2024-05-01T09:59:50Z\",\"firstTimestamp\":\"2024-05-01T09:59:00Z\",\"source\":{\"component\":\"c\",\"host\":\"h\"}", "Last Seen|Type|Reason|Object|+Subobject|+Source|Message|+First Seen|+Count|+Name", "10s|Normal|R|pod/p||c, h|m|60s|1|x")]
    [InlineData("v1", "LimitRange", "", "Name|Created At", "x|2024-05-01T09:59:00Z")]
    [InlineData("v1", "Namespace", "\"status\":{\"phase\":\"Active\"}", "Name|Status|Age", "x|Active|60s")]
    [InlineData("v1", "Node", "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"}],\"nodeInfo\":{\"kubeletVersion\":\"v1\"}},\"spec\":{\"unschedulable\":true}", "Name|Status|Roles|Age|Version|+Internal-IP|+External-IP|+OS-Image|+Kernel-Version|+Container-Runtime", "x|Ready,SchedulingDisabled|<none>|60s|v1|10.0.0.1|<none>|<unknown>|<unknown>|<unknown>")]
    [InlineData("v1", "PersistentVolumeClaim", "\"spec\":{\"volumeName\":\"v\",\"storageClassName\":\"s\"},\"status\":{\"phase\":\"Bound\",\"accessModes\":[\"ReadWriteOnce\"],\"capacity\":{\"storage\":\"1Gi\"}}", "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|+VolumeMode", "x|Bound|v|1Gi|RWO|s|<unset>|60s|<unset>")]
    [InlineData("v1", "PersistentVolume", "\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadOnlyMany\"],\"persistentVolumeReclaimPolicy\":\"Retain\",\"claimRef\":{\"namespace\":\"n\",\"name\":\"c\"}},\"status\":{\"phase\":\"Bound\"}", "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|+VolumeMode", "x|1Gi|ROX|Retain|Bound|n/c||<unset>||60s|<unset>")]
    [InlineData("v1", "PodTemplate", "\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}", "Name|Containers|Images|Pod Labels", "x|c|i|a=b")]
    [InlineData("v1", "ReplicationController", "\"spec\":{\"replicas\":2,\"selector\":{\"a\":\"b\"}}", "Name|Desired|Current|Ready|Age|+Containers|+Images|+Selector", "x|2|0|0|60s|||a=b")]
    [InlineData("v1", "ResourceQuota", "\"status\":{\"hard\":{\"limits.cpu\":\"2\",\"pods\":\"4\"},\"used\":{\"pods\":\"1\"}}", "Name|Request|Limit|Age", "x|pods: 1/4|limits.cpu: 0/2|60s")]
    [InlineData("v1", "Secret", "\"type\":\"Opaque\",\"data\":{\"a\":\"\"}", "Name|Type|Data|Age", "x|Opaque|1|60s")]
    [InlineData("v1", "ServiceAccount", "", "Name|Secrets|Age", "x|0|60s")]
    [InlineData("v1", "Service", "\"spec\":{\"type\":\"LoadBalancer\",\"clusterIPs\":[\"10.0.0.1\"],\"externalIPs\":[\"1.1.1.1\"],\"ports\":[{\"port\":80,\"protocol\":\"TCP\",\"nodePort\":30080},{\"port\":53,\"protocol\":\"UDP\"}],\"selector\":{\"a\":\"b\"}},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"9.9.9.9\"},{\"hostname\":\"h\"}]}}", "Name|Type|Cluster-IP|External-IP|Port(s)|Age|+Selector", "x|LoadBalancer|10.0.0.1|9.9.9.9,h,1.1.1.1|80:30080/TCP,53/UDP|60s|a=b")]
    [InlineData("apiregistration.k8s.io/v1", "APIService", "", "Name|Service|Available|Age", "x|Local|Unknown|60s")]
    [InlineData("apps/v1", "ControllerRevision", "\"revision\":3", "Name|Controller|Revision|Age", "x|<none>|3|60s")]
    [InlineData("apps/v1", "DaemonSet", "\"status\":{\"desiredNumberScheduled\":3,\"currentNumberScheduled\":2,\"numberReady\":1,\"updatedNumberScheduled\":2,\"numberAvailable\":1}", "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age|+Containers|+Images|+Selector", "x|3|2|1|2|1|<none>|60s|||<none>")]
    [InlineData("apps/v1", "Deployment", "\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}},\"status\":{\"readyReplicas\":1,\"updatedReplicas\":2,\"availableReplicas\":1}", "Name|Ready|Up-to-date|Available|Age|+Containers|+Images|+Selector", "x|1/3|2|1|60s|c|i|a=b")]
    [InlineData("apps/v1", "ReplicaSet", "\"spec\":{\"replicas\":3},\"status\":{\"replicas\":2,\"readyReplicas\":1}", "Name|Desired|Current|Ready|Age|+Containers|+Images|+Selector", "x|3|2|1|60s|||<none>")]
    [InlineData("apps/v1", "StatefulSet", "\"spec\":{\"replicas\":3},\"status\":{\"replicas\":2,\"readyReplicas\":1}", "Name|Ready|Age|+Containers|+Images", "x|1/3|60s||")]
    [InlineData("events.k8s.io/v1", "Event", "\"regarding\":{\"kind\":\"Node\"},\"note\":\"n\",\"series\":{\"count\":4,\"lastObservedTime\":\"2024-05-01T09:59:30.000000Z\"},\"eventTime\":\"2024-05-01T09:59:00.000000Z\",\"reportingController\":\"c\"", "Last Seen|Type|Reason|Object|+Subobject|+Source|Message|+First Seen|+Count|+Name", "30s|||node||c|n|60s|4|x")]
    [InlineData("autoscaling/v2", "HorizontalPodAutoscaler", "\"spec\":{\"maxReplicas\":4,\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"d\"},\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\",\"averageUtilization\":70}}}]},\"status\":{\"currentReplicas\":2,\"currentMetrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"current\":{\"averageUtilization\":35}}}]}", "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age", "x|Deployment/d|cpu: 35%/70%|<unset>|4|2|60s")]
    [InlineData("batch/v1", "CronJob", "\"spec\":{\"schedule\":\"* * * * *\",\"timeZone\":\"Etc/UTC\",\"suspend\":false},\"status\":{\"active\":[{}],\"lastScheduleTime\":\"2024-05-01T09:59:30Z\"}", "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age|+Containers|+Images|+Selector", "x|* * * * *|Etc/UTC|False|1|30s|60s|||<none>")]
    [InlineData("batch/v1", "Job", "\"spec\":{\"parallelism\":3},\"status\":{\"succeeded\":1,\"startTime\":\"2024-05-01T09:59:00Z\",\"completionTime\":\"2024-05-01T09:59:10Z\",\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}", "Name|Status|Completions|Duration|Age|+Containers|+Images|+Selector", "x|Complete|1/1 of 3|10s|60s|||<none>")]
    [InlineData("certificates.k8s.io/v1", "CertificateSigningRequest", "\"spec\":{\"signerName\":\"s\",\"username\":\"u\",\"expirationSeconds\":3600},\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"}],\"certificate\":\"AA==\"}", "Name|Age|SignerName|Requestor|RequestedDuration|Condition", "x|60s|s|u|60m|Approved,Issued")]
    [InlineData("certificates.k8s.io/v1", "ClusterTrustBundle", "", "Name|SignerName", "x|<none>")]
    [InlineData("certificates.k8s.io/v1", "PodCertificateRequest", "\"spec\":{\"podName\":\"p\",\"serviceAccountName\":\"a\",\"nodeName\":\"n\",\"signerName\":\"s\"},\"status\":{\"conditions\":[{\"type\":\"Issued\",\"status\":\"True\"}]}", "Name|PodName|ServiceAccountName|NodeName|SignerName|State", "x|p|a|n|s|Issued")]
    [InlineData("networking.k8s.io/v1", "Ingress", "\"spec\":{\"ingressClassName\":\"c\",\"rules\":[{\"host\":\"a\"},{\"host\":\"b\"}],\"tls\":[{}]},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"1.1.1.1\"}]}}", "Name|Class|Hosts|Address|Ports|Age", "x|c|a,b|1.1.1.1|80, 443|60s")]
    [InlineData("networking.k8s.io/v1", "IngressClass", "\"spec\":{\"controller\":\"c\",\"parameters\":{\"apiGroup\":\"g\",\"kind\":\"K\",\"name\":\"n\"}}", "Name|Controller|Parameters|Age", "x|c|K.g/n|60s")]
    [InlineData("networking.k8s.io/v1", "IPAddress", "\"spec\":{\"parentRef\":{\"resource\":\"services\",\"namespace\":\"n\",\"name\":\"s\"}}", "Name|ParentRef", "x|services/n/s")]
    [InlineData("networking.k8s.io/v1", "NetworkPolicy", "", "Name|Pod-Selector|Age", "x|<none>|60s")]
    [InlineData("networking.k8s.io/v1", "ServiceCIDR", "\"spec\":{\"cidrs\":[\"10.0.0.0/8\",\"fd00::/8\"]}", "Name|CIDRs|Age", "x|10.0.0.0/8,fd00::/8|60s")]
    [InlineData("policy/v1", "PodDisruptionBudget", "\"spec\":{\"maxUnavailable\":1},\"status\":{\"disruptionsAllowed\":2}", "Name|Min Available|Max Unavailable|Allowed Disruptions|Age", "x|N/A|1|2|60s")]
    [InlineData("rbac.authorization.k8s.io/v1", "ClusterRole", "", "Name|Created At", "x|2024-05-01T09:59:00Z")]
    [InlineData("rbac.authorization.k8s.io/v1", "Role", "", "Name|Created At", "x|2024-05-01T09:59:00Z")]
    [InlineData("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "\"roleRef\":{\"kind\":\"ClusterRole\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"s\"},{\"kind\":\"Group\",\"name\":\"g\"}]", "Name|Role|Age|+Users|+Groups|+ServiceAccounts", "x|ClusterRole/r|60s||g|n/s")]
    [InlineData("rbac.authorization.k8s.io/v1", "RoleBinding", "\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"u\"}]", "Name|Role|Age|+Users|+Groups|+ServiceAccounts", "x|Role/r|60s|u||")]
    [InlineData("storage.k8s.io/v1", "CSIDriver", "\"spec\":{\"tokenRequests\":[{\"audience\":\"a\"}],\"volumeLifecycleModes\":[\"Persistent\"]}", "Name|AttachRequired|PodInfoOnMount|StorageCapacity|TokenRequests|RequiresRepublish|Modes|Age", "x|true|false|false|a|false|Persistent|60s")]
    [InlineData("storage.k8s.io/v1", "CSINode", "\"spec\":{\"drivers\":[{\"name\":\"d\",\"nodeID\":\"n\"}]}", "Name|Drivers|Age", "x|1|60s")]
    [InlineData("storage.k8s.io/v1", "CSIStorageCapacity", "\"storageClassName\":\"s\"", "Name|StorageClassName|Capacity", "x|s|<unset>")]
    [InlineData("storage.k8s.io/v1", "StorageClass", "\"provisioner\":\"p\"", "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age", "x|p|Delete|Immediate|false|60s")]
    [InlineData("storage.k8s.io/v1", "VolumeAttachment", "\"spec\":{\"attacher\":\"a\",\"nodeName\":\"n\",\"source\":{\"persistentVolumeName\":\"v\"}},\"status\":{\"attached\":true}", "Name|Attacher|PV|Node|Attached|Age", "x|a|v|n|true|60s")]
    [InlineData("storage.k8s.io/v1", "VolumeAttributesClass", "\"driverName\":\"d\"", "Name|DriverName|Age", "x|d|60s")]
    [InlineData("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", "\"spec\":{\"mutations\":[{}],\"paramKind\":{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}}", "Name|Mutations|ParamKind|Age", "x|1|v1/ConfigMap|60s")]
    [InlineData("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicyBinding", "\"spec\":{\"policyName\":\"p\",\"paramRef\":{\"name\":\"n\",\"namespace\":\"s\"}}", "Name|PolicyName|ParamRef|Age", "x|p|s/n|60s")]
    [InlineData("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "\"webhooks\":[{},{}]", "Name|Webhooks|Age", "x|2|60s")]
    [InlineData("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "\"spec\":{\"validations\":[{}]}", "Name|Validations|ParamKind|Age", "x|1|<unset>|60s")]
    [InlineData("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "\"spec\":{\"policyName\":\"p\",\"paramRef\":{\"name\":\"n\"}}", "Name|PolicyName|ParamRef|Age", "x|p|*/n|60s")]
    [InlineData("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "Name|Webhooks|Age", "x|0|60s")]
    [InlineData("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "Name|Created At", "x|2024-05-01T09:59:00Z")]
    [InlineData("scheduling.k8s.io/v1", "PriorityClass", "\"value\":7", "Name|Value|Global-Default|Age|PreemptionPolicy", "x|7|false|60s|")]
    [InlineData("coordination.k8s.io/v1", "Lease", "\"spec\":{\"holderIdentity\":\"h\"}", "Name|Holder|Age", "x|h|60s")]
    [InlineData("node.k8s.io/v1", "RuntimeClass", "\"handler\":\"h\"", "Name|Handler|Age", "x|h|60s")]
    [InlineData("discovery.k8s.io/v1", "EndpointSlice", "\"addressType\":\"IPv4\",\"ports\":[{\"port\":80},{\"name\":\"n\"},{}],\"endpoints\":[{\"addresses\":[\"1.1.1.1\"]}]", "Name|AddressType|Ports|Endpoints|Age", "x|IPv4|80,n,*|1.1.1.1|60s")]
    [InlineData("resource.k8s.io/v1", "DeviceClass", "", "Name|Age", "x|60s")]
    [InlineData("resource.k8s.io/v1", "DeviceTaintRule", "", "Name|Age", "x|60s")]
    [InlineData("resource.k8s.io/v1", "ResourceClaim", "\"status\":{\"allocation\":{},\"reservedFor\":[{\"resource\":\"pods\",\"name\":\"p\",\"uid\":\"u\"}]}", "Name|State|Age", "x|allocated,reserved|60s")]
    [InlineData("resource.k8s.io/v1", "ResourceClaimTemplate", "", "Name|Age", "x|60s")]
    [InlineData("resource.k8s.io/v1", "ResourceSlice", "\"spec\":{\"nodeName\":\"n\",\"driver\":\"d\",\"pool\":{\"name\":\"p\"}}", "Name|Node|Driver|Pool|Age", "x|n|d|p|60s")]
    [InlineData("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "\"spec\":{\"priorityLevelConfiguration\":{\"name\":\"p\"},\"matchingPrecedence\":500,\"distinguisherMethod\":{\"type\":\"ByUser\"}},\"status\":{\"conditions\":[{\"type\":\"Dangling\",\"status\":\"False\"}]}", "Name|PriorityLevel|MatchingPrecedence|DistinguisherMethod|Age|MissingPL", "x|p|500|ByUser|60s|False")]
    [InlineData("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "\"spec\":{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":30,\"limitResponse\":{\"type\":\"Queue\",\"queuing\":{\"queues\":64,\"handSize\":6,\"queueLengthLimit\":50}}}}", "Name|Type|NominalConcurrencyShares|Queues|HandSize|QueueLengthLimit|Age", "x|Limited|30|64|6|50|60s")]
    [InlineData("storagemigration.k8s.io/v1", "StorageVersionMigration", "\"spec\":{\"resource\":{\"group\":\"apps\",\"resource\":\"deployments\"}}", "Name|Resource", "x|deployments.apps")]
    public void A_kind_shows_its_columns_and_cells(string apiVersion, string kind, string rest, string columns, string cells)
    {
        Assert.Equal((columns, cells), Show(apiVersion, kind, rest));
    }

    [Theory]
    [InlineData("\"status\":{\"phase\":\"Running\",\"podIPs\":[{\"ip\":\"10.0.0.1\"}],\"containerStatuses\":[{\"name\":\"c\",\"ready\":true,\"restartCount\":2,\"state\":{\"running\":{}},\"lastState\":{\"terminated\":{\"exitCode\":1,\"finishedAt\":\"2024-05-01T09:59:40Z\"}}}]}", "1/1|Running|2 (20s ago)")]
    [InlineData("\"status\":{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"ready\":false,\"restartCount\":1,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}}]}", "0/1|Init:CrashLoopBackOff|1")]
    [InlineData("\"status\":{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"ready\":false,\"restartCount\":0,\"state\":{\"running\":{}}}]}", "0/1|Init:0/1|0")]
    [InlineData("\"status\":{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":3}}}]}", "0/1|Init:ExitCode:3|0")]
    [InlineData("\"status\":{\"phase\":\"Succeeded\",\"containerStatuses\":[{\"name\":\"c\",\"ready\":false,\"restartCount\":0,\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\"}}}]}", "0/1|Completed|0")]
    [InlineData("\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\"}", "0/1|Evicted|0")]
    public void A_pods_status_follows_its_containers(string status, string expected)
    {
        var (columns, cells) = Show("v1", "Pod", $$"""
            "spec":{"initContainers":[{"name":"i","image":"i"}],"containers":[{"name":"c","image":"i"}]},{{status}}
            """.Trim());

        Assert.Equal("Name|Ready|Status|Restarts|Age|+IP|+Node|+Nominated Node|+Readiness Gates", columns);
        Assert.Equal(expected, string.Join('|', cells.Split('|')[1..4]));
    }

    [Fact]
    public void Sidecars_and_readiness_gates_are_counted()
    {
        var (_, cells) = Show("v1", "Pod", """
            "spec":{"initContainers":[{"name":"s","image":"i","restartPolicy":"Always"}],"containers":[{"name":"c","image":"i"}],"readinessGates":[{"conditionType":"a"},{"conditionType":"b"}]},
            "status":{"phase":"Running","conditions":[{"type":"a","status":"True"}],
            "initContainerStatuses":[{"name":"s","ready":true,"started":true,"restartCount":3,"state":{"running":{}}}],"containerStatuses":[{"name":"c","ready":true,"restartCount":0,"state":{"running":{}}}]}
            """.Trim());

        Assert.Equal("x|2/2|Running|3|60s|<none>|<none>|<none>|1/2", cells);
    }

    [Fact]
    public void A_finished_pods_row_says_so()
    {
        var info = Find("v1", "Pod");
        var row = TableConverter.Row(info, JsonNode.Parse("""{"metadata":{"name":"x"},"status":{"phase":"Failed"}}""")!.AsObject(), IncludeObject.None, "meta.k8s.io/v1", Now);
        Assert.Equal("""[{"type":"Completed","status":"True","reason":"Failed","message":"The pod failed."}]""", row["conditions"]!.ToJsonString());
    }

    [Fact]
    public void Every_kind_that_is_listed_is_among_the_rows_above()
    {
        var shown = typeof(TableRowTests).GetMethod(nameof(A_kind_shows_its_columns_and_cells))!.GetCustomAttributesData().Where(a => a.AttributeType == typeof(InlineDataAttribute))
            .Select(a => ((IReadOnlyList<System.Reflection.CustomAttributeTypedArgument>)a.ConstructorArguments[0].Value!).Take(2).Select(v => (string)v.Value!).ToArray()).Select(v => $"{v[0]} {v[1]}").ToHashSet();
        var missing = ResourceCatalog.BuiltIn.Resources.Where(r => r.Supports("list") && r.Kind != "Pod" && r.Resource is not { Group: "autoscaling", Version: "v1" }).Select(r => $"{r.GroupVersionKind.ApiVersion} {r.Kind}").Where(k => !shown.Contains(k));
        Assert.Empty(missing);
    }
}
