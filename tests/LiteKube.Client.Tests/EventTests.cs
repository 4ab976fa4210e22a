using k8s.Models;
using LiteKube.Client.Events;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Client.Tests;

public sealed class EventTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.Parse("2025-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private static readonly V1Pod Pod = new()
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default", Uid = "u1" },
    };

    [Fact]
    public async Task An_equal_event_raises_the_count_of_the_stored_one()
    {
        var kube = new InMemoryKube(_time);
        await using var broadcaster = new EventBroadcaster(kube.Client, NullLoggerFactory.Instance, _time);
        var recorder = broadcaster.Create("kubelet", "node-1");
        recorder.Warning(Pod, "BackOff", "Back-off restarting failed container");
        await kube.WaitForAllAsync<Corev1Event>("default", events => events.Count == 1, "the event");
        _time.Advance(TimeSpan.FromSeconds(30));
        recorder.Warning(Pod, "BackOff", "Back-off restarting failed container");
        var events = await kube.WaitForAllAsync<Corev1Event>("default", events => events.All(e => e.Count == 2), "its count of 2");
        var value = Assert.Single(events);
        Assert.Equal("2025-01-01T00:00:00", value.FirstTimestamp?.ToString("s"));
        Assert.Equal("2025-01-01T00:00:30", value.LastTimestamp?.ToString("s"));
        Assert.Equal(("kubelet", "node-1", "kubelet", "Warning"), (value.Source.Component, value.Source.Host, value.ReportingComponent, value.Type));
        Assert.Equal(("Pod", "web", "u1"), (value.InvolvedObject.Kind, value.InvolvedObject.Name, value.InvolvedObject.Uid));
    }

    [Fact]
    public async Task An_event_that_expired_on_the_server_is_written_anew()
    {
        var kube = new InMemoryKube(_time);
        await using var broadcaster = new EventBroadcaster(kube.Client, NullLoggerFactory.Instance, _time);
        var recorder = broadcaster.Create("kubelet");
        recorder.Normal(Pod, "Pulled", "Pulled");
        var first = (await kube.WaitForAllAsync<Corev1Event>("default", events => events.Count == 1, "the event"))[0];
        await kube.Client.DeleteAsync<Corev1Event>("default", first.Metadata.Name, new DeleteOptions(), default);
        _time.Advance(TimeSpan.FromHours(1));
        recorder.Normal(Pod, "Pulled", "Pulled");
        var again = (await kube.WaitForAllAsync<Corev1Event>("default", events => events.Count == 1, "the event again"))[0];
        Assert.NotEqual(first.Metadata.Name, again.Metadata.Name);
    }

    [Fact]
    public async Task An_event_that_takes_long_to_write_does_not_hold_up_those_about_others()
    {
        var kube = new InMemoryKube(_time);
        using var others = new ManualResetEventSlim();
        var isHeld = false;
        kube.Intercept = request =>
        {
            if (request.Method == "POST" && System.Text.Encoding.UTF8.GetString(request.Body.Span).Contains("\"name\":\"slow\"", StringComparison.Ordinal))
                isHeld = others.Wait(TimeSpan.FromSeconds(20));
            return null;
        };
        await using var broadcaster = new EventBroadcaster(kube.Client, NullLoggerFactory.Instance, _time);
        var recorder = broadcaster.Create("kubelet");
        recorder.Record(new V1ObjectReference { Kind = "Pod", Name = "slow", NamespaceProperty = "default", Uid = "u-slow" }, EventTypes.Normal, "Pulled", "Pulled");
        foreach (var name in (string[])["a", "b", "c", "d"])
            recorder.Record(new V1ObjectReference { Kind = "Pod", Name = name, NamespaceProperty = "default", Uid = name }, EventTypes.Normal, "Pulled", "Pulled");

        // One of the four may share the slow one's loop.
        await kube.WaitForAllAsync<Corev1Event>("default", events => events.Count >= 3, "the events about the others");
        others.Set();
        await kube.WaitForAllAsync<Corev1Event>("default", events => events.Count == 5, "all events");
        Assert.True(isHeld);
    }

    [Fact]
    public void More_than_ten_similar_events_in_ten_minutes_become_one_combined_event()
    {
        var correlator = new EventCorrelator(_time);
        for (var i = 0; i < EventCorrelator.MaxSimilar - 1; i++)
            Assert.False(Correlate(correlator, $"message {i}")!.IsUpdate);
        var combined = Correlate(correlator, "message 10")!;
        Assert.Equal("(combined from similar events): message 10", combined.Event.Message);
        var next = Correlate(correlator, "message 11")!;
        Assert.True(next.IsUpdate);
        Assert.Equal(2, next.Event.Count);
        Assert.Equal(combined.Event.Metadata.Name, next.Event.Metadata.Name);
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal("message 12", Correlate(correlator, "message 12")!.Event.Message);
    }

    [Fact]
    public void One_source_gets_25_events_about_an_object_at_once_and_then_one_in_five_minutes()
    {
        var correlator = new EventCorrelator(_time);
        for (var i = 0; i < EventCorrelator.SpamBurst; i++)
            Assert.NotNull(Correlate(correlator, "same"));
        Assert.Null(Correlate(correlator, "same"));
        _time.Advance(TimeSpan.FromMinutes(5));
        var counted = Correlate(correlator, "same");
        Assert.Equal(27, counted?.Event.Count);
        Assert.Null(Correlate(correlator, "same"));
        Assert.NotNull(Correlate(correlator, "same", name: "other"));
    }

    private CorrelatedEvent? Correlate(EventCorrelator correlator, string message, string name = "web") => correlator.Correlate(new Corev1Event
    {
        Metadata = new V1ObjectMeta { Name = $"{name}.{Guid.NewGuid()}", NamespaceProperty = "default" },
        InvolvedObject = new V1ObjectReference { Kind = "Pod", Name = name, NamespaceProperty = "default", Uid = name },
        Type = EventTypes.Normal,
        Reason = "Test",
        Message = message,
        Source = new V1EventSource { Component = "test" },
        FirstTimestamp = _time.GetUtcNow().UtcDateTime,
        LastTimestamp = _time.GetUtcNow().UtcDateTime,
        Count = 1,
    });
}
