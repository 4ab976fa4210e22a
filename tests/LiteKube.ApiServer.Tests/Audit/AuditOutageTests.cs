using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using LiteKube.ApiServer.Audit;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer.Tests.Audit;

/// <summary>The log on a disk that is full: /dev/full takes no byte.</summary>
public sealed class AuditOutageTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("lk-audit-").FullName;
    private readonly AuditMetrics _metrics = new();
    private readonly ListingLogger _logger = new();

    private string LogPath => Path.Combine(_directory, "audit.log");

    public AuditOutageTests() => File.CreateSymbolicLink(LogPath, "/dev/full");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_could_not_be_written_is_written_once_the_disk_has_room()
    {
        await using (var log = Open())
        {
            for (var i = 0; i < 3; i++) await log.WriteAsync(Line(i));
            await _logger.First.WaitAsync(Patience);
            File.Delete(LogPath);
        }
        Assert.Equal([0, 1, 2], Written());
        Assert.Equal(0, Counted("error_total{plugin=\"log\"}"));
        Assert.Equal(3, Counted("event_total"));
        Assert.Equal([2110, 2111], _logger.Ids);
    }

    [Fact]
    public async Task A_full_queue_lets_requests_go_on_and_what_is_lost_is_counted()
    {
        // More than queue and batch hold together, at a kilobyte each.
        const int Events = 4000;
        await using (var log = Open())
        {
            for (var i = 0; i < Events; i++) await log.WriteAsync(Line(i)).AsTask().WaitAsync(Patience);
            File.Delete(LogPath);
            await log.WriteAsync(Line(Events)).AsTask().WaitAsync(Patience);
        }
        var written = Written();
        Assert.Equal(Enumerable.Range(Events + 1 - written.Count, written.Count), written);
        Assert.InRange(written.Count, 1, Events);
        Assert.Equal(Events + 1 - written.Count, Counted("error_total{plugin=\"log\"}"));
        Assert.Equal([2110, 2111], _logger.Ids);
    }

    [Fact]
    public async Task The_end_of_the_server_does_not_wait_for_a_disk_that_stays_full()
    {
        var log = Open();
        for (var i = 0; i < 3; i++) await log.WriteAsync(Line(i));
        await log.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(3, Counted("error_total{plugin=\"log\"}"));
        Assert.Equal([2110, 2112], _logger.Ids);
    }

    [Fact]
    public void Half_of_what_did_not_fit_is_taken_back_when_the_file_is_opened_again()
    {
        using var file = RotatingFile.Open(new AuditOptions { PolicyFile = "", LogPath = LogPath }, TimeProvider.System);
        Assert.Throws<IOException>(() => file.Write("first\n"u8));
        File.Delete(LogPath);
        File.WriteAllText(LogPath, "fir");
        file.Write("first\n"u8);
        file.Write("second\n"u8);
        Assert.Equal(["first", "second"], File.ReadAllLines(LogPath));
    }

    private AuditLog Open() => new(new AuditOptions { PolicyFile = "", LogPath = LogPath }, _metrics, TimeProvider.System, _logger);

    private static byte[] Line(int number) => Encoding.UTF8.GetBytes($"{number} {new string('x', 1024)}\n");

    private List<int> Written() => [.. File.ReadLines(LogPath).Select(l => int.Parse(l.Split(' ')[0], CultureInfo.InvariantCulture))];

    private int Counted(string series)
    {
        var text = new StringBuilder();
        _metrics.Write(text);
        var line = text.ToString().Split('\n').SingleOrDefault(l => l.StartsWith($"apiserver_audit_{series} ", StringComparison.Ordinal));
        return line is null ? 0 : int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Remembers the ids of what was logged.</summary>
    private sealed class ListingLogger : ILogger<AuditLog>
    {
        private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<int> Ids { get; } = new();

        public Task First => _first.Task;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Ids.Enqueue(eventId.Id);
            _first.TrySetResult();
        }
    }
}
