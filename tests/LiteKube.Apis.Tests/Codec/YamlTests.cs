using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Codec;

public class YamlTests
{
    private static string ToJson(string yaml) => Encoding.UTF8.GetString(ObjectDecoder.YamlToJson(Encoding.UTF8.GetBytes(yaml)));

    [Theory]
    [InlineData("a: 1\nb: [x, 'y', \"z\\n\"]", """{"a":1,"b":["x","y","z\n"]}""")]
    [InlineData("a: yes\nb: off\nc: \"yes\"\nd: n\ne: True", """{"a":true,"b":false,"c":"yes","d":false,"e":true}""")]
    [InlineData("a: 0644\nb: 0x1F\nc: 1_000\nd: 08\ne: +5\nf: 0o17\ng: -0b11", """{"a":420,"b":31,"c":1000,"d":8,"e":5,"f":15,"g":-3}""")]
    [InlineData("a: 1.5\nb: .5\nc: 1e3\nd: 5.e+3\ne: 1.\nf: 1.2.3\ng: 1Gi\nh: .\ni: 1E-2", """{"a":1.5,"b":0.5,"c":1000,"d":5000,"e":1,"f":"1.2.3","g":"1Gi","h":".","i":0.01}""")]
    [InlineData("a: ~\nb:\nc: null\nd: ''", """{"a":null,"b":null,"c":null,"d":""}""")]
    [InlineData("a: 2001-12-14\nb: 2001-12-14T21:59:43Z", """{"a":"2001-12-14","b":"2001-12-14T21:59:43Z"}""")]
    [InlineData("a: |\n  x\n  y\nb: >-\n  x\n  y", """{"a":"x\ny\n","b":"x y"}""")]
    [InlineData("1: a\ntrue: b\n1.5: c", """{"1":"a","1.5":"c","true":"b"}""")]
    [InlineData("base: &b {x: 1, z: 2}\nd:\n  <<: *b\n  z: 3", """{"base":{"x":1,"z":2},"d":{"x":1,"z":3}}""")]
    [InlineData("a: &x [1]\nb: *x", """{"a":[1],"b":[1]}""")]
    [InlineData("a: !!str 5\nb: !!binary YWI=", """{"a":"5","b":"ab"}""")]
    [InlineData("# nothing\n", "null")]
    [InlineData("", "null")]
    [InlineData("a: 1\n---\na: 2", """{"a":1}""")]
    [InlineData("""{"a":{"b":[1,"2",null]}}""", """{"a":{"b":[1,"2",null]}}""")]
    [InlineData("a: 18446744073709551615\nb: 9223372036854775807", """{"a":18446744073709551615,"b":9223372036854775807}""")]
    public void A_document_reads_as_Kubernetes_reads_it(string yaml, string json) => Assert.Equal(json, ToJson(yaml));

    [Theory]
    [InlineData("a: b: c", "yaml: line 1: ")]
    [InlineData("a:\n\t- b", "yaml: line ")]
    [InlineData("a: *x", "yaml: unknown anchor 'x' referenced")]
    [InlineData("a: &x [*x]", "yaml: anchor 'x' value contains itself")]
    [InlineData("a: .inf", "json: unsupported value: +Inf")]
    [InlineData("[a, b", "yaml: line ")]
    [InlineData("? {a: b}\n: c", "yaml: unsupported map key of type: map[interface {}]interface {}")]
    public void What_is_no_document_is_refused(string yaml, string message) =>
        Assert.StartsWith(message, Assert.Throws<DecodeException>(() => ToJson(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Aliases_cannot_multiply_without_bound()
    {
        var bomb = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (var i = 1; i < 12; i++)
            bomb.Append(System.Globalization.CultureInfo.InvariantCulture, $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        Assert.Equal("yaml: document contains excessive aliasing", Assert.Throws<DecodeException>(() => ToJson(bomb.ToString())).Message);
        Assert.StartsWith("yaml: exceeded max depth", Assert.Throws<DecodeException>(() => ToJson(new string('[', 1000) + new string(']', 1000))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_duplicate_key_is_refused_warned_of_or_overwritten()
    {
        var yaml = "kind: ConfigMap\ndata:\n  a: \"1\"\n  a: \"2\"\nfoo: 1\n"u8.ToArray();
        var schema = ResourceCatalog.BuiltIn.FindType("v1", "ConfigMap")!;
        const string Duplicate = "yaml: unmarshal errors:\n  line 4: key \"a\" already set in map";
        Assert.Equal($"strict decoding error: {Duplicate}, unknown field \"foo\"", Assert.Throws<DecodeException>(() => ObjectDecoder.DecodeYaml(yaml, schema, FieldValidation.Strict)).Message);
        Assert.Equal([Duplicate, "unknown field \"foo\""], ObjectDecoder.DecodeYaml(yaml, schema, FieldValidation.Warn).Warnings);
        Assert.Equal("2", ObjectDecoder.DecodeYaml(yaml, schema, FieldValidation.Ignore).Object["data"]!["a"]!.GetValue<string>());
        Assert.Throws<DecodeException>(() => ObjectDecoder.ParseYaml(yaml));
    }

    [Fact]
    public void An_object_is_written_as_kubectl_prints_it()
    {
        var value = JsonNode.Parse("""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","labels":{}},"data":{"yes":"true","n":"5","text":"line 1\nline 2\n","empty":"","colon":"a: b","date":"2001-12-14","plain":"x y","star":"*"},"list":[{"a":1,"b":[1,2]},[],null,1.5,"1e3"]}""")!;
        const string Expected = """
            apiVersion: v1
            data:
              colon: 'a: b'
              date: "2001-12-14"
              empty: ""
              "n": "5"
              plain: x y
              star: '*'
              text: |
                line 1
                line 2
              "yes": "true"
            kind: ConfigMap
            list:
            - a: 1
              b:
              - 1
              - 2
            - []
            - null
            - 1.5
            - "1e3"
            metadata:
              labels: {}
              name: a

            """;
        Assert.Equal(Expected, ObjectWriter.WriteYaml(value));
    }

    [Fact]
    public void Every_text_reads_back_from_YAML_as_it_was_written()
    {
        var characters = Gen.OneOf(Gen.Char['a', 'z'], Gen.Char[' ', '~'], Gen.OneOf('\n', '\t', ' ', ':', '#', '-', '\r', 'ä', '\u2028', '0', '"', '\''));
        Gen.Select(Gen.String[characters, 0, 12], Gen.OneOf(Gen.String[characters, 0, 8], Gen.String[characters, 60, 200])).Sample((key, text) =>
        {
            var value = new JsonObject { [key] = text, ["list"] = new JsonArray(text, new JsonObject { ["a"] = text }) };
            var read = ObjectDecoder.ParseYaml(Encoding.UTF8.GetBytes(ObjectWriter.WriteYaml(value)));
            Assert.True(JsonEquality.AreEqual(value, read), ObjectWriter.WriteYaml(value));
        });
    }

    [FixtureTheory]
    [MemberData(nameof(ApiFixtures.All), MemberType = typeof(ApiFixtures))]
    public void A_full_object_reads_back_from_YAML(string name)
    {
        var value = JsonNode.Parse(ApiFixtures.Read(name))!;
        Assert.True(JsonEquality.AreEqual(value, ObjectDecoder.ParseYaml(Encoding.UTF8.GetBytes(ObjectWriter.WriteYaml(value)))));
    }
}
