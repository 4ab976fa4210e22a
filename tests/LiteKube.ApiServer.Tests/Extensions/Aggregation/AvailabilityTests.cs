using System.Net;
using LiteKube.Testing;
using LiteKube.Testing.Extensions;
using Microsoft.Extensions.Time.Testing;
using static LiteKube.ApiServer.Tests.Extensions.Aggregation.ExtensionServers;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>The condition Available of APIServices, and what follows of it.</summary>
public sealed class AvailabilityTests
{
    [Fact]
    public async Task An_APIService_becomes_available_step_by_step_as_its_service_comes_and_unavailable_as_it_goes()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"wardle"}}""");
        Succeeded(await server.PostAsync(ApiServices, extension.ApiService()));
        await Becomes("False", "ServiceNotFound", "service/sample-api in \"wardle\" is not present");

        await server.PostAsync(Services, """{"metadata":{"name":"sample-api"},"spec":{"ports":[{"port":443}]}}""");
        await Becomes("False", "ServicePortError", "service/sample-api in \"wardle\" is not listening on port 7443");
        await server.DeleteAsync($"{Services}/sample-api");
        await server.CreateServiceAsync();
        await Becomes("False", "EndpointsNotFound", "cannot find endpointslices for service/sample-api in \"wardle\"");
        await server.CreateEndpointsAsync(extension.Port, "not-ready", isReady: false);
        await Becomes("False", "MissingEndpoints", "endpointslices for service/sample-api in \"wardle\" have no addresses with port name \"\"");
        var refused = await server.GetAsync(Flunders);
        Assert.Equal("503 service unavailable\n text/plain", $"{(int)refused.StatusCode} {refused.Body} {refused.ContentHeaders.ContentType!.MediaType}");
        await server.CreateEndpointsAsync(extension.Port);
        var passed = await Becomes("True", "Passed", "all checks passed");
        Assert.NotNull(passed["lastTransitionTime"]);
        Assert.Equal(HttpStatusCode.OK, (await server.GetAsync(Flunders)).StatusCode);
        var check = extension.Seen.First(s => s.PathAndQuery == "/apis/wardle.example.com/v1alpha1");
        Assert.Equal("system:kube-aggregator system:masters", $"{check.User} {Assert.Single(check.Headers["X-Remote-Group"])}");

        await server.DeleteAsync($"{Slices}/sample-api-1");
        await Becomes("False", "MissingEndpoints", "endpointslices for service/sample-api in \"wardle\" have no addresses with port name \"\"");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.GetAsync(Flunders)).StatusCode);

        async Task<System.Text.Json.Nodes.JsonObject> Becomes(string status, string reason, string message)
        {
            var condition = await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == reason);
            Assert.Equal($"{status} {message}", $"{condition["status"]} {condition["message"]}");
            return condition;
        }
    }

    [Theory]
    [InlineData("other.wardle.svc", "", "tls: failed to verify certificate: ")]
    [InlineData(null, "LS0tLQ==", "unable to load root certificates: unable to parse bytes as PEM block")]
    [InlineData(null, null, "bad status from https://127.0.0.1:")]
    public async Task A_server_that_is_not_trusted_or_answers_badly_fails_the_discovery_check(string? certificateName, string? bundle, string problem)
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync(certificateName);
        if (bundle is null) extension.Instead = context => FakeAnswer(context, 403);
        await server.CreateServiceAsync();
        await server.CreateEndpointsAsync(extension.Port);

        Succeeded(await server.PostAsync(ApiServices, extension.ApiService(string.IsNullOrEmpty(bundle) ? null : bundle)));

        var condition = await server.WaitForAvailableAsync(_ => true);
        Assert.Equal("False FailedDiscoveryCheck", $"{condition["status"]} {condition["reason"]}");
        Assert.Contains(problem, condition["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_of_another_authority_is_not_trusted_unless_verification_is_skipped()
    {
        await using var server = await TestApiServer.StartAsync();
        await using var extension = await server.StartExtensionAsync();
        await using var other = await server.StartExtensionAsync();
        await server.CreateServiceAsync();
        await server.CreateEndpointsAsync(extension.Port);

        Succeeded(await server.PostAsync(ApiServices, extension.ApiService(other.CaBundle)));
        Assert.Equal("FailedDiscoveryCheck", (await server.WaitForAvailableAsync(_ => true))["reason"]!.GetValue<string>());
        Assert.Empty(extension.Seen);
        await server.PatchAsync($"{ApiServices}/{FakeExtensionServer.Name}", """{"spec":{"caBundle":null,"insecureSkipTLSVerify":true}}""");

        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "Passed");
    }

    [Fact]
    public async Task A_server_is_looked_at_again_every_half_minute_although_nothing_changed()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestApiServer.StartAsync(time);
        await using var extension = await server.StartExtensionAsync();
        await server.RegisterAsync(extension);

        extension.Instead = context => FakeAnswer(context, 500);
        await server.AdvanceUntilAsync(time, "False");
        extension.Instead = null;
        await server.AdvanceUntilAsync(time, "True");
    }

    private static Task FakeAnswer(Microsoft.AspNetCore.Http.HttpContext context, int code)
    {
        context.Response.StatusCode = code;
        return Task.CompletedTask;
    }
}
