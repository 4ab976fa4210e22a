using System.Net;
using System.Net.Sockets;
using k8s.Models;
using LiteKube.Kubelet.Probes;
using LiteKube.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace LiteKube.Kubelet.Tests.Probes;

public sealed class ProbeRunnerTests : IAsyncLifetime
{
    private readonly ProbeRunner _runner = new(new ScriptedRuntime(TimeProvider.System), TimeProvider.System);
    private readonly TaskCompletionSource _never = new();
    private WebApplication _app = null!;
    private int _http;
    private int _grpc;
    private string _grpcAnswer = "\x01";

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1);
            k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
        });
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        var ports = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a).Port).ToArray();
        (_http, _grpc) = (ports[0], ports[1]);
    }

    public async Task DisposeAsync()
    {
        _never.TrySetResult();
        _runner.Dispose();
        await _app.DisposeAsync();
    }

    [Theory]
    [InlineData("/ok", "Success", "")]
    [InlineData("ok", "Success", "")]
    [InlineData("/redirect-here", "Success", "")]
    [InlineData("/redirect-away", "Warning", "Probe terminated redirects, Response body: moved")]
    [InlineData("/not-modified", "Warning", "Probe terminated redirects, Response body: ")]
    [InlineData("/broken", "Failure", "HTTP probe failed with statuscode: 500")]
    [InlineData("/missing", "Failure", "HTTP probe failed with statuscode: 404")]
    public async Task An_http_probe_judges_by_the_status(string path, string result, string output)
    {
        var outcome = await RunAsync(new V1Probe { HttpGet = new V1HTTPGetAction { Path = path, Port = "web" } });
        Assert.Equal((result, output), (outcome.Result.ToString(), outcome.Output));
    }

    [Fact]
    public async Task An_http_probe_follows_ten_redirects_and_no_more() =>
        Assert.Contains("stopped after 10 redirects", (await RunAsync(new V1Probe { HttpGet = new V1HTTPGetAction { Path = "/loop", Port = _http } })).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Headers_and_host_are_sent_as_asked()
    {
        var outcome = await RunAsync(new V1Probe { HttpGet = new V1HTTPGetAction { Path = "/echo", Port = _http, HttpHeaders = [new V1HTTPHeader { Name = "Host", Value = "my.host" }, new V1HTTPHeader { Name = "X-A", Value = "1" }] } });
        Assert.Equal("HTTP probe failed with statuscode: 499", outcome.Output);
        Assert.Equal("my.host|1|kube-probe/1.37|*/*", _echo);
    }

    [Fact]
    public async Task A_port_that_nobody_listens_on_is_told_as_Go_tells_it()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var http = await RunAsync(new V1Probe { HttpGet = new V1HTTPGetAction { Path = "/", Port = port } });
        var tcp = await RunAsync(new V1Probe { TcpSocket = new V1TCPSocketAction { Port = port } });
        var grpc = await RunAsync(new V1Probe { Grpc = new V1GRPCAction { Port = port } });
        Assert.Equal((ProbeResult.Failure, $"Get \"http://127.0.0.1:{port}/\": dial tcp 127.0.0.1:{port}: connect: connection refused"), (http.Result, http.Output));
        Assert.Equal((ProbeResult.Failure, $"dial tcp 127.0.0.1:{port}: connect: connection refused"), (tcp.Result, tcp.Output));
        Assert.Equal(ProbeResult.Failure, grpc.Result);
        Assert.Contains("connection refused", grpc.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_server_fails_at_the_timeout()
    {
        var outcome = await RunAsync(new V1Probe { TimeoutSeconds = 1, HttpGet = new V1HTTPGetAction { Path = "/silent", Port = _http } });
        Assert.Equal((ProbeResult.Failure, $"Get \"http://127.0.0.1:{_http}/silent\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"), (outcome.Result, outcome.Output));
    }

    [Fact]
    public async Task A_tcp_probe_only_connects_and_a_port_name_that_is_unknown_is_no_verdict()
    {
        Assert.Equal(ProbeResult.Success, (await RunAsync(new V1Probe { TcpSocket = new V1TCPSocketAction { Port = _http } })).Result);
        Assert.Equal(ProbeResult.Unknown, (await RunAsync(new V1Probe { TcpSocket = new V1TCPSocketAction { Port = "nameless" } })).Result);
    }

    [Theory]
    [InlineData("\x01", "Success", "service healthy")]
    [InlineData("\x02", "Failure", "service unhealthy (responded with \"NOT_SERVING\")")]
    [InlineData("", "Failure", "service unhealthy (responded with \"UNKNOWN\")")]
    public async Task A_grpc_probe_asks_the_health_service(string answer, string result, string output)
    {
        _grpcAnswer = answer;
        var outcome = await RunAsync(new V1Probe { Grpc = new V1GRPCAction { Port = _grpc, Service = "db" } });
        Assert.Equal((result, output), (outcome.Result.ToString(), outcome.Output));
        Assert.Equal("db", _echo);
    }

    private string _echo = "";

    private Task<ProbeOutcome> RunAsync(V1Probe probe)
    {
        probe.TimeoutSeconds ??= 20;
        var container = new V1Container { Name = "c", Ports = [new V1ContainerPort { Name = "web", ContainerPort = _http }] };
        return _runner.RunAsync(new ProbeTarget(container, "id", "127.0.0.1", probe), CancellationToken.None);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/ok":
                await context.Response.WriteAsync("fine");
                break;
            case "/redirect-here":
                context.Response.Redirect("/ok");
                break;
            case "/redirect-away":
                context.Response.Redirect("http://elsewhere.invalid/");
                await context.Response.WriteAsync("moved");
                break;
            case "/loop":
                context.Response.Redirect("/loop");
                break;
            case "/not-modified":
                context.Response.StatusCode = 304;
                break;
            case "/broken":
                context.Response.StatusCode = 500;
                break;
            case "/silent":
                await Task.WhenAny(_never.Task, Task.Delay(Timeout.Infinite, context.RequestAborted));
                break;
            case "/echo":
                _echo = $"{context.Request.Host}|{context.Request.Headers["X-A"]}|{context.Request.Headers.UserAgent}|{context.Request.Headers.Accept}";
                context.Response.StatusCode = 499;
                break;
            case "/grpc.health.v1.Health/Check":
                await AnswerHealthAsync(context);
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }
    }

    private async Task AnswerHealthAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _echo = System.Text.Encoding.UTF8.GetString(body.ToArray().AsSpan(7));
        context.Response.ContentType = "application/grpc";
        byte[] message = _grpcAnswer.Length == 0 ? [] : [0x08, (byte)_grpcAnswer[0]];
        await context.Response.Body.WriteAsync((byte[])[0, 0, 0, 0, (byte)message.Length, .. message]);
        context.Response.AppendTrailer("grpc-status", "0");
    }
}
