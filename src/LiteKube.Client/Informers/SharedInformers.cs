using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace LiteKube.Client;

/// <summary>See <see cref="ISharedInformers"/>. An informer starts when it is first asked for and ends with this.</summary>
public sealed class SharedInformers(IKubeClient client, ILoggerFactory loggers, TimeProvider timeProvider, InformerOptions? options = null) : ISharedInformers, IAsyncDisposable
{
    private readonly ILogger _logger = loggers.CreateLogger("LiteKube.Client.Informer");
    private readonly Dictionary<(Type, string?), IAsyncDisposable> _informers = [];
    private readonly Lock _lock = new();
    private bool _disposed;

    public IInformer<T> Get<T>(string? fieldSelector = null) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_informers.TryGetValue((typeof(T), fieldSelector), out var known))
                return (IInformer<T>)known;
            var informer = new Informer<T>(client, _logger, timeProvider, options, fieldSelector);
            _informers.Add((typeof(T), fieldSelector), informer);
            informer.Start();
            return informer;
        }
    }

    public async ValueTask DisposeAsync()
    {
        List<IAsyncDisposable> informers;
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            informers = [.. _informers.Values];
        }
        foreach (var informer in informers)
            await informer.DisposeAsync();
    }
}
