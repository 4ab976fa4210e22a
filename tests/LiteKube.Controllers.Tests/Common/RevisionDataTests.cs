using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Tests.Common;

public sealed class RevisionDataTests
{
    [Fact]
    public void It_is_a_patch_that_replaces_the_template_with_its_fields_sorted()
    {
        var template = KubeJson.Deserialize<V1PodTemplateSpec>("""{"metadata":{"labels":{"b":"2","a":"1"}},"spec":{"terminationGracePeriodSeconds":30,"containers":[{"name":"c","image":"i","resources":{},"ports":[{"protocol":"TCP","containerPort":80}]}],"volumes":[{"name":"v","emptyDir":{}}]}}"""u8);
        Assert.Equal(
            """{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"1","b":"2"}},"spec":{"containers":[{"image":"i","name":"c","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{}}],"terminationGracePeriodSeconds":30,"volumes":[{"emptyDir":{},"name":"v"}]}}}}""",
            RevisionData.Of(template).ToJsonString());
    }

    [Fact]
    public void The_template_comes_back_as_it_was()
    {
        var template = KubeJson.Deserialize<V1PodTemplateSpec>("""{"metadata":{"labels":{"a":"<1> & é"}},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"100m"}},"livenessProbe":{"httpGet":{"path":"/","port":"web"}},"readinessProbe":{"tcpSocket":{"port":80}}}]}}"""u8);
        // As it comes from the server.
        var stored = KubeJson.Clone(new V1ControllerRevision { Metadata = new V1ObjectMeta { Name = "r" }, Data = RevisionData.Of(template), Revision = 1 });
        Assert.True(KubeJson.AreEqual(template, RevisionData.TemplateOf(stored)));
        Assert.True(RevisionData.AreEqual(stored.Data, RevisionData.Of(template)));
    }

    [Fact]
    public void Equality_minds_neither_order_nor_nulls()
    {
        Assert.True(RevisionData.AreEqual(Element("""{"spec":{"template":{"b":[1,{"x":1,"y":null}],"a":1}}}"""), JsonNode.Parse("""{"spec":{"template":{"a":1,"b":[1,{"x":1}],"creationTimestamp":null}}}""")));
        Assert.False(RevisionData.AreEqual(Element("""{"a":[1,2]}"""), Element("""{"a":[2,1]}""")));
        Assert.False(RevisionData.AreEqual(null, null));
    }

    [Fact]
    public void Data_of_another_shape_is_refused_by_name()
    {
        var revision = new V1ControllerRevision { Metadata = new V1ObjectMeta { Name = "r", NamespaceProperty = "n" }, Data = Element("""{"spec":{}}""") };
        Assert.Contains("n/r", Assert.Throws<JsonException>(() => RevisionData.TemplateOf(revision)).Message, StringComparison.Ordinal);
    }

    private static JsonElement Element(string json) => JsonDocument.Parse(Encoding.UTF8.GetBytes(json)).RootElement;
}
