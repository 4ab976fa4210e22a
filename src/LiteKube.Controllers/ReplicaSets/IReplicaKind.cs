using k8s;
using k8s.Models;
using LiteKube.Apis.Selectors;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.ReplicaSets;

/// <summary>What a ReplicaSet and the older ReplicationController differ in.</summary>
internal interface IReplicaKind<T> where T : class, IKubernetesObject<V1ObjectMeta>
{
    /// <summary>Of the controller, in logs and metrics.</summary>
    string Name { get; }
    string ApiVersion { get; }
    string Kind { get; }
    int Replicas(T value);
    LabelSelector Selector(T value);
    V1PodTemplateSpec Template(T value);

    /// <summary>The object's counts and template as a ReplicaSet has them.</summary>
    V1ReplicaSet View(T value);

    /// <summary>A copy with that status.</summary>
    T WithStatus(T value, V1ReplicaSetStatus status);
}

internal sealed class ReplicaSetKind : IReplicaKind<V1ReplicaSet>
{
    public string Name => "replicaset";
    public string ApiVersion => "apps/v1";
    public string Kind => "ReplicaSet";
    public int Replicas(V1ReplicaSet value) => value.Spec.Replicas ?? 1;
    public LabelSelector Selector(V1ReplicaSet value) => LabelSelector.From(value.Spec.Selector);
    public V1PodTemplateSpec Template(V1ReplicaSet value) => value.Spec.Template;
    public V1ReplicaSet View(V1ReplicaSet value) => value;

    public V1ReplicaSet WithStatus(V1ReplicaSet value, V1ReplicaSetStatus status)
    {
        var copy = KubeJson.Clone(value);
        copy.Status = status;
        return copy;
    }
}

/// <summary>https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/</summary>
internal sealed class ReplicationControllerKind : IReplicaKind<V1ReplicationController>
{
    public string Name => "replicationcontroller";
    public string ApiVersion => "v1";
    public string Kind => "ReplicationController";
    public int Replicas(V1ReplicationController value) => value.Spec.Replicas ?? 1;

    public LabelSelector Selector(V1ReplicationController value) =>
        value.Spec.Selector is { Count: > 0 } labels ? LabelSelector.From(labels) : LabelSelector.Nothing;

    public V1PodTemplateSpec Template(V1ReplicationController value) => value.Spec.Template;

    public V1ReplicaSet View(V1ReplicationController value) => new()
    {
        Metadata = value.Metadata,
        Spec = new() { Replicas = value.Spec.Replicas, MinReadySeconds = value.Spec.MinReadySeconds, Template = value.Spec.Template },
        Status = value.Status is not { } status ? null : new()
        {
            Replicas = status.Replicas,
            FullyLabeledReplicas = status.FullyLabeledReplicas,
            ReadyReplicas = status.ReadyReplicas,
            AvailableReplicas = status.AvailableReplicas,
            ObservedGeneration = status.ObservedGeneration,
            Conditions = status.Conditions?.Select(c => new V1ReplicaSetCondition { Type = c.Type, Status = c.Status, Reason = c.Reason, Message = c.Message, LastTransitionTime = c.LastTransitionTime }).ToList(),
        },
    };

    public V1ReplicationController WithStatus(V1ReplicationController value, V1ReplicaSetStatus status)
    {
        var copy = KubeJson.Clone(value);
        copy.Status = new()
        {
            Replicas = status.Replicas,
            FullyLabeledReplicas = status.FullyLabeledReplicas,
            ReadyReplicas = status.ReadyReplicas,
            AvailableReplicas = status.AvailableReplicas,
            ObservedGeneration = status.ObservedGeneration,
            Conditions = status.Conditions?.Select(c => new V1ReplicationControllerCondition { Type = c.Type, Status = c.Status, Reason = c.Reason, Message = c.Message, LastTransitionTime = c.LastTransitionTime }).ToList(),
        };
        return copy;
    }
}
