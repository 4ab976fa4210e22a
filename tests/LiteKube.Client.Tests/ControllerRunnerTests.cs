using System.Threading.Channels;
using k8s.Models;
using LiteKube.Client.Queues;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Client.Tests;

public sealed class ControllerRunnerTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly InMemoryKube _kube = new();
    private readonly SharedInformers _informers;

    public ControllerRunnerTests() => _informers = new SharedInformers(_kube.Client, NullLoggerFactory.Instance, TimeProvider.System);

    public ValueTask DisposeAsync() => _informers.DisposeAsync();

    [Fact]
    public async Task It_reconciles_each_object_once_its_informers_have_synced()
    {
        _kube.Seed(Map("a"));
        var reconciler = new Recorder();
        var runner = Runner(reconciler);
        await runner.StartAsync(default);
        Assert.Equal("default/a", await reconciler.NextAsync());
        await _kube.Client.CreateAsync(Map("b"), default);
        Assert.Equal("default/b", await reconciler.NextAsync());
        Assert.True(runner.Health.IsReady);
        await runner.StopAsync(default);
    }

    [Fact]
    public async Task A_key_that_fails_is_tried_again_with_backoff_and_others_go_on()
    {
        var reconciler = new Recorder { Fail = key => key.Name == "bad" };
        var runner = Runner(reconciler);
        await runner.StartAsync(default);
        await _kube.Client.CreateAsync(Map("bad"), default);
        Assert.Equal("default/bad", await reconciler.NextAsync());
        await _kube.Client.CreateAsync(Map("good"), default);
        Assert.Equal("default/good", await reconciler.NextAsync());
        reconciler.Fail = _ => false;
        // The wait is armed by the time that "good" came: the failure of "bad" was dealt with before.
        _time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal("default/bad", await reconciler.NextAsync());
        await runner.StopAsync(default);
    }

    [Fact]
    public async Task A_result_may_ask_for_another_run_later()
    {
        var reconciler = new Recorder { Result = ReconcileResult.RequeueAfter(TimeSpan.FromMinutes(1)) };
        var runner = Runner(reconciler);
        await runner.StartAsync(default);
        await _kube.Client.CreateAsync(Map("a"), default);
        Assert.Equal("default/a", await reconciler.NextAsync());
        await _kube.Client.CreateAsync(Map("b"), default);
        Assert.Equal("default/b", await reconciler.NextAsync());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("default/a", await reconciler.NextAsync());
        await runner.StopAsync(default);
    }

    [Fact]
    public void Expectations_are_met_when_all_creations_and_deletions_were_seen_or_after_five_minutes()
    {
        var expectations = new Expectations(_time);
        var key = new ObjectKey("default", "rs");
        Assert.True(expectations.AreMet(key, out _));
        expectations.ExpectCreations(key, 2);
        Assert.False(expectations.CreationObserved(key));
        Assert.False(expectations.AreMet(key, out var remaining));
        Assert.Equal(Expectations.Lapse, remaining);
        Assert.True(expectations.CreationObserved(key));
        Assert.False(expectations.CreationObserved(key));
        Assert.True(expectations.AreMet(key, out _));

        expectations.ExpectDeletions(key, ["u1", "u2"]);
        expectations.DeletionObserved(key, "u1");
        expectations.DeletionObserved(key, "u1");
        Assert.False(expectations.AreMet(key, out _));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(expectations.AreMet(key, out _));
    }

    private ControllerRunner Runner(IReconciler reconciler) =>
        new ControllerRunner("test", reconciler, NullLoggerFactory.Instance, _time).Watch(_informers.Get<V1ConfigMap>());

    private static V1ConfigMap Map(string name) => new() { Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default" } };

    private sealed class Recorder : IReconciler
    {
        private readonly Channel<string> _keys = Channel.CreateUnbounded<string>();
        public Func<ObjectKey, bool> Fail { get; set; } = _ => false;
        public ReconcileResult Result { get; init; }

        public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
        {
            _keys.Writer.TryWrite(key.ToString());
            return Fail(key) ? throw new InvalidOperationException("broken") : Task.FromResult(Result);
        }

        public async Task<string> NextAsync() => await _keys.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
    }
}
