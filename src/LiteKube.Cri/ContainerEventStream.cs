using System.Runtime.CompilerServices;
using Grpc.Core;
using LiteKube.Cri.Containerd.Events;

namespace LiteKube.Cri;

public enum TaskEventType
{
    /// <summary>The subscription stands: nothing after this is missed.</summary>
    Subscribed,
    Started,
    Exited,
    OutOfMemory,
    Deleted,
}

/// <param name="Id">Container or sandbox id.</param>
public readonly record struct TaskEvent(TaskEventType Type, string Id, int ExitCode = 0);

/// <summary>
/// containerd's task events. They come from the shims at once and exist in every containerd since 1.6, where CRI's
/// own GetContainerEvents does not.
/// </summary>
public static class ContainerEventStream
{
    /// <summary>Runs until cancelled, or throws <see cref="RpcException"/> when containerd goes away.</summary>
    public static async IAsyncEnumerable<TaskEvent> SubscribeAsync(RuntimeChannel channel, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new SubscribeRequest
        {
            Filters =
            {
                Filter("exit"), Filter("oom"), Filter("start"), Filter("delete"),
            },
        };
        using var call = channel.ContainerdEvents.Subscribe(request, cancellationToken: cancellationToken);
        // containerd sends response headers with the first event only, so the subscription cannot be waited for by
        // them. The request is on its way; a list made after this may miss an end that happens in the next
        // milliseconds, which the relist of the pod lifecycle generator finds.
        yield return new TaskEvent(TaskEventType.Subscribed, "");
        await foreach (var envelope in call.ResponseStream.ReadAllAsync(cancellationToken))
        {
            if (Read(envelope) is { } taskEvent)
                yield return taskEvent;
        }
    }

    private static string Filter(string what) => $"namespace=={RuntimeChannel.ContainerdNamespace},topic==\"/tasks/{what}\"";

    internal static TaskEvent? Read(Envelope envelope)
    {
        if (envelope.Event is not { } payload)
            return null;
        switch (envelope.Topic)
        {
            case "/tasks/exit":
                var exit = TaskExit.Parser.ParseFrom(payload.Value);
                // An exec's end has its own id inside the container; only the container's first process counts.
                return exit.Id == exit.ContainerId ? new TaskEvent(TaskEventType.Exited, exit.ContainerId, (int)exit.ExitStatus) : null;
            case "/tasks/oom":
                return new TaskEvent(TaskEventType.OutOfMemory, TaskOOM.Parser.ParseFrom(payload.Value).ContainerId);
            case "/tasks/start":
                return new TaskEvent(TaskEventType.Started, TaskStart.Parser.ParseFrom(payload.Value).ContainerId);
            case "/tasks/delete":
                var delete = TaskDelete.Parser.ParseFrom(payload.Value);
                return delete.Id.Length == 0 || delete.Id == delete.ContainerId ? new TaskEvent(TaskEventType.Deleted, delete.ContainerId, (int)delete.ExitStatus) : null;
            default:
                return null;
        }
    }
}
