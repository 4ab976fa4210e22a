using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Codec;

public class DecoderTests
{
    private static TypeSchema Type(string apiVersion, string name) => ResourceCatalog.BuiltIn.FindType(apiVersion, name)!;

    private static string Decode(string apiVersion, string kind, string json, FieldValidation validation = FieldValidation.Strict) =>
        Encoding.UTF8.GetString(ObjectWriter.Write(ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), Type(apiVersion, kind), validation).Object));

    [Theory]
    [InlineData("v1", "ConfigMap", """{"metadata":{"name":"a","labels":{},"annotations":null},"data":{"b":"2","a":"1"}}""", """{"metadata":{"name":"a"},"data":{"a":"1","b":"2"}}""")]
    [InlineData("v1", "Container", """{"image":"i","args":[],"env":[{"value":"","name":"X"}],"tty":false}""", """{"name":"","image":"i","env":[{"name":"X"}],"resources":{}}""")]
    [InlineData("v1", "PodSpec", """{"automountServiceAccountToken":false,"hostNetwork":false,"priority":0}""", """{"containers":null,"automountServiceAccountToken":false,"priority":0}""")]
    [InlineData("v1", "Volume", """{"emptyDir":{},"name":"v"}""", """{"name":"v","emptyDir":{}}""")]
    [InlineData("v1", "ResourceRequirements", """{"limits":{"memory":"1024Mi","cpu":0.5},"requests":{"cpu":1}}""", """{"limits":{"cpu":"500m","memory":"1Gi"},"requests":{"cpu":"1"}}""")]
    [InlineData("v1", "Service", """{"spec":{"ports":[{"port":80,"targetPort":"http"},{"port":81}]}}""", """{"metadata":{},"spec":{"ports":[{"port":80,"targetPort":"http"},{"port":81,"targetPort":0}]},"status":{"loadBalancer":{}}}""")]
    [InlineData("v1", "ObjectMeta", """{"creationTimestamp":"2024-01-02T03:04:05.678+01:00","deletionTimestamp":null}""", """{"creationTimestamp":"2024-01-02T02:04:05Z"}""")]
    [InlineData("v1", "Secret", """{"data":{"b":"YQ==","a":""}}""", """{"metadata":{},"data":{"a":"","b":"YQ=="}}""")]
    [InlineData("apiextensions.k8s.io/v1", "JSONSchemaProps", """{"items":{"type":"string","unknown":1},"additionalProperties":false,"default":{"b":1.50,"a":[null]},"enum":[null,1e2]}""", """{"default":{"b":1.50,"a":[null]},"enum":[null,1e2],"items":{"type":"string"},"additionalProperties":false}""")]
    [InlineData("authentication.k8s.io/v1", "UserInfo", """{"username":"u","extra":{"k":["b","a"]}}""", """{"username":"u","extra":{"k":["b","a"]}}""")]
    [InlineData("v1", "ConfigMap", """{"data":{"k":"\u00e4\ud83d\ude00<&>\u2028\ud800\u0001"}}""", "{\"metadata\":{},\"data\":{\"k\":\"ä😀\\u003c\\u0026\\u003e\\u2028\uFFFD\\u0001\"}}")]
    public void An_object_reads_as_Go_reads_it_and_writes_as_Go_writes_it(string apiVersion, string kind, string json, string canonical) =>
        Assert.Equal(canonical, Decode(apiVersion, kind, json));

    [Theory]
    [InlineData("""{"spec":{"containers":[{"name":"a","imagePullPolicie":"x"}]}}""", "unknown field \"spec.containers[0].imagePullPolicie\"")]
    [InlineData("""{"spec":{"containers":null,"Containers":[]}}""", "unknown field \"spec.Containers\"")]
    [InlineData("""{"metadata":{"labels":{"a":"1","b":"2","a":"3"}}}""", "duplicate field \"metadata.labels.a\"")]
    [InlineData("""{"foo":1,"spec":{"hostIPC":true,"hostIPC":false}}""", "unknown field \"foo\", duplicate field \"spec.hostIPC\"")]
    public void Unknown_and_duplicate_fields_are_refused_warned_of_or_ignored(string json, string errors)
    {
        Assert.Equal("strict decoding error: " + errors, Assert.Throws<DecodeException>(() => Decode("v1", "Pod", json)).Message);
        var warned = ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), Type("v1", "Pod"), FieldValidation.Warn);
        Assert.Equal(errors, string.Join(", ", warned.Warnings));
        Assert.Empty(ObjectDecoder.DecodeJson(Encoding.UTF8.GetBytes(json), Type("v1", "Pod"), FieldValidation.Ignore).Warnings);
    }

    [Theory]
    [InlineData("""{"spec":{"replicas":"3"}}""", "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"replicas":3000000000}}""", "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"replicas":1.5}}""", "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":"x"}}}}""", "json: cannot unmarshal string into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[7]}}}}""", "json: cannot unmarshal number into Go struct field PodSpec.spec.template.spec.containers of type v1.Container")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"imagePullPolicy":true}]}}}}""", "json: cannot unmarshal bool into Go struct field Container.spec.template.spec.containers.imagePullPolicy of type v1.PullPolicy")]
    [InlineData("""{"metadata":{"labels":{"a":1}}}""", "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string")]
    [InlineData("""{"metadata":{"labels":["a"]}}""", "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string")]
    [InlineData("""{"metadata":{"creationTimestamp":5}}""", "json: cannot unmarshal number into Go value of type string")]
    [InlineData("""{"spec":{"strategy":{"rollingUpdate":{"maxSurge":true}}}}""", "json: cannot unmarshal bool into Go value of type int32")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}]}}}}""", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("""[]""", "json: cannot unmarshal array into Go value of type v1.Deployment")]
    [InlineData("""{"spec":""", "unexpected end of JSON input")]
    [InlineData("""{"a":tru}""", "invalid character '}' in literal true (expecting 'e')")]
    [InlineData("""{a:1}""", "invalid character 'a' looking for beginning of object key string")]
    [InlineData("""{"a" 1}""", "invalid character '1' after object key")]
    [InlineData("""{"a":1 "b":2}""", "invalid character '\"' after object key:value pair")]
    [InlineData("""{"a":[1 2]}""", "invalid character '2' after array element")]
    [InlineData("""{}x""", "invalid character 'x' after top-level value")]
    [InlineData("", "unexpected end of JSON input")]
    [InlineData("kind: Pod", "invalid character 'k' looking for beginning of value")]
    [InlineData("{\"a\":\"\n\"}", "invalid character '\\n' in string literal")]
    [InlineData("{\"a\":01}", "invalid character '1' after object key:value pair")]
    public void What_does_not_fit_is_refused_in_the_words_of_Go(string json, string message) =>
        Assert.Equal(message, Assert.Throws<DecodeException>(() => Decode("apps/v1", "Deployment", json, FieldValidation.Ignore)).Message);

    [Fact]
    public void Bad_base64_is_refused_at_its_place() =>
        Assert.Equal("illegal base64 data at input byte 2", Assert.Throws<DecodeException>(() => Decode("v1", "Secret", """{"data":{"a":"ab*="}}""")).Message);

    [Fact]
    public void Nesting_beyond_the_bound_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", ObjectDecoder.MaxDepth + 1));
        Assert.Equal("exceeded max depth", Assert.Throws<DecodeException>(() => ObjectDecoder.ParseJson(Encoding.UTF8.GetBytes(deep))).Message);
        Assert.Equal("exceeded max depth", Assert.Throws<DecodeException>(() => Decode("v1", "Pod", "{\"x\":" + deep)).Message);
        var fits = new string('[', ObjectDecoder.MaxDepth) + new string(']', ObjectDecoder.MaxDepth);
        Assert.NotNull(ObjectDecoder.ParseJson(Encoding.UTF8.GetBytes(fits)));
    }

    [Fact]
    public void Untyped_JSON_has_sorted_keys_whole_numbers_as_longs_and_no_duplicates()
    {
        var value = ObjectDecoder.ParseJson("""{"b":1,"a":1.0,"c":{"z":null,"y":18446744073709551616}}"""u8)!;
        Assert.Equal("""{"a":1,"b":1,"c":{"y":18446744073709552000,"z":null}}""", Encoding.UTF8.GetString(ObjectWriter.Write(value)));
        Assert.Equal(1L, value["b"]!.GetValue<long>());
        Assert.Equal("strict decoding error: duplicate field \"a.b\"", Assert.Throws<DecodeException>(() => ObjectDecoder.ParseJson("""{"a":{"b":1,"b":2}}"""u8)).Message);
    }

    [Theory]
    [InlineData("""{"kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"7","labels":{"x":"y"}}}""")]
    [InlineData("""{"kind":"ConfigMap","metadata":{"name":"a","generation":1}}""")]
    [InlineData("""{"kind":"ConfigMap","metadata":{"name":"a"}}""")]
    [InlineData("""{"kind":"ConfigMap","metadata":{"resourceVersion":"7"}}""")]
    [InlineData("""{"kind":"ConfigMap"}""")]
    [InlineData("""{}""")]
    public void The_store_can_stamp_the_revision_at_the_noted_place(string json)
    {
        var encoded = ObjectWriter.WriteForStore(JsonNode.Parse(json)!.AsObject());
        var text = Encoding.UTF8.GetString(encoded.Utf8.Span);
        var stamped = JsonNode.Parse(text.Insert(encoded.ResourceVersionOffset, "42"))!;
        Assert.Equal("42", stamped["metadata"]!["resourceVersion"]!.GetValue<string>());
        var expected = JsonNode.Parse(json)!.AsObject();
        expected["metadata"] = expected["metadata"]?.DeepClone() ?? new JsonObject();
        expected["metadata"]!["resourceVersion"] = "42";
        Assert.True(JsonNode.DeepEquals(expected, stamped), text);
    }

    [Theory]
    [InlineData(0.1, "0.1")]
    [InlineData(100, "100")]
    [InlineData(1e20, "100000000000000000000")]
    [InlineData(1.2345678901234567e20, "123456789012345670000")]
    [InlineData(1e21, "1e+21")]
    [InlineData(1.5e-5, "0.000015")]
    [InlineData(1e-7, "1e-7")]
    [InlineData(-2.5e-9, "-2.5e-9")]
    [InlineData(123456789.125, "123456789.125")]
    [InlineData(1e15, "1000000000000000")]
    [InlineData(1234567890123456.5, "1234567890123456.5")]
    public void A_number_is_written_as_Go_writes_it(double number, string text) =>
        Assert.Equal(text, Encoding.UTF8.GetString(ObjectWriter.Write(JsonValue.Create(number))));

    [Fact]
    public void Every_string_reads_back_as_it_was_written() =>
        Gen.String.Where(s => !s.Any(char.IsSurrogate)).Sample(s =>
            JsonNode.Parse(ObjectWriter.Write(JsonValue.Create(s)))!.GetValue<string>() == s
            && ObjectDecoder.ParseJson(ObjectWriter.Write(JsonValue.Create(s)))!.GetValue<string>() == s);

    [Fact]
    public void Bytes_cut_short_anywhere_are_refused_as_ended_too_soon()
    {
        var whole = """{"metadata":{"name":"a","labels":{"k":"v\u00e4"},"generation":12},"data":{"a":"b"},"immutable":true}"""u8.ToArray();
        for (var length = 0; length < whole.Length; length++)
        {
            var message = Assert.Throws<DecodeException>(() => ObjectDecoder.DecodeJson(whole.AsSpan(0, length), Type("v1", "ConfigMap"), FieldValidation.Strict)).Message;
            Assert.Equal("unexpected end of JSON input", message);
        }
    }

    [Fact]
    public void A_changed_byte_is_read_or_refused_with_a_message()
    {
        var whole = """{"metadata":{"name":"a","labels":{"k":"v"},"generation":12},"data":{"a":"b"},"immutable":true}"""u8.ToArray();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            var changed = (byte[])whole.Clone();
            changed[at] = value;
            try
            {
                ObjectDecoder.DecodeJson(changed, Type("v1", "ConfigMap"), FieldValidation.Strict);
            }
            catch (DecodeException e)
            {
                Assert.DoesNotContain("LineNumber", e.Message, StringComparison.Ordinal);
            }
        });
    }
}
