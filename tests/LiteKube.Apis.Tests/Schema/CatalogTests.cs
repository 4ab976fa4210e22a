using System.Text;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Schema;

public class CatalogTests
{
    private static readonly ResourceCatalog Catalog = ResourceCatalog.BuiltIn;

    [Fact]
    public void Every_types_fields_can_be_read_and_found_by_name()
    {
        foreach (var type in SchemaTable.BuiltIn.Types)
        {
            foreach (var field in type.Fields)
            {
                Assert.Same(field, type.Find(field.Name));
                Assert.Same(field, type.Find(Encoding.UTF8.GetBytes(field.Name)));
                Assert.True(field.Kind != ValueKind.Object || field.Type is not null, $"{type}.{field} has no type");
                Assert.True(field.ListType != ListType.Map || field.ListMapKeys.Count > 0, $"{type}.{field} is a map without keys");
                Assert.All(field.ListMapKeys, k => Assert.NotNull(field.Type!.Find(k)));
                Assert.True(field.PatchMergeKey is null || field.Type!.Find(field.PatchMergeKey) is not null, $"{type}.{field} merges by no field");
            }

            Assert.Null(type.Find("no such field"));
            Assert.Equal(type.Fields.Count, type.Fields.Select(f => f.Name).Distinct().Count());
            var numbers = type.Fields.Where(f => f.ProtoNumber > 0).Select(f => string.Join('.', f.ProtoPath.Append(f.ProtoNumber))).ToList();
            Assert.Equal(numbers.Count, numbers.Distinct().Count());
        }
    }

    [Fact]
    public void Every_type_has_a_zero_value_that_reads_back_as_itself()
    {
        foreach (var type in SchemaTable.BuiltIn.Types)
        {
            var zero = ObjectWriter.Write(ObjectDecoder.DecodeJson("{}"u8, type, FieldValidation.Strict).Object);
            Assert.Equal(Encoding.UTF8.GetString(zero), Encoding.UTF8.GetString(ObjectWriter.Write(ObjectDecoder.DecodeJson(zero, type, FieldValidation.Strict).Object)));
        }
    }

    [Fact]
    public void Facts_of_fields_are_those_of_the_API()
    {
        var containers = Catalog.FindType("v1", "PodSpec")!.Find("containers")!;
        Assert.Equal((ValueKind.Object, Cardinality.List, 2, "merge", "name", ListType.Map), (containers.Kind, containers.Cardinality, containers.ProtoNumber, containers.PatchStrategy, containers.PatchMergeKey, containers.ListType));
        Assert.Equal("[]v1.Container", containers.GoType);
        Assert.True(containers is { IsRequired: true, OmitEmpty: false });

        var ports = Catalog.FindType("v1", "Container")!.Find("ports")!;
        Assert.Equal(["containerPort", "protocol"], ports.ListMapKeys);
        Assert.Equal(["SCTP", "TCP", "UDP"], ports.Type!.Find("protocol")!.Enum);

        // Flat in JSON, nested in protobuf.
        var emptyDir = Catalog.FindType("v1", "Volume")!.Find("emptyDir")!;
        Assert.Equal([2], emptyDir.ProtoPath);
        Assert.Equal(2, emptyDir.ProtoNumber);
        Assert.Equal([2, 2], Catalog.FindType("admissionregistration.k8s.io/v1", "NamedRuleWithOperations")!.Find("apiGroups")!.ProtoPath);

        Assert.True(Catalog.FindType("v1", "PodSpec")!.Find("hostUsers")!.IsPointer);
        Assert.True(Catalog.FindType("v1", "PodSpec")!.Find("nodeSelector")!.IsAtomicMap);
        Assert.True(Catalog.FindType("v1", "SecretReference")!.IsAtomic);
        Assert.True(Catalog.FindType("v1", "ObjectMeta")!.Find("creationTimestamp")!.OmitZero);
        Assert.Equal("v1.PullPolicy", Catalog.FindType("v1", "Container")!.Find("imagePullPolicy")!.GoType);
        Assert.True(Catalog.FindType("authentication.k8s.io/v1", "UserInfo")!.Find("extra")!.IsMapOfLists);
    }

    [Theory]
    [InlineData("v1", "PodTemplateSpec", "io.k8s.api.core.v1.PodTemplateSpec")]
    [InlineData("meta.k8s.io/v1", "DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")]
    [InlineData("apps/v1", "DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")]
    [InlineData("v1", "Status", "io.k8s.apimachinery.pkg.apis.meta.v1.Status")]
    [InlineData("v1", "List", "io.k8s.apimachinery.pkg.apis.meta.v1.List")]
    [InlineData("meta.k8s.io/v1", "Table", "io.k8s.apimachinery.pkg.apis.meta.v1.Table")]
    [InlineData("meta.k8s.io/v1", "PartialObjectMetadata", "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata")]
    [InlineData("policy/v1", "Eviction", "io.k8s.api.policy.v1.Eviction")]
    [InlineData("autoscaling/v1", "Scale", "io.k8s.api.autoscaling.v1.Scale")]
    [InlineData("authentication.k8s.io/v1", "TokenRequest", "io.k8s.api.authentication.v1.TokenRequest")]
    [InlineData("apiregistration.k8s.io/v1", "APIService", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService")]
    [InlineData("apiextensions.k8s.io/v1", "JSONSchemaProps", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")]
    [InlineData("admission.k8s.io/v1", "AdmissionReview", "io.k8s.api.admission.v1.AdmissionReview")]
    public void A_type_is_found_by_its_version_and_name(string apiVersion, string name, string openApiName)
    {
        Assert.Equal(openApiName, Catalog.FindType(apiVersion, name)!.Name);
        Assert.Same(Catalog.FindType(apiVersion, name), ResourceCatalog.FindType(openApiName));
    }

    [Fact]
    public void What_is_not_served_is_not_found()
    {
        Assert.Null(Catalog.FindType("v1", "Nothing"));
        Assert.Null(Catalog.FindType("extensions/v1beta1", "Deployment"));
        Assert.False(Catalog.TryFind("extensions", "v1beta1", "deployments", out _));
    }

    [Fact]
    public void Resources_are_described_as_Kubernetes_describes_them()
    {
        Assert.True(Catalog.TryFind("", "v1", "pods", out var pods));
        Assert.Equal(["po"], pods.ShortNames);
        Assert.Equal(["all"], pods.Categories);
        Assert.Equal("pod", pods.Singular);
        Assert.True(pods is { Namespaced: true, HasStatus: true });
        Assert.Equal(["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"], pods.Verbs);
        Assert.Equal(
            ["attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status"],
            pods.Subresources.Select(s => s.Name));
        Assert.Equal("policy/v1, Kind=Eviction", pods.Subresources.Single(s => s.Name == "eviction").Kind.ToString());
        Assert.Equal(["create", "get"], pods.Subresources.Single(s => s.Name == "exec").Verbs);

        Assert.True(Catalog.TryFindKind("", "v1", "Namespace", out var namespaces));
        Assert.False(namespaces.Supports("deletecollection"));
        Assert.True(Catalog.TryFind("events.k8s.io", "v1", "events", out var events));
        Assert.Equal(new GroupVersionResource("", "v1", "events"), events.StorageResource);
        Assert.True(Catalog.TryFind("autoscaling", "v1", "horizontalpodautoscalers", out var autoscalers));
        Assert.Equal("v2", autoscalers.StorageResource.Version);
        Assert.Equal("deployments.apps", Catalog.Resources.Single(r => r.Kind == "Deployment").GroupResource.ToString());
    }

    [Fact]
    public void Groups_are_in_discovery_order_with_the_preferred_version_first()
    {
        Assert.Equal("", Catalog.Groups[0].Group);
        Assert.Equal(["v2", "v1"], Catalog.Groups.Single(g => g.Group == "autoscaling").Versions);
        Assert.Equal(Catalog.Resources.Select(r => r.Resource.Group).Distinct(), Catalog.Groups.Select(g => g.Group));
    }

    [Fact]
    public void Every_subresources_kind_has_a_type()
    {
        foreach (var resource in Catalog.Resources)
            Assert.All(resource.Subresources, s => Assert.True(Catalog.FindType(s.Kind.ApiVersion, s.Kind.Kind) is not null, $"{resource}/{s.Name}: {s.Kind}"));
    }

    [Fact]
    public void A_catalog_can_be_extended_without_changing_the_built_in_one()
    {
        var widgets = new ResourceInfo
        {
            Resource = new("example.com", "v1", "widgets"),
            Kind = "Widget",
            Singular = "widget",
            Namespaced = true,
            Verbs = ["get"],
            Schema = new TypeSchema { Name = "com.example.v1.Widget", Fields = [] },
        };
        var extended = Catalog.With([widgets]);
        Assert.Same(widgets.Schema, extended.FindType("example.com/v1", "Widget"));
        Assert.Equal("example.com", extended.Groups[^1].Group);
        Assert.False(Catalog.TryFind("example.com", "v1", "widgets", out _));
    }
}
