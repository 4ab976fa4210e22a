using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace LiteKube.Testing;

public sealed partial class InMemoryKube
{
    /// <summary>One open watch. Events are seen through its selector: an object that begins to match is added, one that ceases to is deleted.</summary>
    private sealed class WatchStream(RequestTarget target)
    {
        public Channel<ReadOnlyMemory<byte>> Lines { get; } = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

        public void Offer(Change change)
        {
            if (!change.Key.StartsWith(target.Prefix, StringComparison.Ordinal))
                return;
            var before = change.Old is not null && target.Selects(change.Old);
            var after = change.New is not null && target.Selects(change.New);
            if (after)
                Write(before ? "MODIFIED" : "ADDED", change.New!);
            else if (before)
            {
                var last = (JsonObject)(change.New ?? change.Old!).DeepClone();
                Child(last, "metadata")["resourceVersion"] = Text(change.Revision);
                Write("DELETED", last);
            }
        }

        public void Bookmark(long revision) => Write("BOOKMARK", new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = Text(revision) } });

        private void Write(string type, JsonObject value) =>
            Lines.Writer.TryWrite(Encoding.UTF8.GetBytes($$"""{"type":"{{type}}","object":{{value.ToJsonString()}}}"""));
    }
}
