using System.Diagnostics;

namespace LiteKube.Storage.Tests;

public sealed class DiskFullTests
{
    [Fact]
    public async Task A_store_at_its_size_limit_refuses_writes_and_goes_on_reading()
    {
        using var temp = new TempStore();
        var written = 0;
        await using (var store = await TempStore.OpenAsync(temp.Options with { FileMaxBytes = 1 << 20 }))
        {
            var refused = await FillAsync(store, () => written++);

            Assert.Contains($"no space left for {temp.Path}", refused.Message, StringComparison.Ordinal);
            await AssertHoldsAsync(store, written);
        }

        await using var roomier = await temp.OpenAsync();
        await AssertHoldsAsync(roomier, written);
        Assert.Null(roomier.WriteFailure);
        Assert.Equal(written + 2, (await roomier.PutAsync("/registry/items/more", "x")).Revision);
    }

    [MountFact]
    public async Task Writes_resume_by_themselves_when_a_full_disk_has_space_again()
    {
        using var disk = new SmallDisk(sizeBytes: 6 << 20);
        var ballast = Path.Combine(disk.Folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[2 << 20]);
        var options = new SqliteStoreOptions(Path.Combine(disk.Folder, "state.db"));
        var written = 0;
        await using (var store = await TempStore.OpenAsync(options))
        {
            await using var watch = store.Watch("/registry/", 1);
            var refused = await FillAsync(store, () => written++);
            Assert.Contains($"no space left for {options.Path}", refused.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.PutAsync("/registry/items/0", new string('w', 100_000)));
            Assert.NotNull(store.WriteFailure);
            await AssertHoldsAsync(store, written);

            File.Delete(ballast);
            var resumed = await store.PutAsync($"/registry/items/{written}", Value(written), expected: 0);

            Assert.Equal(++written + 1, resumed.Revision);
            Assert.Null(store.WriteFailure);
            // No watcher heard of what was refused.
            var events = await watch.TakeThroughAsync(store.CurrentRevision);
            Assert.Equal(Enumerable.Range(0, written).Select(i => $"/registry/items/{i}"), events.Select(e => e.Value.Key));
        }

        await using var reopened = await TempStore.OpenAsync(options);
        await AssertHoldsAsync(reopened, written);
    }

    /// <summary>Writes until the store refuses.</summary>
    private static async Task<StoreUnavailableException> FillAsync(IStateStore store, Action onWritten)
    {
        for (var i = 0; i < 10_000; i++)
        {
            try
            {
                await store.PutAsync($"/registry/items/{i}", Value(i), expected: 0);
                onWritten();
            }
            catch (StoreUnavailableException exception)
            {
                return exception;
            }
        }

        throw new InvalidOperationException("ten thousand writes and the disk is not full");
    }

    private static async Task AssertHoldsAsync(IStateStore store, int written)
    {
        Assert.Equal(written + 1, store.CurrentRevision);
        Assert.Equal(written, store.Count(""));
        var range = await store.RangeAsync("/registry/items/");
        Assert.All(range.Values, value => Assert.Equal(Value(int.Parse(value.Key["/registry/items/".Length..], System.Globalization.CultureInfo.InvariantCulture)), value.Text()));
        Assert.Equal(written / 2, (await store.RangeAsync("/registry/items/", revision: 1 + (written / 2))).Values.Count);
    }

    private static string Value(int i) => $"{i}-{new string('v', 2000)}";

    /// <summary>A file system of its own, small enough to fill.</summary>
    private sealed class SmallDisk : IDisposable
    {
        public SmallDisk(int sizeBytes)
        {
            Folder = Directory.CreateTempSubdirectory("lkdisk").FullName;
            Assert.Equal(0, MountFactAttribute.Run("mount", "-t", "tmpfs", "-o", $"size={sizeBytes}", "tmpfs", Folder));
        }

        public string Folder { get; }

        public void Dispose()
        {
            Assert.Equal(0, MountFactAttribute.Run("umount", Folder));
            Directory.Delete(Folder);
        }
    }
}

/// <summary>A test that mounts a file system: skipped by name where that is not allowed.</summary>
internal sealed class MountFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> CanMount = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("lkmount").FullName;
        var mounted = Run("mount", "-t", "tmpfs", "tmpfs", folder) == 0 && Run("umount", folder) == 0;
        Directory.Delete(folder);
        return mounted;
    });

    public MountFactAttribute()
    {
        if (!CanMount.Value)
            Skip = "needs the right to mount a tmpfs (run as root)";
    }

    public static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
