using System.Net;
using System.Text.Json.Nodes;
using LiteKube.Testing;
using LiteKube.Testing.Extensions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

/// <summary>A cluster with an extension server behind a service.</summary>
internal static class ExtensionServers
{
    public const string ApiServices = "/apis/apiregistration.k8s.io/v1/apiservices";
    public const string Flunders = $"/apis/{FakeExtensionServer.Group}/{FakeExtensionServer.Version}/namespaces/default/flunders";
    public static readonly string Slices = LoopbackEndpoints.Path(FakeExtensionServer.Namespace);
    public const string Services = $"/api/v1/namespaces/{FakeExtensionServer.Namespace}/services";
    public const string AuthenticationConfig = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";

    public static async Task<FakeExtensionServer> StartExtensionAsync(this TestApiServer server, string? certificateName = null) =>
        await FakeExtensionServer.StartAsync((await server.GetAsync(AuthenticationConfig)).Json, certificateName);

    public static async Task CreateServiceAsync(this TestApiServer server)
    {
        await server.PostAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{FakeExtensionServer.Namespace}}}"}}""");
        Succeeded(await server.PostAsync(Services, $$$"""{"metadata":{"name":"{{{FakeExtensionServer.Service}}}"},"spec":{"ports":[{"port":7443,"targetPort":443}]}}"""));
    }

    public static async Task CreateEndpointsAsync(this TestApiServer server, int port, string? name = null, bool isReady = true) =>
        Succeeded(await server.PostAsync(Slices, LoopbackEndpoints.Slice(FakeExtensionServer.Service, port, name, isReady)));

    /// <summary>Service, endpoints and APIService; answers once it is available.</summary>
    public static async Task RegisterAsync(this TestApiServer server, FakeExtensionServer extension)
    {
        await server.CreateServiceAsync();
        await server.CreateEndpointsAsync(extension.Port);
        Succeeded(await server.PostAsync(ApiServices, extension.ApiService()));
        await server.WaitForAvailableAsync(c => c["reason"]!.GetValue<string>() == "Passed");
    }

    /// <summary>Waits for the condition Available of the extension's APIService and gives it.</summary>
    public static async Task<JsonObject> WaitForAvailableAsync(this TestApiServer server, Func<JsonObject, bool> isMeant, string name = FakeExtensionServer.Name)
    {
        JsonObject? last = null;
        await using var watch = await server.WatchAsync($"{ApiServices}?watch=1&fieldSelector=metadata.name%3D{name}");
        try
        {
            while (await watch.NextAsync() is { } change)
            {
                last = (change["object"]!["status"]?["conditions"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(c => c["type"]!.GetValue<string>() == "Available");
                if (last is not null && isMeant(last)) return last;
            }
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{name} never was as meant; last: {last?.ToJsonString()}", exception);
        }
        throw new TimeoutException($"The watch of {name} ended; last: {last?.ToJsonString()}");
    }

    /// <summary>What the server learns in the background has no event of its own: asks until the answer is as meant.</summary>
    public static async Task<TestResponse> EventuallyAsync(this TestApiServer server, string path, Func<TestResponse, bool> isMeant, string? accept = null)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await server.GetAsync(path, accept);
            if (isMeant(answer)) return answer;
            if (TimeProvider.System.GetElapsedTime(started) > TimeSpan.FromSeconds(20)) throw new TimeoutException($"{path} never answered as meant; last: {(int)answer.StatusCode} {answer.Body}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    /// <summary>Lets time pass, half a minute at most, until the condition Available has this status.</summary>
    public static async Task AdvanceUntilAsync(this TestApiServer server, FakeTimeProvider time, string status)
    {
        var waiting = server.WaitForAvailableAsync(c => c["status"]!.GetValue<string>() == status);
        // A loop's next wait may begin a moment after its last check, so that time passes in small steps.
        for (var passed = 0; passed < 60 && !waiting.IsCompleted; passed++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System));
        }
        await waiting;
    }

    public static void Succeeded(TestResponse response) => Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created, response.Body);
}
