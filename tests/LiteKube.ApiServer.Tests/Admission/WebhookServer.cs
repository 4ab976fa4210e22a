using System.Net;
using LiteKube.Testing;

namespace LiteKube.ApiServer.Tests.Admission;

/// <summary>An API server with a webhook beside it.</summary>
internal sealed class WebhookServer : IAsyncDisposable
{
    public const string Mutating = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    public const string Validating = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    public const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    public const string Pods = "/api/v1/namespaces/default/pods";
    public const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    private WebhookServer(TestApiServer api, FakeWebhook webhook) => (Api, Webhook) = (api, webhook);

    public TestApiServer Api { get; }
    public FakeWebhook Webhook { get; }

    public static async Task<WebhookServer> StartAsync(TimeProvider? time = null)
    {
        var server = new WebhookServer(await TestApiServer.StartAsync(time), await FakeWebhook.StartAsync());
        await server.Api.PostAsync("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Webhook.DisposeAsync();
    }

    /// <summary>The only webhook of a configuration of the path's name.</summary>
    public Task MutateAsync(string path, string rule, string extra = "") => ConfigureAsync(Mutating, path, Hook(path, rule, extra));

    public Task ValidateAsync(string path, string rule, string extra = "") => ConfigureAsync(Validating, path, Hook(path, rule, extra));

    public async Task ConfigureAsync(string collection, string name, params string[] webhooks)
    {
        var created = await Api.PostAsync(collection, $$$"""{"metadata":{"name":"{{{name}}}","labels":{"test":"yes"}},"webhooks":[{{{string.Join(',', webhooks)}}}]}""");
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
    }

    /// <param name="extra">Further fields, each after a comma.</param>
    public string Hook(string path, string rule, string extra = "") =>
        $$"""{"name":"{{path}}.example.com","clientConfig":{{Webhook.Client(path)}},"rules":[{{rule}}],"sideEffects":"None","admissionReviewVersions":["v1","v1beta1"]{{extra}}}""";

    public static string Rule(string operations, string resource, string group = "", string version = "v1") =>
        $$"""{"operations":["{{operations.Replace(",", "\",\"", StringComparison.Ordinal)}}"],"apiGroups":["{{group}}"],"apiVersions":["{{version}}"],"resources":["{{resource}}"]}""";

    public Task<TestResponse> CreateConfigMapAsync(string name, string data = "{}", string query = "") => Api.PostAsync(ConfigMaps + query, $$"""{"metadata":{"name":"{{name}}"},"data":{{data}}}""");

    public Task<TestResponse> CreatePodAsync(string name) => Api.PostAsync(Pods, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"c","image":"i"}]} }""");
}
