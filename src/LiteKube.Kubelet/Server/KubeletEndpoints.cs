using System.Text;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client.Json;
using LiteKube.Cri.V1;
using LiteKube.Kubelet.PodWorkers;
using LiteKube.Kubelet.Runtime;
using LiteKube.Kubelet.Server.Logs;
using LiteKube.Kubelet.Server.Stats;
using LiteKube.Kubelet.Server.Streaming;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LiteKube.Kubelet.Server;

/// <summary>A request that cannot be served; the text is the kubelet's.</summary>
internal sealed class ServerException(int statusCode, string message) : Exception(message)
{
    public int StatusCode { get; } = statusCode;
}

/// <summary>The kubelet's paths, by the same names and parameters as upstream's.</summary>
internal sealed class KubeletEndpoints(KubeletOptions options, IPodDirectory pods, ILoggerFactory loggers, TimeProvider time)
{
    private readonly ILogger _logger = loggers.CreateLogger<KubeletEndpoints>();
    private readonly LogReader _logs = new(time);
    private readonly StreamRelay _relay = new(time);
    private readonly NodeStats _stats = new(options, pods, time);
    private readonly CancellationTokenSource _ending = new();

    /// <summary>Ends what would go on for ever: followed logs.</summary>
    public void EndStreams() => _ending.Cancel();

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            await RouteAsync(context);
        }
        catch (ServerException e)
        {
            await FailAsync(context, e.StatusCode, e.Message);
        }
        catch (FormatException e)
        {
            await FailAsync(context, StatusCodes.Status400BadRequest, e.Message);
        }
        catch (RuntimeException e)
        {
            await FailAsync(context, StatusCodes.Status500InternalServerError, e.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested || _ending.IsCancellationRequested)
        {
            context.Abort();
        }
        catch (IOException e)
        {
            ServerLog.RequestFailed(_logger, context.Request.Path, e);
            await FailAsync(context, StatusCodes.Status500InternalServerError, e.Message);
        }
    }

    private Task RouteAsync(HttpContext context)
    {
        var path = (context.Request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
        return path switch
        {
            ["healthz"] or ["healthz", "ping"] or ["healthz", "log"] => TextAsync(context, "ok", "text/plain; charset=utf-8"),
            ["pods"] => PodsAsync(context, pods.Pods()),
            ["runningpods"] => PodsAsync(context, RunningPods()),
            ["metrics"] => MetricsAsync(context, _stats.KubeletMetricsAsync),
            ["metrics", "resource"] => MetricsAsync(context, _stats.ResourceMetricsAsync),
            ["stats", "summary"] => SummaryAsync(context),
            ["containerLogs", var ns, var pod, var container] => LogsAsync(context, ns, pod, container),
            ["exec", var ns, var pod, var container] => ExecAsync(context, ns, pod, null, container),
            ["exec", var ns, var pod, var uid, var container] => ExecAsync(context, ns, pod, uid, container),
            ["attach", var ns, var pod, var container] => AttachAsync(context, ns, pod, null, container),
            ["attach", var ns, var pod, var uid, var container] => AttachAsync(context, ns, pod, uid, container),
            ["portForward", var ns, var pod] => PortForwardAsync(context, ns, pod, null),
            ["portForward", var ns, var pod, var uid] => PortForwardAsync(context, ns, pod, uid),
            _ => FailAsync(context, StatusCodes.Status404NotFound, "404 page not found"),
        };
    }

    private async Task LogsAsync(HttpContext context, string ns, string podName, string containerName)
    {
        var wish = LogOptions.Parse(context.Request.Query, time);
        var pod = pods.FindPod(ns, podName) ?? throw new ServerException(StatusCodes.Status404NotFound, $"pod \"{podName}\" does not exist\n");
        var uid = pod.Metadata.Uid;
        var handle = ContainerLogs.Find(pods, pod, containerName, wish.Previous);
        context.Response.ContentType = "text/plain";
        await context.Response.StartAsync(context.RequestAborted);
        // The client must see at once that it is connected, even while the container is silent.
        await context.Response.Body.FlushAsync(context.RequestAborted);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _ending.Token);
        await _logs.CopyAsync(handle.LogPath, wish, IsRunning, context.Response.Body, either.Token);

        bool IsRunning() => pods.FindContainer(uid, containerName) is { IsRunning: true } now && now.Id == handle.Id;
    }

    private async Task ExecAsync(HttpContext context, string ns, string podName, string? uid, string containerName)
    {
        var streams = RemoteCommandOptions.Parse(context.Request.Query);
        var handle = RunningContainer(ns, podName, uid, containerName);
        var request = new ExecRequest { ContainerId = handle.Id, Tty = streams.Tty, Stdin = streams.Stdin, Stdout = streams.Stdout, Stderr = streams.Stderr };
        request.Cmd.AddRange(context.Request.Query["command"].Select(c => c ?? ""));
        if (request.Cmd.Count == 0)
            throw new ServerException(StatusCodes.Status400BadRequest, "you must specify at least 1 command");
        await _relay.RunAsync(context, await pods.Runtime.ExecAsync(request, context.RequestAborted), StreamKind.RemoteCommand);
    }

    private async Task AttachAsync(HttpContext context, string ns, string podName, string? uid, string containerName)
    {
        var streams = RemoteCommandOptions.Parse(context.Request.Query);
        var handle = RunningContainer(ns, podName, uid, containerName);
        // Whether there is a terminal is the container's to say.
        var request = new AttachRequest { ContainerId = handle.Id, Tty = handle.HasTty, Stdin = streams.Stdin, Stdout = streams.Stdout, Stderr = streams.Stderr && !handle.HasTty };
        await _relay.RunAsync(context, await pods.Runtime.AttachAsync(request, context.RequestAborted), StreamKind.RemoteCommand);
    }

    private async Task PortForwardAsync(HttpContext context, string ns, string podName, string? uid)
    {
        var pod = FindPod(ns, podName, uid);
        var sandbox = pods.FindSandbox(pod.Metadata.Uid) ?? throw new ServerException(StatusCodes.Status500InternalServerError, $"cannot find pod sandbox for pod {podName}_{ns}: it is not running");
        var request = new PortForwardRequest { PodSandboxId = sandbox };
        foreach (var text in context.Request.Query["port"].Concat(context.Request.Query["ports"]).SelectMany(p => (p ?? "").Split(',')))
        {
            if (!int.TryParse(text, out var port) || port is < 1 or > 65535)
                throw new FormatException($"unable to parse \"{text}\" as a port");
            request.Port.Add(port);
        }
        var url = await pods.Runtime.PortForwardAsync(request, context.RequestAborted);
        // The oldest WebSocket protocol has its ports in the query, by this name, at the runtime too.
        var target = new UriBuilder(url) { Query = string.Join('&', request.Port.Select(p => $"port={p}")) }.Uri;
        await _relay.RunAsync(context, target, StreamKind.PortForward);
    }

    private V1Pod FindPod(string ns, string name, string? uid) =>
        pods.FindPod(ns, name, uid) ?? throw new ServerException(StatusCodes.Status404NotFound, "pod does not exist");

    private ContainerHandle RunningContainer(string ns, string podName, string? uid, string containerName)
    {
        var pod = FindPod(ns, podName, uid);
        return pods.FindContainer(pod.Metadata.Uid, containerName) is { IsRunning: true } handle
            ? handle
            : throw new ServerException(StatusCodes.Status404NotFound, $"container not found (\"{containerName}\")");
    }

    private IEnumerable<V1Pod> RunningPods() => pods.Pods().Where(p => p.Spec.Containers.Any(c => pods.FindContainer(p.Metadata.Uid, c.Name) is { IsRunning: true }));

    private static async Task PodsAsync(HttpContext context, IEnumerable<V1Pod> list)
    {
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteString("kind", "PodList");
        writer.WriteString("apiVersion", "v1");
        writer.WriteStartObject("metadata");
        writer.WriteEndObject();
        writer.WriteStartArray("items");
        foreach (var pod in list)
            JsonSerializer.Serialize(writer, pod, KubeJson.TypeInfo<V1Pod>());
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private async Task SummaryAsync(HttpContext context)
    {
        var body = await _stats.SummaryAsync(context.RequestAborted);
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task MetricsAsync(HttpContext context, Func<CancellationToken, Task<string>> read) =>
        await TextAsync(context, await read(context.RequestAborted), "text/plain; version=0.0.4; charset=utf-8");

    private static async Task TextAsync(HttpContext context, string text, string contentType)
    {
        context.Response.ContentType = contentType;
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
    }

    private static async Task FailAsync(HttpContext context, int statusCode, string message)
    {
        // Once the answer has begun only breaking it off can tell that something is missing.
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        context.Response.StatusCode = statusCode;
        await TextAsync(context, message, "text/plain; charset=utf-8");
    }
}
