using System.Text.Json.Nodes;
using LiteKube.Apis.OpenApi;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.OpenApi;

public sealed class OpenApiDocumentTests
{
    private static readonly JsonObject V2 = JsonNode.Parse(OpenApiDocuments.BuildV2Json(ResourceCatalog.BuiltIn))!.AsObject();

    private static JsonObject V3(string apiVersion) => JsonNode.Parse(OpenApiDocuments.BuildV3Json(ResourceCatalog.BuiltIn, GroupVersion.Parse(apiVersion))!)!.AsObject();

    private static JsonNode Definition(string name) => V2["definitions"]![name]!;

    [Fact]
    public void Types_and_fields_say_what_they_are()
    {
        var spec = Definition("io.k8s.api.core.v1.PodSpec");
        Assert.Equal("PodSpec is a description of a pod.", spec["description"]!.GetValue<string>());
        Assert.StartsWith("List of containers belonging to the pod.", spec["properties"]!["containers"]!["description"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("namespace", Definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")["properties"]!["namespace"]!["description"]!.GetValue<string>(), StringComparison.OrdinalIgnoreCase);
        // Names that several groups have, and names that C# writes otherwise.
        Assert.StartsWith("Event is a report of an event somewhere in the cluster.", Definition("io.k8s.api.core.v1.Event")["description"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotNull(Definition("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")["properties"]!["x-kubernetes-validations"]!["description"]);
        Assert.NotNull(Definition("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta")["properties"]!["continue"]!["description"]);
    }

    [Fact]
    public void Every_served_kind_and_almost_every_field_is_described()
    {
        var kinds = ResourceCatalog.BuiltIn.Resources.Where(r => Definition(r.Schema.Name)["description"] is null).Select(r => r.ToString());
        Assert.Empty(kinds);
        var fields = V2["definitions"]!.AsObject().SelectMany(d => d.Value!["properties"]?.AsObject().Select(p => p.Value!["description"] is not null) ?? []).ToList();
        Assert.InRange(fields.Count(f => f), fields.Count * 95 / 100, fields.Count);
    }

    [Fact]
    public void Fields_carry_how_they_are_merged_and_what_they_may_hold()
    {
        var container = Definition("io.k8s.api.core.v1.Container")["properties"]!;
        Assert.Equal("map", container["ports"]!["x-kubernetes-list-type"]!.GetValue<string>());
        Assert.Equal(["containerPort", "protocol"], container["ports"]!["x-kubernetes-list-map-keys"]!.AsArray().Select(k => k!.GetValue<string>()));
        Assert.Equal("containerPort", container["ports"]!["x-kubernetes-patch-merge-key"]!.GetValue<string>());
        Assert.Equal(["Always", "IfNotPresent", "Never"], container["imagePullPolicy"]!["enum"]!.AsArray().Select(k => k!.GetValue<string>()));
        Assert.Equal("int-or-string", Definition("io.k8s.apimachinery.pkg.util.intstr.IntOrString")["format"]!.GetValue<string>());
        Assert.Equal(["name"], Definition("io.k8s.api.core.v1.Container")["required"]!.AsArray().Select(k => k!.GetValue<string>()));
        Assert.Equal("atomic", Definition("io.k8s.api.core.v1.SecretKeySelector")["x-kubernetes-map-type"]!.GetValue<string>());
    }

    [Fact]
    public void Version_3_tells_defaults_and_wraps_references_that_have_more_to_say()
    {
        var schemas = V3("v1")["components"]!["schemas"]!;
        var pod = schemas["io.k8s.api.core.v1.Pod"]!["properties"]!;
        Assert.Equal("#/components/schemas/io.k8s.api.core.v1.PodSpec", pod["spec"]!["allOf"]![0]!["$ref"]!.GetValue<string>());
        Assert.Equal("{}", pod["spec"]!["default"]!.ToJsonString());
        Assert.Equal("", schemas["io.k8s.api.core.v1.Container"]!["properties"]!["name"]!["default"]!.GetValue<string>());
        Assert.Equal("TCP", schemas["io.k8s.api.core.v1.ContainerPort"]!["properties"]!["protocol"]!["default"]!.GetValue<string>());
        Assert.Equal(2, schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]!["oneOf"]!.AsArray().Count);
        Assert.Null(Definition("io.k8s.api.core.v1.ContainerPort")["properties"]!["protocol"]!["default"]);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("apps/v1")]
    [InlineData("apiextensions.k8s.io/v1")]
    [InlineData("resource.k8s.io/v1")]
    public void Every_reference_leads_to_a_schema(string apiVersion)
    {
        foreach (var (document, prefix, known) in new[] { (V2, "#/definitions/", V2["definitions"]!.AsObject()), (V3(apiVersion), "#/components/schemas/", V3(apiVersion)["components"]!["schemas"]!.AsObject()) })
        {
            var missing = References(document).Where(r => !r.StartsWith(prefix, StringComparison.Ordinal) || !known.ContainsKey(r[prefix.Length..])).Distinct();
            Assert.Empty(missing);
        }
    }

    [Fact]
    public void Operations_name_their_kind_and_take_the_parameters_that_clients_look_for()
    {
        var patch = V2["paths"]!["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]!["patch"]!;
        Assert.Equal("patchAppsV1NamespacedDeployment", patch["operationId"]!.GetValue<string>());
        Assert.Equal("apps_v1", patch["tags"]![0]!.GetValue<string>());
        Assert.Equal(("apps", "v1", "Deployment"), Kind(patch));
        var parameters = patch["parameters"]!.AsArray().Select(p => p!["name"]!.GetValue<string>()).ToList();
        Assert.Superset(new HashSet<string> { "dryRun", "fieldManager", "fieldValidation", "force", "body" }, parameters.ToHashSet());
        Assert.Equal("#/definitions/io.k8s.api.apps.v1.DeploymentList", V2["paths"]!["/apis/apps/v1/deployments"]!["get"]!["responses"]!["200"]!["schema"]!["$ref"]!.GetValue<string>());
        Assert.Equal("connect", V2["paths"]!["/api/v1/namespaces/{namespace}/pods/{name}/exec"]!["post"]!["x-kubernetes-action"]!.GetValue<string>());
        Assert.Equal("deleteCoreV1CollectionNamespacedConfigMap", V2["paths"]!["/api/v1/namespaces/{namespace}/configmaps"]!["delete"]!["operationId"]!.GetValue<string>());
        var ids = V2["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject()).Select(o => o.Value as JsonObject).Where(o => o is not null).Select(o => o!["operationId"]!.GetValue<string>()).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void Generated_clients_learn_that_they_may_send_a_token()
    {
        const string Token = """{"BearerToken":{"description":"Bearer Token authentication","type":"apiKey","name":"authorization","in":"header"}}""";
        Assert.Equal(Token, V2["securityDefinitions"]!.ToJsonString());
        Assert.Equal("""[{"BearerToken":[]}]""", V2["security"]!.ToJsonString());
        Assert.Equal(Token, V3("v1")["components"]!["securitySchemes"]!.ToJsonString());

        // Field 12 with a requirement without scopes and field 13 with an apiKey; in v3 a scheme in field 7 of the components.
        byte[] name = [0x0A, 11, .. "BearerToken"u8];
        byte[] key = [0x0A, 6, .. "apiKey"u8, 0x12, 13, .. "authorization"u8, 0x1A, 6, .. "header"u8, 0x22, 27, .. "Bearer Token authentication"u8];
        byte[] scheme = [0x0A, 6, .. "apiKey"u8, 0x12, 27, .. "Bearer Token authentication"u8, 0x1A, 13, .. "authorization"u8, 0x22, 6, .. "header"u8];
        AssertEnd(OpenApiDocuments.BuildV2Protobuf(ResourceCatalog.BuiltIn), [0x62, 17, 0x0A, 15, .. name, 0x12, 0, 0x6A, 79, 0x0A, 77, .. name, 0x12, 62, 0x12, 60, .. key]);
        AssertEnd(OpenApiDocuments.BuildV3Protobuf(ResourceCatalog.BuiltIn, new GroupVersion("apps", "v1"))!, [0x3A, 79, 0x0A, 77, .. name, 0x12, 62, 0x0A, 60, .. scheme]);

        static void AssertEnd(byte[] document, byte[] end) => Assert.Equal(end, document[^end.Length..]);
    }

    [Fact]
    public void Both_protobuf_forms_hold_the_texts_of_the_JSON_forms()
    {
        var v2 = OpenApiDocuments.BuildV2Protobuf(ResourceCatalog.BuiltIn);
        var v3 = OpenApiDocuments.BuildV3Protobuf(ResourceCatalog.BuiltIn, new GroupVersion("apps", "v1"))!;
        foreach (var bytes in (byte[][])[v2, v3])
        {
            Assert.True(bytes.AsSpan().IndexOf("PodSpec is a description of a pod."u8) > 0);
            Assert.True(bytes.AsSpan().IndexOf("patchAppsV1NamespacedDeployment"u8) > 0);
            Assert.True(bytes.AsSpan().IndexOf("x-kubernetes-group-version-kind"u8) > 0);
        }
    }

    private static (string, string, string) Kind(JsonNode operation)
    {
        var kind = operation["x-kubernetes-group-version-kind"]!;
        return (kind["group"]!.GetValue<string>(), kind["version"]!.GetValue<string>(), kind["kind"]!.GetValue<string>());
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject value => value.SelectMany(p => p.Key == "$ref" && p.Value is JsonValue text ? [text.GetValue<string>()] : References(p.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };
}
