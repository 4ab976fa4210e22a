using System.Net;

namespace LiteKube.ApiServer.Tests.Registry.Strategies;

/// <summary>One bad object of each kind, and Kubernetes' words for it; through the whole server, so that defaults count.</summary>
public sealed class KindGoldenTests(StrategyGoldenTests.Fixture fixture) : IClassFixture<StrategyGoldenTests.Fixture>
{
    private const string Namespaced = "/namespaces/default/";
    private const string Template = """{"metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"busybox"}]}}""";

    private static readonly (string Path, string Body, string Message)[] Refused =
    [
        ("/api/v1" + Namespaced + "configmaps", """{"metadata":{"name":"c"},"data":{"a":"x"},"binaryData":{"a":"eA=="}}""", """data[a]: Invalid value: "a": duplicate of key present in binaryData"""),
        ("/api/v1" + Namespaced + "secrets", """{"metadata":{"name":"s"},"type":"kubernetes.io/basic-auth"}""", """Secret "s" is invalid: [data[username]: Required value, data[password]: Required value]"""),
        ("/api/v1" + Namespaced + "limitranges", """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","min":{"cpu":"2"},"max":{"cpu":"1"}}]}}""", """spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1"""),
        ("/api/v1" + Namespaced + "limitranges", """{"metadata":{"name":"l"},"spec":{"limits":[{"type":"PersistentVolumeClaim"}]}}""", "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"),
        ("/api/v1" + Namespaced + "resourcequotas", """{"metadata":{"name":"q"},"spec":{"hard":{"foo":"1"}}}""", """spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified"""),
        ("/api/v1" + Namespaced + "resourcequotas", """{"metadata":{"name":"q"},"spec":{"hard":{"pods":"-1"}}}""", """spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0"""),
        ("/api/v1" + Namespaced + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],"externalIPs":["127.0.0.1"]}}""", """spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)"""),
        ("/api/v1" + Namespaced + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],"ipFamilyPolicy":"RequireDualStack"}}""", """spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"""),
        ("/api/v1" + Namespaced + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],"ipFamilies":["IPv6"]}}""", """spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"""),
        ("/api/v1" + Namespaced + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],"loadBalancerSourceRanges":["10.0.0.0/8"]}}""", "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"),
        ("/api/v1" + Namespaced + "services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}],"trafficDistribution":"Near"}}""", """spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"."""),
        ("/api/v1" + Namespaced + "services", """{"metadata":{"name":"s"},"spec":{"type":"ExternalName"}}""", """Service "s" is invalid: spec.externalName: Required value"""),
        ("/api/v1" + Namespaced + "endpoints", """{"metadata":{"name":"e"},"subsets":[{"addresses":[{"ip":"010.0.0.1"}],"ports":[{"port":0}]}]}""", """subsets[0].addresses[0].ip: Invalid value: "010.0.0.1": must not have leading 0s"""),
        ("/api/v1/nodes", """{"metadata":{"name":"n"},"spec":{"taints":[{"key":"k","effect":"Never"}]}}""", """metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"."""),
        ("/api/v1/persistentvolumes", """{"metadata":{"name":"pv"},"spec":{"hostPath":{"path":"/x"}}}""", """PersistentVolume "pv" is invalid: [spec.accessModes: Required value, spec.capacity: Required value, spec.capacity: Unsupported value: null: supported values: "storage"]"""),
        ("/api/v1/persistentvolumes", """{"metadata":{"name":"pv"},"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"}}}""", "spec: Required value: must specify a volume type"),
        ("/api/v1" + Namespaced + "replicationcontrollers", $$$"""{"metadata":{"name":"r"},"spec":{"selector":{"app":"y"},"template":{{{Template}}}}}""", "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`"),
        ("/api/v1" + Namespaced + "podtemplates", """{"metadata":{"name":"t"},"template":{"spec":{"containers":[]}}}""", "template.spec.containers: Required value"),
        ("/apis/apps/v1" + Namespaced + "daemonsets", $$$"""{"metadata":{"name":"d"},"spec":{"selector":{},"template":{{{Template}}}}}""", "spec.selector: Invalid value: {}: empty selector is invalid for daemonset"),
        ("/apis/apps/v1" + Namespaced + "statefulsets", $$$"""{"metadata":{"name":"s"},"spec":{"podManagementPolicy":"Some","selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""", "spec.podManagementPolicy: Invalid value: \"Some\": must be 'OrderedReady' or 'Parallel'"),
        ("/apis/apps/v1" + Namespaced + "replicasets", $$$"""{"metadata":{"name":"r"},"spec":{"replicas":-1,"selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""", "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        ("/apis/batch/v1" + Namespaced + "jobs", """{"metadata":{"name":"j"},"spec":{"completionMode":"Indexed","parallelism":1,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", "spec.completions: Required value: when completion mode is Indexed"),
        ("/apis/batch/v1" + Namespaced + "jobs", """{"metadata":{"name":"j"},"spec":{"podFailurePolicy":{"rules":[]},"template":{"spec":{"restartPolicy":"OnFailure","containers":[{"name":"c","image":"i"}]}}}}""", "only \"Never\" is supported when podFailurePolicy is specified"),
        ("/apis/autoscaling/v2" + Namespaced + "horizontalpodautoscalers", """{"metadata":{"name":"h"},"spec":{"maxReplicas":1,"minReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"d"}}}""", "spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`"),
        ("/apis/autoscaling/v1" + Namespaced + "horizontalpodautoscalers", """{"metadata":{"name":"h"},"spec":{"maxReplicas":1,"scaleTargetRef":{"name":"d"}}}""", "spec.scaleTargetRef.kind: Required value"),
        ("/apis/networking.k8s.io/v1" + Namespaced + "networkpolicies", """{"metadata":{"name":"n"},"spec":{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/16"]}}]}]}}""", "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`"),
        ("/apis/networking.k8s.io/v1/ingressclasses", """{"metadata":{"name":"i"},"spec":{"controller":"x"}}""", "spec.controller: Invalid value: \"x\": must be a domain-prefixed path (such as \"acme.io/foo\")"),
        ("/apis/networking.k8s.io/v1/servicecidrs", """{"metadata":{"name":"c"},"spec":{"cidrs":["10.0.0.1/24"]}}""", "spec.cidrs[0]: Invalid value: \"10.0.0.1/24\""),
        ("/apis/networking.k8s.io/v1/ipaddresses", """{"metadata":{"name":"10.0.0.1"},"spec":{}}""", "spec.parentRef: Required value"),
        ("/apis/policy/v1" + Namespaced + "poddisruptionbudgets", """{"metadata":{"name":"p"},"spec":{"minAvailable":"120%"}}""", "spec.minAvailable: Invalid value: \"120%\": must not be greater than 100%"),
        ("/apis/coordination.k8s.io/v1" + Namespaced + "leases", """{"metadata":{"name":"l"},"spec":{"leaseDurationSeconds":0}}""", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"system-x"},"value":1}""", "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only"),
        ("/apis/node.k8s.io/v1/runtimeclasses", """{"metadata":{"name":"r"},"handler":"A_b"}""", "handler: Invalid value: \"A_b\": a lowercase RFC 1123 label"),
        ("/apis/storage.k8s.io/v1/storageclasses", """{"metadata":{"name":"s"},"provisioner":"x/y","reclaimPolicy":"Recycle"}""", "reclaimPolicy: Unsupported value: \"Recycle\": supported values: \"Delete\", \"Retain\"."),
        ("/apis/storage.k8s.io/v1/volumeattachments", """{"metadata":{"name":"a"},"spec":{"attacher":"a","nodeName":"","source":{}}}""", "spec.nodeName: Invalid value: \"\": a lowercase RFC 1123 subdomain"),
        ("/apis/storage.k8s.io/v1/csinodes", """{"metadata":{"name":"n"},"spec":{"drivers":[{"name":"a","nodeID":""}]}}""", "spec.drivers[0].nodeID: Required value"),
        ("/apis/storage.k8s.io/v1" + Namespaced + "csistoragecapacities", """{"metadata":{"name":"c"},"storageClassName":"A_"}""", "storageClassName: Invalid value: \"A_\""),
        ("/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", """{"metadata":{"name":"f"},"spec":{"matchingPrecedence":20000,"priorityLevelConfiguration":{"name":"catch-all"}}}""", "spec.matchingPrecedence: Invalid value: 20000: must not be greater than 10000"),
        ("/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", """{"metadata":{"name":"p"},"spec":{"type":"Other"}}""", "spec.type: Unsupported value: \"Other\""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r"}]}}}""", "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","selectors":[{"cel":{"expression":"device.nothing"} }]} }]} } }""", """spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "device.nothing": compilation failed: ERROR: <input>:1:7: undefined field 'nothing'"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","selectors":[{"cel":{"expression":"device.driver"} }]} }]} } }""", """spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","selectors":[{"cel":{"expression":"device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, true))))"} }]} }]} } }""", """spec.devices.requests[0].exactly.selectors[0].cel.expression: Forbidden: too complex, exceeds cost limit"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","selectors":[{}]} }]} } }""", """spec.devices.requests[0].exactly.selectors[0].cel: Required value"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","allocationMode":"All","count":2} }]} } }""", """spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c","tolerations":[{"operator":"Exists","value":"v"}]} }]} } }""", """spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"} }],"constraints":[{"matchAttribute":"x"}]} } }""", """spec.devices.constraints[0].matchAttribute: Invalid value: "x": a fully qualified name must be a domain and a name separated by a slash"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"} }],"constraints":[{"matchAttribute":"a/b/c"}]} } }""", """spec.devices.constraints[0].matchAttribute: Invalid value: "a/b/c": must not contain more than one slash"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"} }],"constraints":[{"requests":["q"],"matchAttribute":"d.example.com/x"}]} } }""", """spec.devices.constraints[0].requests[0]: Invalid value: "q": must be the name of a request in the claim"""),
        ("/apis/resource.k8s.io/v1" + Namespaced + "resourceclaims", """{"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"} }],"config":[{"opaque":{"driver":"d.example.com","parameters":[1]} }]} } }""", """spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1}} }""", """spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","allNodes":true} }""", """spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d"}],"sharedCounters":[{"name":"c","counters":{"x":{"value":"1"} } }]} }""", """spec: Invalid value: "": only one of `sharedCounters` or `devices` is allowed"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","attributes":{"v":{"version":"1.x"} }}]} }""", """spec.devices[0].attributes[v].version: Invalid value: "1.x": must be a string compatible with semver.org spec 2.0.0"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","attributes":{"v":{"version":"1.0.0","int":1} }}]} }""", """spec.devices[0].attributes[v]: Invalid value: exactly one value must be specified"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","attributes":{"/v":{"int":1} }}]} }""", """spec.devices[0].attributes: Invalid value: "": the domain must not be empty"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","allNodes":true}]} }""", """spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","capacity":{"m":{"value":"10","requestPolicy":{"default":"1","validRange":{"min":"1"} } } }}]} }""", """spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","allowMultipleAllocations":true,"capacity":{"m":{"value":"10","requestPolicy":{"default":"2","validValues":["4","3","20"]} } }}]} }""", """spec.devices[0].capacity[m].requestPolicy.validValues[1]: Invalid value: "3": values must be sorted in ascending order, spec.devices[0].capacity[m].requestPolicy.validValues[2]: Invalid value: "20": option is larger than capacity value: 10, spec.devices[0].capacity[m].requestPolicy.validValues: Invalid value: "2": default value is not valid according to the requestPolicy"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","allowMultipleAllocations":true,"capacity":{"m":{"value":"10","requestPolicy":{"default":"4","validRange":{"min":"1","step":"2"} } } }}]} }""", """spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: "4": value is not a multiple of a given step (2) from (1)"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","bindingConditions":["a.example.com/x"]}]} }""", """spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","devices":[{"name":"d","consumesCounters":[{"counterSet":"c","counters":{} }]}]} }""", """spec.devices[0].consumesCounters[0].counters: Required value"""),
        ("/apis/resource.k8s.io/v1/resourceslices", """{"metadata":{"name":"s"},"spec":{"driver":"d.example.com","pool":{"name":"p","generation":1,"resourceSliceCount":1},"nodeName":"n","partitionTypeAttribute":"d.example.com/t","devices":[{"name":"d","consumesCounters":[{"counterSet":"c","counters":{"x":{"value":"1"} } }]}]} }""", """spec.devices[0].attributes[d.example.com/t]: Required value: device consumes counters and `partitionTypeAttribute` names this attribute, so it must be set"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"* * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"a * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "a * * * *": failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"60 * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "60 * * * *": end of range (60) above maximum (59): 60"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"* * 0 * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "* * 0 * *": beginning of range (0) below minimum (1): 0"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"9-5 * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "9-5 * * * *": beginning of range (9) beyond end of range (5): 9-5"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"*/0 * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "*/0 * * * *": step of range should be a positive number: */0"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"1-2-3 * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "1-2-3 * * * *": too many hyphens: 1-2-3"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"* * * * 7","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "* * * * 7": end of range (7) above maximum (6): 7"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"@often","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "@often": unrecognized descriptor: @often"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"@every x","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "@every x": failed to parse duration @every x: time: invalid duration"""),
        ("/apis/batch/v1" + Namespaced + "cronjobs", """{"metadata":{"name":"c"},"spec":{"schedule":"TZ=UTC * * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]} } } } } }""", """spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead"""),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """{"metadata":{"name":"b"},"roleRef":{"kind":"Role","name":"r"}}""", "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"."),
        ("/apis/certificates.k8s.io/v1/certificatesigningrequests", """{"metadata":{"name":"c"},"spec":{"signerName":"x","request":"eA==","usages":["client auth"]}}""", "spec.request: Invalid value"),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Refused.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_bad_object_is_refused_in_Kubernetes_words(int index)
    {
        var (path, body, message) = Refused[index];
        var answer = await fixture.Server.PostAsync(path, body);
        Assert.True(answer.StatusCode == HttpStatusCode.UnprocessableEntity, $"{(int)answer.StatusCode} {answer.Body}");
        Assert.Contains(message.TrimEnd('.'), answer.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("device.driver == \"d.example.com\" && device.attributes[\"d.example.com\"].model == \"a\"")]
    [InlineData("device.attributes[\"d.example.com\"].isGood")]
    [InlineData("cel.bind(d, device.attributes[\"d.example.com\"], d.one && d.version.isGreaterThan(semver(\"1.0.0\")))")]
    [InlineData("device.capacity[\"d.example.com\"].memory.compareTo(quantity(\"10Gi\")) >= 0 || device.allowMultipleAllocations")]
    public async Task A_good_selector_of_devices_is_taken(string expression)
    {
        var body = $$$$"""{"metadata":{"generateName":"c-"},"spec":{"selectors":[{"cel":{"expression":{{{{System.Text.Json.Nodes.JsonValue.Create(expression).ToJsonString()}}}} } }] } }""";
        var created = await fixture.Server.PostAsync("/apis/resource.k8s.io/v1/deviceclasses?dryRun=All", body);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    [Theory]
    [InlineData("5/10 8-18 * jan-MAR ?")]
    [InlineData("0,30 */2 1-15/3 * mon,fri")]
    [InlineData("@every 1h30m")]
    [InlineData("@midnight")]
    public async Task A_good_schedule_is_taken(string schedule)
    {
        var body = $$$$"""{"metadata":{"generateName":"c-"},"spec":{"schedule":"{{{{schedule}}}}","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}] } } } } } }""";
        var created = await fixture.Server.PostAsync("/apis/batch/v1/namespaces/default/cronjobs?dryRun=All", body);
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    [Fact]
    public async Task The_range_of_services_is_shown_and_an_address_can_be_put_aside()
    {
        const string Networking = "/apis/networking.k8s.io/v1";
        var range = (await fixture.Server.GetAsync(Networking + "/servicecidrs/kubernetes")).Json;
        Assert.Equal("10.152.183.0/24", (string?)range["spec"]!["cidrs"]![0]);
        Assert.Equal(("Ready", "True"), ((string?)range["status"]!["conditions"]![0]!["type"], (string?)range["status"]!["conditions"]![0]!["status"]));

        var aside = await fixture.Server.PostAsync(Networking + "/ipaddresses", """{"metadata":{"name":"10.152.183.77"},"spec":{"parentRef":{"group":"gateway.example.com","resource":"gateways","namespace":"default","name":"g"}}}""");
        Assert.True(aside.StatusCode == HttpStatusCode.Created, aside.Body);
        var service = await fixture.Server.PostAsync("/api/v1/namespaces/default/services", """{"metadata":{"name":"s"},"spec":{"clusterIP":"10.152.183.77","ports":[{"port":80}]}}""");
        Assert.Contains("failed to allocate IP 10.152.183.77: provided IP is already allocated", (string?)service.Json["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_status_is_judged_too()
    {
        const string Service = "/api/v1/namespaces/default/services/plain";
        await fixture.Server.PostAsync("/api/v1/namespaces/default/services", """{"metadata":{"name":"plain"},"spec":{"ports":[{"port":80}]}}""");
        var service = await fixture.Server.PatchAsync(Service + "/status", """{"status":{"loadBalancer":{"ingress":[{"hostname":"a.example.com"}]}}}""");
        Assert.Contains("status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'", (string?)service.Json["message"], StringComparison.Ordinal);

        const string Deployments = "/apis/apps/v1/namespaces/default/deployments";
        await fixture.Server.PostAsync(Deployments, $$$"""{"metadata":{"name":"plain"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""");
        var deployment = await fixture.Server.PatchAsync(Deployments + "/plain/status", """{"status":{"replicas":1,"readyReplicas":2}}""");
        Assert.Contains("status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas", (string?)deployment.Json["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_immutable_stays()
    {
        foreach (var (collection, name, body, patch, message) in Immutable)
        {
            var created = await fixture.Server.PostAsync(collection, body);
            Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
            var changed = await fixture.Server.PatchAsync($"{collection}/{name}", patch);
            Assert.True(changed.StatusCode == HttpStatusCode.UnprocessableEntity, $"{collection}: {(int)changed.StatusCode} {changed.Body}");
            Assert.Contains(message, (string?)changed.Json["message"], StringComparison.Ordinal);
        }
    }

    private static readonly (string Collection, string Name, string Body, string Patch, string Message)[] Immutable =
    [
        ("/apis/storage.k8s.io/v1/storageclasses", "fixed", """{"metadata":{"name":"fixed"},"provisioner":"a.example.com","parameters":{"a":"b"}}""", """{"parameters":{"a":"c"}}""", "parameters: Forbidden: updates to parameters are forbidden."),
        ("/apis/scheduling.k8s.io/v1/priorityclasses", "fixed", """{"metadata":{"name":"fixed"},"value":5}""", """{"value":6}""", "value: Forbidden: may not be changed in an update."),
        ("/apis/node.k8s.io/v1/runtimeclasses", "fixed", """{"metadata":{"name":"fixed"},"handler":"a"}""", """{"handler":"b"}""", "handler: Invalid value: \"b\": field is immutable"),
        ("/apis/networking.k8s.io/v1/ingressclasses", "fixed", """{"metadata":{"name":"fixed"},"spec":{"controller":"a.example.com/x"}}""", """{"spec":{"controller":"a.example.com/y"}}""", "spec.controller: Invalid value: \"a.example.com/y\": field is immutable"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "fixed", """{"metadata":{"name":"fixed"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"}}""", """{"roleRef":{"name":"edit"}}""", "cannot change roleRef"),
        ("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", "fixed", """{"metadata":{"name":"fixed"},"addressType":"IPv4","endpoints":[]}""", """{"addressType":"IPv6"}""", "addressType: Invalid value: \"IPv6\": field is immutable"),
        ("/apis/apps/v1/namespaces/default/statefulsets", "fixed", $$$"""{"metadata":{"name":"fixed"},"spec":{"serviceName":"a","selector":{"matchLabels":{"app":"x"}},"template":{{{Template}}}}}""", """{"spec":{"serviceName":"b"}}""", "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"),
        ("/apis/batch/v1/namespaces/default/jobs", "fixed", """{"metadata":{"name":"fixed"},"spec":{"completions":2,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""", """{"spec":{"completions":3}}""", "spec.completions: Invalid value: 3: field is immutable"),
        ("/apis/apps/v1/namespaces/default/controllerrevisions", "fixed", """{"metadata":{"name":"fixed"},"revision":1,"data":{"a":1}}""", """{"data":{"a":2}}""", "data: Invalid value"),
        ("/api/v1/namespaces/default/persistentvolumeclaims", "fixed", """{"metadata":{"name":"fixed"},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"a","resources":{"requests":{"storage":"1Gi"}}}}""", """{"spec":{"storageClassName":"b"}}""", "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"),
        ("/apis/networking.k8s.io/v1/servicecidrs", "fixed", """{"metadata":{"name":"fixed"},"spec":{"cidrs":["10.99.0.0/24"]}}""", """{"spec":{"cidrs":["10.98.0.0/24"]}}""", "spec.cidrs"),
        ("/apis/resource.k8s.io/v1/namespaces/default/resourceclaims", "fixed", """{"metadata":{"name":"fixed"},"spec":{}}""", """{"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"c"}}]}}}""", "spec: Invalid value"),
    ];
}
