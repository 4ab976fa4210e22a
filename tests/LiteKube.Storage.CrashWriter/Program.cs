using System.Globalization;
using System.Text;
using LiteKube.Storage;
using Microsoft.Extensions.Logging.Abstractions;

// Writes to the store named by the first argument with as many tasks as the second says, until it is killed. Each
// acknowledged write is one line, "key revision value", flushed before the task's next write; "open" comes first.
// Values are the write's own number, so that each acknowledged line can be proved from the file afterwards.
var options = new SqliteStoreOptions(args[0])
{
    MemoryMaxEvents = 64,
    // Small, so that forgetting and vacuuming are under way when the end comes.
    HistoryMaxBytes = 32 << 10,
};
var tasks = int.Parse(args[1], CultureInfo.InvariantCulture);
var seed = int.Parse(args[2], CultureInfo.InvariantCulture);

await using var store = await SqliteStateStore.OpenAsync(options, TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
await using var output = Console.OpenStandardOutput();
var outputLock = new Lock();
Report("open");
await Task.WhenAll(Enumerable.Range(0, tasks).Select(WriteAsync));

async Task WriteAsync(int task)
{
    var random = new Random(seed + task);
    for (var number = 0; ; number++)
    {
        var key = $"/registry/items/task-{task}/item-{random.Next(8)}";
        var current = store.Get(key);
        if (current is not null && random.Next(4) == 0)
        {
            var deleted = await store.DeleteAsync(key, current.ModRevision, tombstone: null, CancellationToken.None);
            Report($"{key} {deleted.Revision} deleted");
            continue;
        }

        var value = $"{seed}-{task}-{number}-";
        var padded = value + new string('x', random.Next(3000));
        var written = await store.PutAsync(key, new ValueTemplate(Encoding.ASCII.GetBytes(padded), -1), current?.ModRevision ?? 0, CancellationToken.None);
        if (written.Status != WriteStatus.Written)
            throw new InvalidOperationException($"{key} is this task's own, yet it conflicts at {written.Revision}");
        Report($"{key} {written.Revision} {value}");
    }
}

void Report(string line)
{
    var bytes = Encoding.ASCII.GetBytes(line + "\n");
    lock (outputLock)
    {
        output.Write(bytes);
        output.Flush();
    }
}
