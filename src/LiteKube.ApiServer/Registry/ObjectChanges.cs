using System.Text.Json.Nodes;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>A position in the store's history that begins anew from the present when the history has gone past it.</summary>
internal sealed class ObjectChanges(IStateStore store, string prefix, Func<string, RangeResult> range) : IObjectChanges
{
    private StoreWatch? _watch;

    public void Read(Action onReset, Action<JsonObject?, JsonObject?> onChange)
    {
        var through = store.CurrentRevision;
        if (_watch is not null)
        {
            while (_watch.TryRead(out var change)) Give(change, onChange);
            if (_watch.Revision >= through) return;
            // What comes next is no longer in memory; what is there now says the same.
            Restart();
        }
        onReset();
        var present = range(prefix);
        foreach (var value in present.Values) onChange(ObjectView.Of(value).Decode(), null);
        _watch = store.Watch(prefix, present.Revision);
    }

    public void Restart()
    {
        if (_watch is null) return;
        var leaving = _watch.DisposeAsync();
        if (!leaving.IsCompletedSuccessfully) leaving.AsTask().GetAwaiter().GetResult();
        _watch = null;
    }

    public void Dispose() => Restart();

    private static void Give(in StoreEvent change, Action<JsonObject?, JsonObject?> onChange)
    {
        var now = ObjectView.Of(change.Value).Decode();
        var before = change.Previous is null ? null : ObjectView.Of(change.Previous).Decode();
        if (change.Type == StoreEventType.Delete) onChange(null, before ?? now);
        else onChange(now, before);
    }
}
