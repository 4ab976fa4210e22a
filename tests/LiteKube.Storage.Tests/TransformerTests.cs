using System.Text;

namespace LiteKube.Storage.Tests;

public sealed class TransformerTests
{
    [Fact]
    public async Task The_disk_never_sees_a_value_that_the_transformer_hides_and_every_reader_gets_it_in_clear()
    {
        using var temp = new TempStore();
        var mask = new Mask(1);
        var options = temp.Options with { Transformer = mask, MemoryMaxEvents = 1 };
        await using (var store = await TempStore.OpenAsync(options))
        {
            await store.PutAsync("hidden/a", "clear-one");
            await store.PutAsync("hidden/a", "clear-two");
            await store.PutAsync("open/b", "clear-three");
            await store.DeleteAsync("hidden/a", 3, new ValueTemplate("clear-tomb"u8.ToArray(), -1), CancellationToken.None);
            await store.PutAsync("hidden/c", "clear-four");
            await store.DeleteAsync("hidden/c");
            await store.PutAsync("hidden/d", new ValueTemplate("{\"rev\":\"\"}"u8.ToArray(), 8), null, CancellationToken.None);
            Assert.Equal("{\"rev\":\"8\"}", store.Get("hidden/d")!.Text());
            // Most of this comes from the disk: memory keeps a single event.
            await using var watch = store.Watch("", 1);
            var seen = (await watch.TakeThroughAsync(8)).Select(e => $"{e.Type} {e.Value.Text()} {e.Previous?.Text()}");
            Assert.Equal(["Put clear-one ", "Put clear-two clear-one", "Put clear-three ", "Delete clear-tomb clear-two", "Put clear-four ", "Delete clear-four clear-four", "Put {\"rev\":\"8\"} "], seen);
            var past = await store.RangeAsync("", 3);
            Assert.Equal(["clear-two"], past.Values.Select(v => v.Text()));
            AssertHidden(temp, "clear-one", "clear-two", "clear-tomb", "clear-four", "{\"rev\"");
            AssertShown(temp, "clear-three");
        }
        AssertHidden(temp, "clear-one", "clear-two", "clear-tomb", "clear-four", "{\"rev\"");
        await using (var store = await TempStore.OpenAsync(options))
        {
            Assert.Equal("{\"rev\":\"8\"}", store.Get("hidden/d")!.Text());
            Assert.Equal("clear-three", store.Get("open/b")!.Text());
        }
    }

    [Fact]
    public async Task A_value_is_stale_until_it_is_written_in_the_present_form()
    {
        using var temp = new TempStore();
        var mask = new Mask(1);
        await using (var store = await TempStore.OpenAsync(temp.Options with { Transformer = mask }))
        {
            await store.PutAsync("hidden/a", "one");
            await store.PutAsync("open/b", "two");
            Assert.False(store.IsStale(store.Get("hidden/a")!));
            mask.Current = 2;
            Assert.True(store.IsStale(store.Get("hidden/a")!));
            Assert.False(store.IsStale(store.Get("open/b")!));
        }
        await using (var store = await TempStore.OpenAsync(temp.Options with { Transformer = mask }))
        {
            Assert.True(store.IsStale(store.Get("hidden/a")!));
            await store.PutAsync("hidden/a", "one");
            Assert.False(store.IsStale(store.Get("hidden/a")!));
        }
    }

    [Fact]
    public async Task A_store_whose_values_cannot_be_read_does_not_open_and_old_ones_count_as_compacted()
    {
        using var temp = new TempStore();
        await using (var store = await TempStore.OpenAsync(temp.Options with { Transformer = new Mask(1) }))
        {
            await store.PutAsync("hidden/a", "one");
        }
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => TempStore.OpenAsync(temp.Options with { Transformer = new Mask(2) { Unknown = 1 } }));
        Assert.Contains("hidden/a has mask 1", refused.Message, StringComparison.Ordinal);

        await using (var store = await TempStore.OpenAsync(temp.Options with { Transformer = new Mask(2) }))
        {
            await store.PutAsync("hidden/a", "two");
        }
        await using (var store = await TempStore.OpenAsync(temp.Options with { Transformer = new Mask(2) { Unknown = 1 } }))
        {
            Assert.Equal("two", store.Get("hidden/a")!.Text());
            await using var watch = store.Watch("", 1);
            await Assert.ThrowsAsync<CompactedException>(async () => await watch.WaitToReadAsync(CancellationToken.None));
        }
    }

    private static void AssertHidden(TempStore temp, params string[] texts)
    {
        foreach (var text in texts)
            Assert.False(IsOnDisk(temp, text), $"\"{text}\" is on the disk in clear");
    }

    private static void AssertShown(TempStore temp, string text) => Assert.True(IsOnDisk(temp, text), $"\"{text}\" is not found: the search itself does not work");

    private static bool IsOnDisk(TempStore temp, string text) =>
        Directory.GetFiles(Path.GetDirectoryName(temp.Path)!).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)).Any(file =>
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return memory.ToArray().AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
        });

    /// <summary>Hides what lies under hidden/ by a number that is written before it.</summary>
    private sealed class Mask(byte current) : IValueTransformer
    {
        public byte Current { get; set; } = current;
        public byte Unknown { get; init; }

        public object? FormOf(string key) => IsHidden(key) ? Current : null;

        public byte[] ToDisk(string key, byte[] value, out object? form)
        {
            form = FormOf(key);
            return form is null ? value : [Current, .. value.Select(b => (byte)(b ^ (0x80 + Current)))];
        }

        public byte[] FromDisk(string key, byte[] stored, out object? form)
        {
            form = null;
            if (!IsHidden(key))
                return stored;
            if (stored[0] == Unknown)
                throw new ValueTransformException($"{key} has mask {stored[0]}");
            form = stored[0];
            return [.. stored.Skip(1).Select(b => (byte)(b ^ (0x80 + stored[0])))];
        }

        private static bool IsHidden(string key) => key.StartsWith("hidden/", StringComparison.Ordinal);
    }
}
