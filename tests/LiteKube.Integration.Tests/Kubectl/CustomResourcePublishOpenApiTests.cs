using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>The client's half of the conformance suite's "CustomResourcePublishOpenAPI": kubectl checks and explains by what is published.</summary>
public sealed class CustomResourcePublishOpenApiTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string ValidatingSchema = """
        {type: object, description: Foo CRD for Testing, properties: {
          spec: {type: object, description: Specification of Foo, properties: {bars: {type: array, description: List of Bars and their specs., items: {type: object, required: [name], properties: {
            name: {type: string, description: Name of Bar.}, age: {type: string, description: Age of Bar.}, feeling: {type: string, enum: [Great, Down]}, bazs: {type: array, description: List of Bazs., items: {type: string}}}}}}},
          status: {type: object, description: Status of Foo, properties: {bars: {type: array, items: {type: object, properties: {name: {type: string}}}}}}}}
        """;

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Works_for_CRD_with_validation_schema(string release)
    {
        var (kubectl, group) = await WithAsync(release, "publish-schema", ValidatingSchema);
        foreach (var verb in (string[])["create", "apply"])
        {
            Assert.StartsWith($"foo.{group}/ok ", await kubectl.OkWithAsync(Foo("spec: {bars: [{name: b, age: '10'}]}"), verb, "-f", "-"));
            await kubectl.OkAsync("delete", $"foos.{group}", "ok");
            var unknown = await kubectl.FailWithAsync(Foo("spec: {bars: [{name: b, unknown: x}]}"), verb, "-f", "-");
            Assert.Contains(kubectl.ValidatesItself ? "unknown field \"unknown\" in" : "unknown field \"spec.bars[0].unknown\"", unknown);
            var missing = await kubectl.FailWithAsync(Foo("spec: {bars: [{age: '10'}]}"), verb, "-f", "-");
            Assert.Contains(kubectl.ValidatesItself ? "missing required field \"name\" in" : "spec.bars[0].name: Required value", missing);
            Assert.Contains("Unsupported value: \"NonExistentValue\"", await kubectl.FailWithAsync(Foo("spec: {bars: [{name: b, feeling: NonExistentValue}]}"), verb, "-f", "-"));
        }
        Assert.Matches("(?s)DESCRIPTION:.*Foo CRD for Testing", await kubectl.OkAsync("explain", "foos", $"--api-version={group}/v1"));
        Assert.Matches("(?s)DESCRIPTION:.*Specification of Foo", await kubectl.OkAsync("explain", "foos.spec", $"--api-version={group}/v1"));
        Assert.Matches("(?s)(RESOURCE|FIELD): bars <\\[\\]Object>.*List of Bars and their specs.*name\\t<string> -required-.*Name of Bar", await kubectl.OkAsync("explain", "foos.spec.bars", $"--api-version={group}/v1"));
        Assert.Contains("field \"bars2\" does not exist", await kubectl.FailAsync("explain", "foos.spec.bars2", $"--api-version={group}/v1"));

        string Foo(string rest) => $"apiVersion: {group}/v1\nkind: Foo\nmetadata: {{name: ok}}\n{rest}\n";
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Works_for_CRD_without_validation_schema(string release) => await TakesAnythingAsync(release, "publish-none", "{type: object, x-kubernetes-preserve-unknown-fields: true}", "spec: {any: [1, two]}\nmore: true\n");

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Works_for_CRD_preserving_unknown_fields_at_the_schema_root(string release) =>
        await TakesAnythingAsync(release, "publish-root", "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {spec: {type: object, properties: {a: {type: string}}}}}", "spec: {a: x}\nmore: {b: 1}\n");

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Works_for_CRD_preserving_unknown_fields_in_an_embedded_object(string release)
    {
        var (kubectl, group) = await TakesAnythingAsync(release, "publish-embedded", "{type: object, properties: {spec: {type: object, description: Free., x-kubernetes-preserve-unknown-fields: true, properties: {dummy: {type: string}}}}}", "spec: {dummy: x, more: {b: 1}}\n");
        Assert.Matches("(?s)FIELDS:.*spec\\t<", await kubectl.OkAsync("explain", "foos", $"--api-version={group}/v1"));
    }

    private async Task<(Kubectl Kubectl, string Group)> TakesAnythingAsync(string release, string purpose, string schema, string rest)
    {
        var (kubectl, group) = await WithAsync(release, purpose, schema);
        foreach (var verb in (string[])["create", "apply"])
        {
            Assert.Equal($"foo.{group}/any created\n", await kubectl.OkWithAsync($"apiVersion: {group}/v1\nkind: Foo\nmetadata: {{name: any}}\n{rest}", verb, "-f", "-"));
            Assert.NotEqual("", await kubectl.JsonPathAsync($"foos.{group}/any", "{.spec}"));
            Assert.Contains("deleted", await kubectl.OkAsync("delete", $"foos.{group}", "any"));
        }
        Assert.Matches("(?s)KIND: +Foo\nVERSION: .*DESCRIPTION:\n +<empty>", await kubectl.OkAsync("explain", "foos", $"--api-version={group}/v1"));
        return (kubectl, group);
    }

    private async Task<(Kubectl Kubectl, string Group)> WithAsync(string release, string purpose, string schema)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, purpose);
        var group = $"{kubectl.Namespace}.example.com";
        await kubectl.ApplyAsync($$"""
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: foos.{{group}}}
            spec:
              group: {{group}}
              scope: Namespaced
              names: {plural: foos, kind: Foo}
              versions:
              - name: v1
                served: true
                storage: true
                schema:
                  openAPIV3Schema: {{schema.ReplaceLineEndings(" ")}}
            """);
        await kubectl.OkAsync("wait", "--for=condition=Established", $"crd/foos.{group}", "--timeout=20s");
        // Unlike other commands it always asks what there is anew, and keeps it for them.
        await kubectl.OkAsync("api-resources", $"--api-group={group}");
        return (kubectl, group);
    }
}
