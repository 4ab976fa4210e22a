using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace LiteKube.Client;

internal sealed class HandlerList<T>(string kind, ILogger logger) where T : class, IKubernetesObject<V1ObjectMeta>
{
    private volatile InformerHandler<T>[] _handlers = [];

    public IDisposable Add(InformerHandler<T> handler, Lock events)
    {
        _handlers = [.. _handlers, handler];
        return new Registration(this, handler, events);
    }

    public void Call(T? old, T? value)
    {
        foreach (var handler in _handlers)
            Call(handler, old, value);
    }

    public void Call(InformerHandler<T> handler, T? old, T? value)
    {
        try
        {
            if (old is null)
                handler.OnAdd?.Invoke(value!);
            else if (value is null)
                handler.OnDelete?.Invoke(old);
            else
                handler.OnUpdate?.Invoke(old, value);
        }
        // One faulty handler must not blind all the others of the process.
        catch (Exception e)
        {
            ClientLog.HandlerFailed(logger, kind, ObjectKey.Of(value ?? old!), e);
        }
    }

    private sealed class Registration(HandlerList<T> owner, InformerHandler<T> handler, Lock events) : IDisposable
    {
        public void Dispose()
        {
            lock (events)
                owner._handlers = [.. owner._handlers.Where(h => !ReferenceEquals(h, handler))];
        }
    }
}
