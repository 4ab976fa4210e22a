using System.Text;
using System.Threading.Channels;
using LiteKube.Kubelet.Server.Logs;

namespace LiteKube.Kubelet.Tests.Server;

public sealed class LogReaderTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TempDir _dir = new();
    private string LogPath => _dir.Sub("0.log");

    public void Dispose() => _dir.Dispose();

    [Theory]
    [InlineData(null, "one\ntwo-a two-b\nerr\nlast\n")]
    [InlineData(1, "last\n")]
    [InlineData(2, "err\nlast\n")]
    [InlineData(0, "")]
    [InlineData(100, "one\ntwo-a two-b\nerr\nlast\n")]
    public async Task Tail_counts_records_from_the_end(int? tail, string expected) =>
        Assert.Equal(expected, await ReadAsync(Sample, new LogOptions(TailLines: tail)));

    [Fact]
    public async Task One_stream_a_moment_a_limit_and_times_can_be_chosen()
    {
        Assert.Equal("err\n", await ReadAsync(Sample, new LogOptions(Stream: "stderr")));
        Assert.Equal("err\nlast\n", await ReadAsync(Sample, new LogOptions(Since: DateTimeOffset.Parse("2026-01-01T00:00:03Z", System.Globalization.CultureInfo.InvariantCulture))));
        Assert.Equal("one\ntwo-", await ReadAsync(Sample, new LogOptions(LimitBytes: 8)));
        Assert.Equal(
            "2026-01-01T00:00:01.500000000Z one\n2026-01-01T00:00:02.000000001Z two-a two-b\n2026-01-01T00:00:03.000000000Z err\n2026-01-01T00:00:04.123456789+02:00 last\n",
            await ReadAsync(Sample.Replace("04.123456789Z", "04.123456789+02:00", StringComparison.Ordinal), new LogOptions(Timestamps: true)));
    }

    [Fact]
    public async Task Long_and_damaged_records_are_no_obstacle()
    {
        var wide = new string('x', 200_000);
        var text = $"2026-01-01T00:00:01Z stdout F {wide}\nrubbish\n2026-01-01T00:00:01Z stdout F \n2026-01-01T00:00:01Z stdout F\n2026-01-01T00:00:02Z stdout F with  spaces \n2026-01-01T00:00:03Z stdout F unfinished";
        Assert.Equal($"{wide}\n\n\nwith  spaces \n", await ReadAsync(text, new LogOptions()));
    }

    [Fact]
    public async Task Following_survives_a_rotation_and_ends_with_the_container()
    {
        var isRunning = true;
        File.WriteAllText(LogPath, "2026-01-01T00:00:01Z stdout F old\n");
        var output = new ChannelStream();
        var follow = new LogReader(TimeProvider.System).CopyAsync(LogPath, new LogOptions(Follow: true), () => Volatile.Read(ref isRunning), output, CancellationToken.None);
        await output.UntilAsync("old\n");

        File.AppendAllText(LogPath, "2026-01-01T00:00:02Z stdout P hal");
        File.AppendAllText(LogPath, "f\n2026-01-01T00:00:02Z stdout F  done\n");
        await output.UntilAsync("old\nhalf done\n");

        File.Move(LogPath, LogPath + ".20260101-000003");
        File.AppendAllText(LogPath + ".20260101-000003", "2026-01-01T00:00:03Z stdout F before\n");
        File.WriteAllText(LogPath, "2026-01-01T00:00:04Z stdout F after\n");
        await output.UntilAsync("old\nhalf done\nbefore\nafter\n");

        File.AppendAllText(LogPath, "2026-01-01T00:00:05Z stdout F end\n");
        Volatile.Write(ref isRunning, false);
        await follow.WaitAsync(Patience);
        Assert.Equal("old\nhalf done\nbefore\nafter\nend\n", output.Text);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_the_following()
    {
        File.WriteAllText(LogPath, Sample);
        using var gone = new CancellationTokenSource();
        var output = new ChannelStream();
        var follow = new LogReader(TimeProvider.System).CopyAsync(LogPath, new LogOptions(Follow: true, TailLines: 1), () => true, output, gone.Token);
        await output.UntilAsync("last\n");
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => follow.WaitAsync(Patience));
    }

    private const string Sample = """
        2026-01-01T00:00:01.5Z stdout F one
        2026-01-01T00:00:02.000000001Z stdout P two-a 
        2026-01-01T00:00:02.1Z stdout F two-b
        2026-01-01T00:00:03Z stderr F err
        2026-01-01T00:00:04.123456789Z stdout F last

        """;

    private async Task<string> ReadAsync(string text, LogOptions options)
    {
        File.WriteAllText(LogPath, text);
        var output = new MemoryStream();
        await new LogReader(TimeProvider.System).CopyAsync(LogPath, options, () => false, output, CancellationToken.None).WaitAsync(Patience);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private sealed class ChannelStream : MemoryStream
    {
        private readonly Channel<bool> _written = Channel.CreateUnbounded<bool>();

        public string Text
        {
            get
            {
                lock (_written)
                    return Encoding.UTF8.GetString(ToArray());
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            lock (_written)
                Write(buffer.Span);
            _written.Writer.TryWrite(true);
            return ValueTask.CompletedTask;
        }

        public async Task UntilAsync(string text)
        {
            using var deadline = new CancellationTokenSource(Patience);
            while (Text != text)
            {
                try
                {
                    await _written.Reader.ReadAsync(deadline.Token);
                }
                catch (OperationCanceledException)
                {
                    Assert.Equal(text, Text);
                }
            }
        }
    }
}
