using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Defaulting;

public class DefaulterTests
{
    private static JsonObject Apply(string apiVersion, string kind, string json)
    {
        var schema = ResourceCatalog.BuiltIn.FindType(apiVersion, kind)!;
        var value = ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), schema, FieldValidation.Strict).Object;
        var groupVersion = GroupVersion.Parse(apiVersion);
        Defaulter.Apply(new(groupVersion.Group, groupVersion.Version, kind), value);

        // What was canonical stays so, and a second run finds nothing to do.
        var written = ObjectWriter.Write(value);
        Assert.Equal(Encoding.UTF8.GetString(ObjectWriter.Write(ObjectDecoder.Canonicalize(value, schema, FieldValidation.Strict).Object)), Encoding.UTF8.GetString(written));
        Defaulter.Apply(new(groupVersion.Group, groupVersion.Version, kind), value);
        Assert.Equal(written, ObjectWriter.Write(value));
        return value;
    }

    private static void AssertJson(string expected, JsonNode? actual) => Assert.Equal(expected, Encoding.UTF8.GetString(ObjectWriter.Write(actual!)));

    [Fact]
    public void A_pod_is_completed_as_kubectl_shows_it()
    {
        var pod = Apply("v1", "Pod", """{"spec":{"containers":[{"name":"a","image":"nginx","resources":{"limits":{"cpu":"1.0005","memory":"1Gi"},"requests":{"cpu":"100m"}},"livenessProbe":{"httpGet":{"port":80}},"ports":[{"containerPort":80}]}]}}""");
        AssertJson(
            """{"containers":[{"name":"a","image":"nginx","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"1001m","memory":"1Gi"},"requests":{"cpu":"100m","memory":"1Gi"}},"livenessProbe":{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler","enableServiceLinks":true}""",
            pod["spec"]);
    }

    [Fact]
    public void A_deployment_is_completed_with_its_template_but_without_what_only_pods_get()
    {
        var deployment = Apply("apps/v1", "Deployment", """{"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"hostNetwork":true,"containers":[{"name":"a","image":"nginx:1.2","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}}}]}}}}""");
        AssertJson(
            """{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"nginx:1.2","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"1"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","hostNetwork":true,"securityContext":{},"schedulerName":"default-scheduler"}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}""",
            deployment["spec"]);
    }

    [Theory]
    [InlineData("apps/v1", "Deployment", """{"spec":{"strategy":{"type":"Recreate"}}}""", "strategy", """{"type":"Recreate"}""")]
    [InlineData("apps/v1", "DaemonSet", "{}", "updateStrategy", """{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":0}}""")]
    [InlineData("apps/v1", "StatefulSet", "{}", "persistentVolumeClaimRetentionPolicy", """{"whenDeleted":"Retain","whenScaled":"Retain"}""")]
    [InlineData("apps/v1", "StatefulSet", """{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{}}]}}""", "volumeClaimTemplates", """[{"metadata":{"name":"d"},"spec":{"resources":{},"volumeMode":"Filesystem"},"status":{"phase":"Pending"}}]""")]
    [InlineData("batch/v1", "Job", """{"spec":{"completions":3}}""", "parallelism", "1")]
    [InlineData("batch/v1", "Job", """{"spec":{"backoffLimitPerIndex":1}}""", "backoffLimit", "2147483647")]
    [InlineData("batch/v1", "Job", "{}", "podReplacementPolicy", "\"TerminatingOrFailed\"")]
    [InlineData("batch/v1", "CronJob", "{}", "successfulJobsHistoryLimit", "3")]
    [InlineData("v1", "Service", """{"spec":{"ports":[{"port":80}]}}""", "ports", """[{"protocol":"TCP","port":80,"targetPort":80}]""")]
    [InlineData("v1", "Service", """{"spec":{"type":"NodePort"}}""", "externalTrafficPolicy", "\"Cluster\"")]
    [InlineData("v1", "Service", """{"spec":{"sessionAffinity":"ClientIP"}}""", "sessionAffinityConfig", """{"clientIP":{"timeoutSeconds":10800}}""")]
    [InlineData("v1", "PersistentVolume", "{}", "persistentVolumeReclaimPolicy", "\"Retain\"")]
    [InlineData("v1", "Pod", """{"spec":{"volumes":[{"name":"a"},{"name":"b","hostPath":{"path":"/"}},{"name":"c","projected":{"sources":[{"serviceAccountToken":{"path":"t"}},{"downwardAPI":{"items":[{"path":"x","fieldRef":{"fieldPath":"metadata.name"}}]}}]}}]}}""", "volumes", """[{"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/","type":""}},{"name":"c","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3600,"path":"t"}},{"downwardAPI":{"items":[{"path":"x","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}]}}],"defaultMode":420}}]""")]
    [InlineData("v1", "Pod", """{"spec":{"resources":{"limits":{"memory":"2Gi"}},"containers":[{"name":"a","resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}}""", "resources", """{"limits":{"memory":"2Gi"},"requests":{"cpu":"1","memory":"1Gi"}}""")]
    [InlineData("networking.k8s.io/v1", "NetworkPolicy", """{"spec":{"egress":[{"ports":[{"port":53}]}]}}""", "policyTypes", """["Ingress","Egress"]""")]
    [InlineData("apiextensions.k8s.io/v1", "CustomResourceDefinition", """{"spec":{"names":{"kind":"Foo","plural":"foos"}}}""", "names", """{"plural":"foos","singular":"foo","kind":"Foo","listKind":"FooList"}""")]
    [InlineData("autoscaling/v2", "HorizontalPodAutoscaler", """{"spec":{"behavior":{"scaleDown":{"policies":[]}}}}""", "behavior", """{"scaleUp":{"stabilizationWindowSeconds":0,"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15},{"type":"Percent","value":100,"periodSeconds":15}]},"scaleDown":{"selectPolicy":"Max","policies":[{"type":"Percent","value":100,"periodSeconds":15}]}}""")]
    public void A_field_of_the_spec_gets_its_default(string apiVersion, string kind, string json, string field, string expected) =>
        AssertJson(expected, Apply(apiVersion, kind, json)["spec"]![field]);

    [Fact]
    public void Host_network_ports_of_pods_are_host_ports()
    {
        var pod = Apply("v1", "Pod", """{"spec":{"hostNetwork":true,"containers":[{"name":"a","ports":[{"containerPort":80},{"containerPort":81,"hostPort":8081}]}]}}""");
        Assert.Equal([80, 8081], pod["spec"]!["containers"]![0]!["ports"]!.AsArray().Select(p => p!["hostPort"]!.GetValue<int>()));
    }

    [Fact]
    public void A_namespace_carries_its_name_as_a_label() =>
        AssertJson("""{"a":"b","kubernetes.io/metadata.name":"x","z":"y"}""", Apply("v1", "Namespace", """{"metadata":{"name":"x","labels":{"z":"y","a":"b"}}}""")["metadata"]!["labels"]);

    [Fact]
    public void Subjects_and_roles_belong_to_the_RBAC_group()
    {
        var binding = Apply("rbac.authorization.k8s.io/v1", "RoleBinding", """{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s"}]}""");
        AssertJson("""[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"u"},{"kind":"ServiceAccount","name":"s"}]""", binding["subjects"]);
        AssertJson("""{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}""", binding["roleRef"]);
    }

    [Fact]
    public void A_limit_range_fills_defaults_from_maximum_and_minimum() =>
        AssertJson(
            """{"type":"Container","max":{"cpu":"2"},"min":{"memory":"1Mi"},"default":{"cpu":"2"},"defaultRequest":{"cpu":"2","memory":"1Mi"}}""",
            Apply("v1", "LimitRange", """{"spec":{"limits":[{"type":"Container","max":{"cpu":"2"},"min":{"memory":"1Mi"}}]}}""")["spec"]!["limits"]![0]);

    [Theory]
    [InlineData("nginx", "Always")]
    [InlineData("nginx:latest", "Always")]
    [InlineData("nginx:1.27", "IfNotPresent")]
    [InlineData("localhost:5000/a/b", "Always")]
    [InlineData("localhost:5000/a/b:v1", "IfNotPresent")]
    [InlineData("a@sha256:0123456789012345678901234567890123456789012345678901234567890123", "IfNotPresent")]
    [InlineData("Not An Image", "IfNotPresent")]
    [InlineData("", "IfNotPresent")]
    public void An_image_that_can_move_is_always_pulled(string image, string policy)
    {
        var pod = Apply("v1", "Pod", $$$"""{"spec":{"containers":[{"name":"a","image":"{{{image}}}"}]}}""");
        Assert.Equal(policy, pod["spec"]!["containers"]![0]!["imagePullPolicy"]!.GetValue<string>());
    }

    [Fact]
    public void Every_served_kind_can_be_completed_when_empty()
    {
        foreach (var resource in ResourceCatalog.BuiltIn.Resources)
            Apply(resource.Resource.GroupVersion.ToString(), resource.Kind, "{}");
    }
}
