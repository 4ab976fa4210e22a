using System.Buffers;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Scheduler.Cache;
using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

/// <summary>Binds by the pod's binding subresource; only so many at a time, for a burst of pods must not flood the server.</summary>
internal sealed class DefaultBinder(IKubeClient client, int maxInFlight) : IBindPlugin
{
    private readonly SemaphoreSlim _slots = new(maxInFlight);

    public string Name => "DefaultBinder";

    public async Task<PluginStatus?> BindAsync(CycleState state, PodInfo pod, string nodeName, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            await client.CreateSubresourceAsync<V1Pod>(pod.Namespace, pod.Key.Name, "binding", Binding(pod, nodeName), cancellationToken);
            return null;
        }
        catch (KubeApiException e)
        {
            return PluginStatus.Error(e.Message);
        }
        finally
        {
            _slots.Release();
        }
    }

    private static ReadOnlyMemory<byte> Binding(PodInfo pod, string nodeName)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartObject();
        writer.WriteString("apiVersion", "v1");
        writer.WriteString("kind", "Binding");
        writer.WriteStartObject("metadata");
        writer.WriteString("name", pod.Key.Name);
        writer.WriteString("namespace", pod.Namespace);
        // So that a pod deleted and made again meanwhile is not bound in the old one's place.
        writer.WriteString("uid", pod.Uid);
        writer.WriteEndObject();
        writer.WriteStartObject("target");
        writer.WriteString("apiVersion", "v1");
        writer.WriteString("kind", "Node");
        writer.WriteString("name", nodeName);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }
}
