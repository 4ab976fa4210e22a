using System.Collections.Concurrent;
using k8s.Models;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Client.Tests;

public sealed class InformerTests : IAsyncDisposable
{
    // Short waits between attempts: what is tested is that the informer comes back, not when.
    private static readonly InformerOptions Fast = new(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(5), TimeSpan.FromMinutes(5));
    private readonly InMemoryKube _kube = new();
    private readonly Informer<V1ConfigMap> _informer;
    private readonly BlockingCollection<string> _seen = [];

    public InformerTests() => _informer = new Informer<V1ConfigMap>(_kube.Client, NullLogger.Instance, TimeProvider.System, Fast);

    public ValueTask DisposeAsync() => _informer.DisposeAsync();

    [Fact]
    public async Task It_lists_what_is_there_and_then_sees_each_change_in_order()
    {
        _kube.Seed(Map("a", "1"));
        await StartAsync();
        Expect("added a=1");
        await _kube.Client.CreateAsync(Map("b", "1"), default);
        await _kube.Client.UpdateAsync(Map("b", "2"), default);
        await _kube.Client.DeleteAsync<V1ConfigMap>("default", "a", new DeleteOptions(), default);
        Expect("added b=1", "updated b=1->2", "deleted a=1");
        Assert.Null(_informer.Find(new ObjectKey("default", "a")));
        Assert.Equal("2", _informer.Find(new ObjectKey("default", "b"))!.Data["v"]);
    }

    [Fact]
    public async Task A_dropped_watch_goes_on_from_the_last_version_without_a_new_list()
    {
        await StartAsync();
        await _kube.Client.CreateAsync(Map("a", "1"), default);
        Expect("added a=1");
        _kube.DropWatches();
        await _kube.Client.CreateAsync(Map("b", "1"), default);
        Expect("added b=1");
        Assert.Single(_kube.Requests, request => request.StartsWith("GET", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_expired_version_is_answered_by_a_list_whose_difference_becomes_events()
    {
        _kube.Seed(Map("kept", "1"));
        _kube.Seed(Map("gone", "1"));
        _kube.Seed(Map("changed", "1"));
        await StartAsync();
        Expect("added changed=1", "added gone=1", "added kept=1");

        // While no watch can be opened, the world moves on and the history is compacted.
        _kube.Intercept = request => request.PathAndQuery.Contains("watch=true", StringComparison.Ordinal) ? throw new IOException("unreachable") : null;
        _kube.DropWatches();
        await _kube.Client.DeleteAsync<V1ConfigMap>("default", "gone", new DeleteOptions(), default);
        await _kube.Client.UpdateAsync(Map("changed", "2"), default);
        await _kube.Client.CreateAsync(Map("new", "1"), default);
        _kube.Compact();
        _kube.Intercept = null;
        Expect("updated changed=1->2", "updated kept=1->1", "added new=1", "deleted gone=1");
    }

    [Fact]
    public async Task An_object_deleted_and_made_again_while_unseen_is_deleted_and_added()
    {
        _kube.Seed(Map("a", "1"));
        await StartAsync();
        Expect("added a=1");
        _kube.Intercept = request => request.PathAndQuery.Contains("watch=true", StringComparison.Ordinal) ? throw new IOException("unreachable") : null;
        _kube.DropWatches();
        await _kube.Client.DeleteAsync<V1ConfigMap>("default", "a", new DeleteOptions(), default);
        await _kube.Client.CreateAsync(Map("a", "2"), default);
        _kube.Compact();
        _kube.Intercept = null;
        Expect("deleted a=1", "added a=2");
    }

    [Fact]
    public async Task A_bookmark_moves_the_version_that_a_new_watch_starts_from()
    {
        await StartAsync();
        await _kube.Client.CreateAsync(Map("a", "1"), default);
        Expect("added a=1");
        // The watch delivers in order, so the bookmark is taken in before the loss.
        _kube.SendBookmarks();
        var bookmarked = _kube.Revision;
        _kube.DropWatches();
        _kube.Seed(Map("b", "1"));
        Expect("added b=1");
        var watched = _kube.Requests.Last(request => request.StartsWith("WATCH", StringComparison.Ordinal));
        Assert.Contains($"resourceVersion={bookmarked}&", watched, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_throws_stops_neither_the_informer_nor_the_other_handlers()
    {
        _informer.AddHandler(new InformerHandler<V1ConfigMap>(OnAdd: _ => throw new InvalidOperationException("broken")));
        await StartAsync();
        await _kube.Client.CreateAsync(Map("a", "1"), default);
        await _kube.Client.CreateAsync(Map("b", "1"), default);
        Expect("added a=1", "added b=1");
    }

    [Fact]
    public async Task A_late_handler_first_gets_what_is_there()
    {
        _kube.Seed(Map("a", "1"));
        _informer.Start();
        await _informer.WaitForSyncAsync(default);
        Observe();
        Expect("added a=1");
    }

    [Fact]
    public async Task An_index_follows_its_objects()
    {
        _informer.AddIndex("v", map => [map.Data["v"]]);
        await StartAsync();
        await _kube.Client.CreateAsync(Map("a", "1"), default);
        await _kube.Client.CreateAsync(Map("b", "1"), default);
        await _kube.Client.UpdateAsync(Map("b", "2"), default);
        Expect("added a=1", "added b=1", "updated b=1->2");
        Assert.Equal(["a"], _informer.ByIndex("v", "1").Select(map => map.Metadata.Name));
        Assert.Equal(["b"], _informer.ByIndex("v", "2").Select(map => map.Metadata.Name));
        Assert.Equal(2, _informer.List("default").Count);
        Assert.Empty(_informer.List("other"));
    }

    private async Task StartAsync()
    {
        Observe();
        _informer.Start();
        await _informer.WaitForSyncAsync(default).WaitAsync(TimeSpan.FromSeconds(10));
    }

    private void Observe() => _informer.AddHandler(new InformerHandler<V1ConfigMap>(
        map => _seen.Add($"added {map.Metadata.Name}={map.Data["v"]}"),
        (old, map) => _seen.Add($"updated {map.Metadata.Name}={old.Data["v"]}->{map.Data["v"]}"),
        map => _seen.Add($"deleted {map.Metadata.Name}={map.Data["v"]}")));

    private void Expect(params string[] events)
    {
        foreach (var expected in events)
        {
            Assert.True(_seen.TryTake(out var actual, TimeSpan.FromSeconds(10)), $"did not come: {expected}");
            Assert.Equal(expected, actual);
        }
    }

    private static V1ConfigMap Map(string name, string value) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default" },
        Data = new Dictionary<string, string>(StringComparer.Ordinal) { ["v"] = value },
    };
}
