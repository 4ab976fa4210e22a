using k8s;
using k8s.Models;

namespace LiteKube.Client.Events;

/// <summary>Records what happened to an object, for `kubectl describe`. Never blocks and never throws: events are a courtesy.</summary>
public interface IEventRecorder
{
    /// <param name="type"><see cref="EventTypes"/>.</param>
    /// <param name="reason">Kubernetes' own short word: Scheduled, BackOff, ScalingReplicaSet.</param>
    void Record(V1ObjectReference about, string type, string reason, string message);

    void Record(IKubernetesObject<V1ObjectMeta> about, string type, string reason, string message) => Record(Reference(about), type, reason, message);

    void Normal(IKubernetesObject<V1ObjectMeta> about, string reason, string message) => Record(about, EventTypes.Normal, reason, message);

    void Warning(IKubernetesObject<V1ObjectMeta> about, string reason, string message) => Record(about, EventTypes.Warning, reason, message);

    static V1ObjectReference Reference(IKubernetesObject<V1ObjectMeta> value, string? fieldPath = null) => new()
    {
        ApiVersion = value.ApiVersion,
        Kind = value.Kind,
        Name = value.Metadata.Name,
        NamespaceProperty = value.Metadata.NamespaceProperty,
        Uid = value.Metadata.Uid,
        ResourceVersion = value.Metadata.ResourceVersion,
        FieldPath = fieldPath,
    };
}

public static class EventTypes
{
    public const string Normal = "Normal";
    public const string Warning = "Warning";
}

public interface IEventRecorderFactory
{
    /// <param name="component">"default-scheduler", "deployment-controller", "kubelet": the event's source and reporting component.</param>
    /// <param name="host">The node, for a component that runs on one.</param>
    IEventRecorder Create(string component, string? host = null);
}
