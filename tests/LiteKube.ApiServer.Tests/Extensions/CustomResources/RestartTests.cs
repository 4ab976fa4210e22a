using System.Net;
using System.Text;
using LiteKube.ApiServer.Authentication;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public sealed class RestartTests
{
    [Fact]
    public async Task Definitions_and_instances_outlive_the_server()
    {
        await using var first = await TestApiServer.StartAsync();
        await first.EstablishAsync(CustomServer.Foo());
        await first.PostAsync(CustomServer.Foos, """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"x":1}}""");
        await first.Server.StopAsync(CancellationToken.None);

        var directory = Directory.CreateTempSubdirectory("lk-restart-").FullName;
        try
        {
            await using var second = new ApiServer(new ApiServerOptions { Listen = [new(IPAddress.Loopback, 0)], DataDirectory = directory, AdvertiseAddress = TestApiServer.AdvertiseAddress }, first.Store, NullLoggerFactory.Instance, TimeProvider.System);
            await second.StartAsync(CancellationToken.None);

            var answer = await second.ExecuteAsync(new InProcessRequest("GET", $"{CustomServer.Foos}/a", new UserInfo("admin", [UserInfo.MastersGroup])), CancellationToken.None);

            Assert.Equal(200, answer.StatusCode);
            Assert.Contains("\"spec\":{\"x\":1}", Encoding.UTF8.GetString(answer.Body.Span), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
