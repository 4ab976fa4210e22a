namespace LiteKube.Storage.Tests;

public sealed class WatchTests
{
    [Fact]
    public async Task A_waiting_watch_wakes_for_its_own_keys_and_moves_on_silently_with_others()
    {
        using var temp = new TempStore();
        await using var store = await temp.OpenAsync();
        await using var watch = store.Watch("/registry/pods/default/a", 1);
        var wait = watch.WaitToReadAsync(CancellationToken.None).AsTask();

        await store.PutAsync("/registry/nodes/n", "elsewhere");
        Assert.False(wait.IsCompleted, "another directory wakes nobody here");
        Assert.Equal(2, watch.Revision);
        await store.PutAsync("/registry/pods/default/a", "mine");

        Assert.True(await wait.WaitAsync(StoreCalls.Patience));
        Assert.Equal(2, watch.Revision);
        Assert.True(watch.TryRead(out var storeEvent));
        Assert.Equal("mine", storeEvent.Value.Text());
        Assert.Equal(3, watch.Revision);
        Assert.False(watch.TryRead(out _));
    }

    [Fact]
    public async Task Values_are_the_same_objects_for_every_reader()
    {
        using var temp = new TempStore();
        await using var store = await temp.OpenAsync();
        await using var one = store.Watch("/registry/", 1);
        await using var two = store.Watch("/registry/pods/", 1);
        var written = await store.PutAsync("/registry/pods/a", "x");
        await store.PutAsync("/registry/pods/a", "y");

        var first = await one.TakeAsync(2, "writes");
        var second = await two.TakeAsync(2, "writes");

        Assert.Same(written.Value, first[0].Value);
        Assert.Same(first[0].Value, second[0].Value);
        Assert.Same(first[0].Value, second[1].Previous);
        Assert.Same(second[1].Value, store.Get("/registry/pods/a"));
    }

    [Fact]
    public async Task A_reader_that_stands_still_is_at_last_told_that_its_place_is_gone()
    {
        using var temp = new TempStore();
        await using var store = await TempStore.OpenAsync(temp.Options with { MemoryMaxEvents = 4 });
        await using var slow = store.Watch("/registry/pods/", 1);
        await using var quiet = store.Watch("/registry/nodes/", 1);
        for (var i = 0; i < 100; i++)
            await store.PutAsync("/registry/pods/a", $"{i}");
        Assert.True(await slow.WaitToReadAsync(CancellationToken.None));
        Assert.True(slow.TryRead(out var first));
        Assert.Equal("0", first.Value.Text());
        await using var slower = store.Watch("/registry/pods/", 1);

        await store.CompactAsync(90, CancellationToken.None);

        await Assert.ThrowsAsync<CompactedException>(async () => await slower.WaitToReadAsync(CancellationToken.None));
        // One for whom there was nothing has missed nothing.
        var wait = quiet.WaitToReadAsync(CancellationToken.None).AsTask();
        await store.PutAsync("/registry/nodes/n", "x");
        Assert.True(await wait.WaitAsync(StoreCalls.Patience));
    }

    [Fact]
    public async Task Closing_the_store_ends_watches_and_refuses_writes_but_keeps_reads()
    {
        using var temp = new TempStore();
        var store = await temp.OpenAsync();
        await store.PutAsync("/registry/pods/a", "x");
        await using var watch = store.Watch("/registry/", 2);
        var wait = watch.WaitToReadAsync(CancellationToken.None).AsTask();

        await store.DisposeAsync();

        Assert.False(await wait.WaitAsync(StoreCalls.Patience));
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.PutAsync("/registry/pods/a", "y"));
        Assert.Contains("closed", refused.Message, StringComparison.Ordinal);
        Assert.Equal("x", store.Get("/registry/pods/a")!.Text());
        await store.DisposeAsync();
    }

    [Fact]
    public async Task Cancelling_a_wait_leaves_the_watch_usable()
    {
        using var temp = new TempStore();
        await using var store = await temp.OpenAsync();
        await using var watch = store.Watch("/registry/", 1);
        for (var i = 0; i < 3; i++)
        {
            using var cancel = new CancellationTokenSource();
            var wait = watch.WaitToReadAsync(cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        }

        var last = watch.WaitToReadAsync(CancellationToken.None).AsTask();
        await store.PutAsync("/registry/pods/a", "x");

        Assert.True(await last.WaitAsync(StoreCalls.Patience));
        Assert.Single(await watch.TakeAsync(1, "write"));
    }

    [Fact]
    public async Task A_key_that_the_file_could_not_give_back_is_refused()
    {
        using var temp = new TempStore();
        await using var store = await temp.OpenAsync();

        foreach (var key in (string[])["", "a\0b", "half \uD800"])
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await store.PutAsync(key, "x"));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await store.PutAsync("a", new ValueTemplate(new byte[3], 4), null, CancellationToken.None));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.PutAsync("a", default, null, cancelled.Token));
        Assert.Equal(1, store.CurrentRevision);
    }
}
