using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;
using static LiteKube.ApiServer.Tests.Admission.WebhookServer;

namespace LiteKube.ApiServer.Tests.Admission;

public sealed class WebhookConfigurationTests
{
    private const string Good = """{"name":"a.example.com","clientConfig":{"url":"https://example.com/x"},"rules":[{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}],"sideEffects":"None","admissionReviewVersions":["v1"]}""";

    [Fact]
    public async Task A_webhook_gets_its_defaults_and_its_configuration_a_generation()
    {
        await using var server = await TestApiServer.StartAsync();

        var created = await server.PostAsync(Mutating, $$"""{"metadata":{"name":"c"},"webhooks":[{{Good}}]}""");

        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        var webhook = created.Json["webhooks"]![0]!;
        Assert.Equal("Fail Equivalent 10 Never *", $"{webhook["failurePolicy"]} {webhook["matchPolicy"]} {webhook["timeoutSeconds"]} {webhook["reinvocationPolicy"]} {webhook["rules"]![0]!["scope"]}");
        Assert.Equal("{} {}", $"{webhook["namespaceSelector"]!.ToJsonString()} {webhook["objectSelector"]!.ToJsonString()}");
        Assert.Equal(1, created.Json["metadata"]!["generation"]!.GetValue<int>());
        Assert.Equal(2, (await server.PatchAsync($"{Mutating}/c", """[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":5}]""", "application/json-patch+json")).Json["metadata"]!["generation"]!.GetValue<int>());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await server.PutAsync($"{Mutating}/c", $$"""{"metadata":{"name":"c"},"webhooks":[{{Good}}]}""")).StatusCode);
    }

    [Theory]
    [InlineData("name", "\"a.b\"", "webhooks[0].name: Invalid value: \"a.b\": should be a domain with at least three segments separated by dots")]
    [InlineData("name", "\"\"", "webhooks[0].name: Required value")]
    [InlineData("sideEffects", "\"Some\"", "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"")]
    [InlineData("sideEffects", "null", "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun")]
    [InlineData("timeoutSeconds", "31", "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds")]
    [InlineData("timeoutSeconds", "0", "webhooks[0].timeoutSeconds: Invalid value: 0: the timeout value must be between 1 and 30 seconds")]
    [InlineData("failurePolicy", "\"Maybe\"", "webhooks[0].failurePolicy: Unsupported value: \"Maybe\": supported values: \"Fail\", \"Ignore\"")]
    [InlineData("matchPolicy", "\"Maybe\"", "webhooks[0].matchPolicy: Unsupported value: \"Maybe\": supported values: \"Equivalent\", \"Exact\"")]
    [InlineData("reinvocationPolicy", "\"Maybe\"", "webhooks[0].reinvocationPolicy: Unsupported value: \"Maybe\": supported values: \"IfNeeded\", \"Never\"")]
    [InlineData("admissionReviewVersions", "[]", "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1")]
    [InlineData("admissionReviewVersions", """["v2","v2"]""", """[webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version, webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1]""")]
    [InlineData("clientConfig", "{}", "webhooks[0].clientConfig: Required value: exactly one of url or service is required")]
    [InlineData("clientConfig", """{"url":"http://example.com"}""", "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]")]
    [InlineData("clientConfig", """{"service":{"name":"s","namespace":"n","port":0,"path":"x"}}""", """[webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive, webhooks[0].clientConfig.service.path: Invalid value: "x": must start with a '/'""")]
    [InlineData("namespaceSelector", """{"matchExpressions":[{"key":"a","operator":"Is"}]}""", "webhooks[0].namespaceSelector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator")]
    [InlineData("matchConditions", """[{"name":"c","expression":"object.x =="}]""", "webhooks[0].matchConditions[0].expression: Invalid value: \"object.x ==\": compilation failed: ERROR: <input>:1:12: Syntax error")]
    [InlineData("matchConditions", """[{"name":"c","expression":"object.metadata.name"}]""", "webhooks[0].matchConditions[0].expression: Invalid value: \"object.metadata.name\": must evaluate to bool but got dyn")]
    [InlineData("rules", """[{"operations":[],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]}]""", "webhooks[0].rules[0].operations: Required value")]
    public async Task What_is_wrong_is_named_by_its_field(string field, string value, string complaint)
    {
        await using var server = await TestApiServer.StartAsync();
        var webhook = JsonNode.Parse(Good)!.AsObject();
        webhook[field] = JsonNode.Parse(value);

        var refused = await server.PostAsync(Mutating, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "c" }, ["webhooks"] = new JsonArray(webhook) }.ToJsonString());

        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.StartsWith("MutatingWebhookConfiguration.admissionregistration.k8s.io \"c\" is invalid: " + complaint, refused.Json["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_unique_within_a_configuration()
    {
        await using var server = await TestApiServer.StartAsync();

        var refused = await server.PostAsync(Validating, $$"""{"metadata":{"name":"c"},"webhooks":[{{Good}},{{Good}}]}""");

        Assert.Equal("ValidatingWebhookConfiguration.admissionregistration.k8s.io \"c\" is invalid: webhooks[1].name: Duplicate value: \"a.example.com\"", refused.Json["message"]!.GetValue<string>());
    }
}
