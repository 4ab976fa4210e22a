using System.Globalization;
using System.Threading.Channels;
using k8s.Models;
using LiteKube.Client.Json;
using Microsoft.Extensions.Logging;

namespace LiteKube.Client.Events;

/// <summary>
/// Writes the events of all recorders of the process from a few background loops; those about one object keep their
/// order. The queues are bounded; when the server cannot keep up, new events are dropped and counted rather than slowing
/// what they tell of.
/// </summary>
public sealed class EventBroadcaster : IEventRecorderFactory, IAsyncDisposable
{
    /// <summary>Writes in flight at a time: the store commits together what comes together.</summary>
    private const int Lanes = 4;
    private const int QueueSize = 4000;
    private const int MaxAttempts = 5;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    private readonly IKubeClient _client;
    private readonly ILogger _logger;
    private readonly TimeProvider _timeProvider;
    private readonly Lane[] _lanes;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writers;
    private long _dropped;
    private long _lastName;

    public EventBroadcaster(IKubeClient client, ILoggerFactory loggers, TimeProvider timeProvider)
    {
        _client = client;
        _logger = loggers.CreateLogger("LiteKube.Client.Events");
        _timeProvider = timeProvider;
        _lanes = [.. Enumerable.Range(0, Lanes).Select(_ => new Lane(new EventCorrelator(timeProvider, EventCorrelator.CacheSize / Lanes),
            Channel.CreateBounded<Corev1Event>(new BoundedChannelOptions(QueueSize) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait })))];
        _writers = Task.WhenAll(_lanes.Select(lane => WriteAsync(lane, _stop.Token)));
    }

    public IEventRecorder Create(string component, string? host = null) => new Recorder(this, component, host);

    /// <summary>Writes what is queued, for at most two seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes)
            lane.Queue.Writer.TryComplete();
        _stop.CancelAfter(RetryDelay);
        await _writers;
        _stop.Dispose();
    }

    private void Enqueue(Corev1Event value)
    {
        // By the name, and the same in every process, so that a history that is played again takes the same way.
        uint hash = 0;
        foreach (var letter in value.InvolvedObject.Name ?? "")
            hash = hash * 31 + letter;
        if (!_lanes[hash % Lanes].Queue.Writer.TryWrite(value))
            Interlocked.Increment(ref _dropped);
    }

    private async Task WriteAsync(Lane lane, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await foreach (var value in lane.Queue.Reader.ReadAllAsync(cancellationToken))
            {
                if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
                    ClientLog.EventsDropped(_logger, dropped);
                if (lane.Correlator.Correlate(value) is { } correlated)
                    await WriteAsync(lane, correlated, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopping: what is still queued is lost, as an event may be.
        }
    }

    private async Task WriteAsync(Lane lane, CorrelatedEvent correlated, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await StoreAsync(lane, correlated, cancellationToken);
                return;
            }
            // The server refused it: it would again.
            catch (KubeApiException e) when (e.Code is >= 400 and < 500 and not 429)
            {
                // An event about an object in a namespace that ends is refused; nobody can read it any more.
                if (!e.IsForbidden && !e.IsNotFound)
                    ClientLog.EventNotWritten(_logger, correlated.Event.Reason, KeyOf(correlated.Event), e);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                if (attempt == MaxAttempts)
                {
                    ClientLog.EventNotWritten(_logger, correlated.Event.Reason, KeyOf(correlated.Event), e);
                    return;
                }
                await Task.Delay(RetryDelay, _timeProvider, cancellationToken);
            }
        }
    }

    private async Task StoreAsync(Lane lane, CorrelatedEvent correlated, CancellationToken cancellationToken)
    {
        var value = correlated.Event;
        if (correlated.IsUpdate)
        {
            var patch = new Corev1Event { Count = value.Count, LastTimestamp = value.LastTimestamp, Message = value.Message };
            try
            {
                await _client.PatchAsync<Corev1Event>(value.Metadata.NamespaceProperty, value.Metadata.Name, KubePatch.StrategicMerge(KubeJson.Serialize(patch)), null, cancellationToken);
                return;
            }
            catch (KubeApiException e) when (e.IsNotFound)
            {
                // Expired on the server since; told again as a new one.
                value.Metadata.Name = NameFor(value.InvolvedObject);
                lane.Correlator.Forget(correlated.Key);
            }
        }
        await _client.CreateAsync(value, cancellationToken);
    }

    private static ObjectKey KeyOf(Corev1Event value) => new(value.InvolvedObject.NamespaceProperty ?? "", value.InvolvedObject.Name ?? "");

    /// <summary>Unique and ordered in time: the object's name and the moment in hexadecimal nanoseconds.</summary>
    private string NameFor(V1ObjectReference about)
    {
        var nanoseconds = (_timeProvider.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        long previous, next;
        do
        {
            previous = Interlocked.Read(ref _lastName);
            next = Math.Max(nanoseconds, previous + 1);
        }
        while (Interlocked.CompareExchange(ref _lastName, next, previous) != previous);
        return string.Create(CultureInfo.InvariantCulture, $"{about.Name}.{next:x}");
    }

    /// <summary>The events of a part of all objects, with what was told of these before.</summary>
    private sealed record Lane(EventCorrelator Correlator, Channel<Corev1Event> Queue);

    private sealed class Recorder(EventBroadcaster owner, string component, string? host) : IEventRecorder
    {
        public void Record(V1ObjectReference about, string type, string reason, string message)
        {
            var now = owner._timeProvider.GetUtcNow().UtcDateTime;
            // The API refuses longer messages.
            const int MaxMessageLength = 1024;
            owner.Enqueue(new Corev1Event
            {
                Metadata = new V1ObjectMeta
                {
                    Name = owner.NameFor(about),
                    // Events about cluster-scoped objects live in "default".
                    NamespaceProperty = string.IsNullOrEmpty(about.NamespaceProperty) ? "default" : about.NamespaceProperty,
                },
                InvolvedObject = about,
                Type = type,
                Reason = reason,
                Message = message.Length <= MaxMessageLength ? message : message[..MaxMessageLength],
                Source = new V1EventSource { Component = component, Host = host },
                ReportingComponent = component,
                ReportingInstance = host ?? "",
                FirstTimestamp = now,
                LastTimestamp = now,
                Count = 1,
            });
        }
    }
}
