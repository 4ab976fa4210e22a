using System.Globalization;
using System.Net.Security;
using System.Text;
using k8s.Models;
using LiteKube.Kubelet.Runtime;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Runs postStart and preStop handlers (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/).</summary>
internal sealed class LifecycleHooks : IDisposable
{
    private readonly IRuntime _runtime;
    private readonly TimeProvider _timeProvider;
    private readonly HttpClient _http;

    public LifecycleHooks(IRuntime runtime, TimeProvider timeProvider)
    {
        _runtime = runtime;
        _timeProvider = timeProvider;
        _http = new HttpClient(new SocketsHttpHandler
        {
            // As the kubelet: a pod's own certificate is not one that the node could check.
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.Zero,
        })
        { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Null when it succeeded, else what went wrong, in the kubelet's words.</summary>
    public async Task<string?> RunAsync(V1Pod pod, V1Container container, string containerId, string podIp, V1LifecycleHandler handler, CancellationToken cancellationToken)
    {
        if (handler.Exec is { } exec)
            return await ExecAsync(pod, container, containerId, [.. exec.Command ?? []], cancellationToken);
        if (handler.HttpGet is { } get)
            return await GetAsync(pod, container, podIp, get, cancellationToken);
        if (handler.Sleep is { } sleep)
            await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), _timeProvider, cancellationToken);
        return null;
    }

    public void Dispose() => _http.Dispose();

    private async Task<string?> ExecAsync(V1Pod pod, V1Container container, string containerId, string[] command, CancellationToken cancellationToken)
    {
        var about = $"Exec lifecycle hook ({GoText.List(command)}) for Container \"{container.Name}\" in Pod \"{PodSpecs.Describe(pod)}\" failed - error: ";
        try
        {
            var result = await _runtime.ExecSyncAsync(containerId, command, TimeSpan.Zero, cancellationToken);
            if (result.ExitCode == 0)
                return null;
            var output = Encoding.UTF8.GetString([.. result.Stdout.Span, .. result.Stderr.Span]);
            return $"{about}command '{string.Join(' ', command)}' exited with {result.ExitCode}: {Encoding.UTF8.GetString(result.Stderr.Span)}, message: \"{output.Replace("\n", "\\n", StringComparison.Ordinal)}\"";
        }
        catch (RuntimeException exception)
        {
            return $"{about}{exception.RpcText}, message: \"\"";
        }
    }

    private async Task<string?> GetAsync(V1Pod pod, V1Container container, string podIp, V1HTTPGetAction get, CancellationToken cancellationToken)
    {
        var about = $"HTTP lifecycle hook ({get.Path}) for Container \"{container.Name}\" in Pod \"{PodSpecs.Describe(pod)}\" failed - error: ";
        if (PortOf(container, get.Port?.ToString() ?? "") is not { } port)
            return $"{about}couldn't find port: {get.Port}";
        var host = string.IsNullOrEmpty(get.Host) ? podIp : get.Host;
        var scheme = get.Scheme?.ToLowerInvariant() ?? "http";
        var path = string.IsNullOrEmpty(get.Path) ? "/" : get.Path.StartsWith('/') ? get.Path : "/" + get.Path;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{scheme}://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}{path}");
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-lifecycle/1.37");
        request.Headers.TryAddWithoutValidation("Accept", "*/*");
        foreach (var header in get.HttpHeaders ?? [])
        {
            if (header.Name.Equals("Host", StringComparison.OrdinalIgnoreCase))
                request.Headers.Host = header.Value;
            else
                request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        try
        {
            // Any answer at all is a success.
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return null;
        }
        catch (HttpRequestException exception)
        {
            return about + exception.Message;
        }
    }

    private static int? PortOf(V1Container container, string port) =>
        int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : container.Ports?.FirstOrDefault(p => p.Name == port)?.ContainerPort;
}
