using System.Text.Json.Nodes;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>A CRD that uses all that a schema can say, and its objects, as kubectl of three releases sees them.</summary>
public sealed class CustomResourceTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string Definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.GROUP}
        spec:
          group: GROUP
          scope: Namespaced
          names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList, shortNames: [wd], categories: [gadgets]}
          versions:
          - name: v1
            served: true
            storage: true
            additionalPrinterColumns:
            - {name: Size, type: integer, jsonPath: .spec.size}
            - {name: Color, type: string, jsonPath: .spec.color}
            - {name: Note, type: string, jsonPath: .spec.note, priority: 1}
            - {name: Since, type: date, jsonPath: .status.since}
            - {name: Tags, type: string, jsonPath: '.spec.tags[*]'}
            - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
            - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
            selectableFields: [{jsonPath: .spec.color}, {jsonPath: .spec.size}]
            subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size, labelSelectorPath: .status.selector}}
            schema:
              openAPIV3Schema:
                type: object
                required: [spec]
                description: Widget is a thing.
                properties:
                  apiVersion: {type: string}
                  kind: {type: string}
                  metadata: {type: object}
                  spec:
                    type: object
                    description: What is wished.
                    required: [color]
                    properties:
                      size: {type: integer, default: 1, minimum: 0, maximum: 10}
                      color: {type: string, enum: [red, blue], description: Its colour.}
                      note: {type: string, nullable: true, default: none}
                      port: {x-kubernetes-int-or-string: true}
                      tags: {type: array, items: {type: string}, x-kubernetes-list-type: set}
                      parts: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object, required: [name], properties: {name: {type: string}, count: {type: integer, default: 3}}}}
                      free: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: object, properties: {a: {type: string}}}}}
                      pod: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
                      map: {type: object, additionalProperties: {type: object, properties: {v: {type: integer}}}}
                      atom: {type: object, x-kubernetes-map-type: atomic, properties: {a: {type: string}, b: {type: string}}}
                  status: {type: object, x-kubernetes-preserve-unknown-fields: true}
        """;

    private const string Full = """
        apiVersion: GROUP/v1
        kind: Widget
        metadata: {name: full}
        spec:
          color: red
          port: http
          tags: [x, w]
          parts: [{name: p}]
          free: {z: {k: 1}, known: {a: b, c: d}}
          map: {k: {v: 1, w: 2}}
          pod: {apiVersion: v1, kind: Pod, metadata: {name: inner, foo: bar}, spec: {x: 1}}
        """;

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Objects_are_pruned_defaulted_shown_and_selected(string release)
    {
        var (kubectl, group) = await WithWidgetsAsync(release, "custom");
        if (!kubectl.ValidatesItself)
            Assert.Contains("strict decoding error: unknown field \"spec.free.known.c\", unknown field \"spec.map.k.w\", unknown field \"spec.pod.metadata.foo\"", await kubectl.FailWithAsync(Full.Replace("GROUP", group), "create", "-f", "-"));
        Assert.Equal($"widget.{group}/full created\n", await kubectl.ApplyAsync(Full.Replace("GROUP", group), "--validate=false"));
        Assert.Equal(
            """{"color":"red","free":{"known":{"a":"b"},"z":{"k":1}},"map":{"k":{"v":1}},"note":"none","parts":[{"count":3,"name":"p"}],"pod":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"inner"},"spec":{"x":1}},"port":"http","size":1,"tags":["x","w"]}""",
            await kubectl.JsonPathAsync("wd/full", "{.spec}"));

        const string patch = """{"status":{"since":"2020-01-01T00:00:00Z","selector":"a=b","size":4,"conditions":[{"type":"Ready","status":"True"}]},"spec":{"color":"blue"}}""";
        await server.Api.PatchAsync($"/apis/{group}/v1/namespaces/{kubectl.Namespace}/widgets/full/status", patch);
        Assert.Matches(@"^NAME +SIZE +COLOR +SINCE +TAGS +READY +AGE\nfull +1 +red +[0-9y]+d +x +True +\d+s\n$", await kubectl.OkAsync("get", "gadgets"));
        Assert.Matches(@"^NAME +SIZE +COLOR +NOTE +SINCE +TAGS +READY +AGE\nfull +1 +red +none ", await kubectl.OkAsync("get", "wd", "-o", "wide"));
        Assert.Equal($"widget.{group}/full\n", await kubectl.OkAsync("get", "wd", "--field-selector=spec.color=red,spec.size=1", "-o", "name"));
        Assert.Equal("", await kubectl.OkAsync("get", "wd", "--field-selector=spec.color=blue", "-o", "name"));
        Assert.Contains("field label not supported: spec.note", await kubectl.FailAsync("get", "wd", "--field-selector=spec.note=x"));
        Assert.Equal($"widget.{group}/full scaled\n", await kubectl.OkAsync("scale", "wd/full", "--replicas=4"));
        var scale = JsonNode.Parse(await kubectl.OkAsync("get", "--raw", $"/apis/{group}/v1/namespaces/{kubectl.Namespace}/widgets/full/scale"))!;
        Assert.Equal("""{"replicas":4} {"replicas":4,"selector":"a=b"}""", $"{scale["spec"]!.ToJsonString()} {scale["status"]!.ToJsonString()}");
        Assert.Contains("Color:", await kubectl.OkAsync("describe", "wd", "full"));
        Assert.Equal($"widget.{group}/full labeled\n", await kubectl.OkAsync("label", "wd", "full", "a=b"));
        Assert.Equal($"horizontalpodautoscaler.autoscaling/full autoscaled\n", await kubectl.OkAsync("autoscale", "wd", "full", "--max=3"));
        Assert.Contains("widgets   wd ", (await kubectl.OkAsync("api-resources", $"--api-group={group}")).Replace("widgets      ", "widgets   "));
        Assert.Contains($"widget.{group} \"full\" deleted", await kubectl.OkAsync("delete", "wd", "--all"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task What_the_schema_forbids_is_told_by_path_for_each_kind_of_patch(string release)
    {
        var (kubectl, group) = await WithWidgetsAsync(release, "custom-invalid");
        await kubectl.ApplyAsync($"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{color: red}}\n");
        var patches = new (string Patch, string Complaint)[]
        {
            ("""{"spec":{"color":"green"}}""", "spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"\n"),
            ("""{"spec":{"size":"x"}}""", "* spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"\n* .spec.size: Invalid value: 0: .spec.size accessor error: x is of the type string, expected int64\n"),
            ("""{"spec":{"size":11,"tags":["a","a"]}}""", "* spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10\n* spec.tags[1]: Duplicate value: \"a\"\n"),
            ("""{"spec":{"parts":[{"name":"p"},{"name":"p"}]}}""", "spec.parts[1]: Duplicate value: {\"name\":\"p\"}\n"),
            ("""{"spec":{"port":true}}""", "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"\n"),
            ("""{"spec":{"color":null}}""", "spec.color: Required value\n"),
            ("""{"spec":null}""", "spec: Required value\n"),
            ("""{"spec":{"pod":{"apiVersion":"v1"}}}""", "spec.pod.kind: Required value\n"),
        };
        foreach (var (patch, complaint) in patches)
        {
            var said = await kubectl.FailAsync("patch", "wd", "w", "--type=merge", "-p", patch);
            Assert.StartsWith("The Widget \"w\" is invalid: ", said);
            Assert.EndsWith(complaint, said);
        }
        Assert.EndsWith("spec.color: Unsupported value: \"green\": supported values: \"red\", \"blue\"\n", await kubectl.FailAsync("patch", "wd", "w", "--type=json", "-p", """[{"op":"replace","path":"/spec/color","value":"green"}]"""));
        Assert.Contains("accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml", await kubectl.FailAsync("patch", "wd", "w", "--type=strategic", "-p", """{"spec":{"color":"blue"}}"""));
        Assert.Equal($"widget.{group}/w patched\n", await kubectl.OkAsync("patch", "wd", "w", "--type=merge", "-p", """{"spec":{"port":80,"note":null}}"""));
        Assert.Equal("""{"color":"red","note":"none","port":80,"size":1}""", await kubectl.JsonPathAsync("wd/w", "{.spec}"));
        var path = Path.Combine(server.NewDirectory(), "null.json");
        await File.WriteAllTextAsync(path, $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Widget","metadata":{"name":"nulls"},"spec":{"color":"red","note":null,"size":null,"tags":null}}""");
        var made = JsonNode.Parse(await kubectl.OkAsync("create", "--raw", $"/apis/{group}/v1/namespaces/{kubectl.Namespace}/widgets", "-f", path))!;
        Assert.Equal("""{"color":"red","note":null,"size":1}""", made["spec"]!.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Its_fields_are_explained_and_checked_before_they_are_sent(string release)
    {
        var (kubectl, group) = await WithWidgetsAsync(release, "custom-explain");
        var explained = await kubectl.OkAsync("explain", "wd.spec", $"--api-version={group}/v1");
        Assert.Contains("What is wished.", explained);
        Assert.Matches(@"(?m)^   ?color\t<string> -required-$", explained);
        Assert.Contains("Its colour.", await kubectl.OkAsync("explain", "wd.spec.color", $"--api-version={group}/v1"));
        Assert.Matches(@"(?m)^ +parts\t<\[\]Object>$", await kubectl.OkAsync("explain", "wd", "--recursive", $"--api-version={group}/v1"));
        var unknown = await kubectl.FailWithAsync($"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: b}}\nspec: {{color: red, bad: 1}}\n", "create", "-f", "-");
        Assert.Contains(kubectl.ValidatesItself ? "ValidationError(Widget.spec): unknown field \"bad\" in " : "strict decoding error: unknown field \"spec.bad\"", unknown);
        var missing = await kubectl.FailWithAsync($"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: b}}\nspec: {{size: 1}}\n", "create", "-f", "-");
        Assert.Contains(kubectl.ValidatesItself ? "ValidationError(Widget.spec): missing required field \"color\" in " : "spec.color: Required value", missing);
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task List_types_hold_when_two_managers_apply(string release)
    {
        var (kubectl, group) = await WithWidgetsAsync(release, "custom-apply");
        string Widget(string spec) => $"apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: s}}\nspec: {{{spec}}}\n";
        Assert.Equal($"widget.{group}/s serverside-applied\n", await kubectl.ApplyAsync(Widget("color: red, tags: [a], parts: [{name: p, count: 1}], atom: {a: x}"), "--server-side", "--field-manager=one"));
        await kubectl.ApplyAsync(Widget("color: red, tags: [b], parts: [{name: q}]"), "--server-side", "--field-manager=two");
        Assert.Equal("""{"atom":{"a":"x"},"color":"red","note":"none","parts":[{"count":1,"name":"p"},{"count":3,"name":"q"}],"size":1,"tags":["a","b"]}""", await kubectl.JsonPathAsync("wd/s", "{.spec}"));
        var conflict = await kubectl.FailWithAsync(Widget("color: blue, atom: {b: x}"), "apply", "-f", "-", "--server-side", "--field-manager=two");
        Assert.Contains("Apply failed with 2 conflicts: conflicts with \"one\"", conflict);
        Assert.Contains("\n- .spec.atom\n- .spec.color\n", conflict);
        await kubectl.ApplyAsync(Widget("color: blue, atom: {b: x}"), "--server-side", "--field-manager=two", "--force-conflicts");
        Assert.Equal("""{"atom":{"b":"x"},"color":"blue","note":"none","parts":[{"count":1,"name":"p"}],"size":1,"tags":["a"]}""", await kubectl.JsonPathAsync("wd/s", "{.spec}"));
        var diff = await kubectl.RunAsync(["diff", "--server-side", "--field-manager=one", "-f", "-"], Widget("color: blue, tags: [a, c]"));
        Assert.Equal(1, diff.ExitCode);
        Assert.Contains("\n+  - c\n", diff.Out);
        Assert.Contains("\n-  - count: 1\n-    name: p\n", diff.Out);
    }

    private async Task<(Kubectl Kubectl, string Group)> WithWidgetsAsync(string release, string purpose)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, purpose);
        // Each of its own group, with short names of its own: 'wd' is one group's alone while a test runs.
        var group = $"{kubectl.Namespace}.example.com";
        foreach (var other in (await kubectl.OkAsync("get", "crd", "-o", "name")).Split('\n', StringSplitOptions.RemoveEmptyEntries)) await kubectl.OkAsync("delete", other);
        Assert.Equal($"customresourcedefinition.apiextensions.k8s.io/widgets.{group} created\n", await kubectl.ApplyAsync(Definition.Replace("GROUP", group)));
        await kubectl.OkAsync("wait", "--for=condition=Established", $"crd/widgets.{group}", "--timeout=20s");
        // Unlike other commands it always asks what there is anew, and keeps it for them.
        await kubectl.OkAsync("api-resources", $"--api-group={group}");
        return (kubectl, group);
    }
}
