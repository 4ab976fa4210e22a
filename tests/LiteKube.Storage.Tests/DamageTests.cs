using Microsoft.Data.Sqlite;

namespace LiteKube.Storage.Tests;

public sealed class DamageTests
{
    [Fact]
    public async Task A_file_that_is_no_database_is_refused_with_the_way_out()
    {
        using var temp = new TempStore();
        await File.WriteAllTextAsync(temp.Path, string.Concat(Enumerable.Repeat("no database\n", 1000)));

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());

        Assert.Contains($"{temp.Path} is damaged", refused.Message, StringComparison.Ordinal);
        Assert.Contains("move it away", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_flipped_bit_in_a_value_is_found_at_the_start()
    {
        using var temp = new TempStore();
        await using (var store = await temp.OpenAsync())
            await store.PutAsync("/registry/secrets/default/a", "the very value");
        var bytes = await File.ReadAllBytesAsync(temp.Path);
        bytes[bytes.AsSpan().IndexOf("very value"u8)] ^= 1;
        await File.WriteAllBytesAsync(temp.Path, bytes);

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());

        Assert.Contains("/registry/secrets/default/a", refused.Message, StringComparison.Ordinal);
        Assert.Contains(temp.Path, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_truncated_file_is_refused()
    {
        using var temp = new TempStore();
        await using (var store = await temp.OpenAsync())
        {
            for (var i = 0; i < 100; i++)
                await store.PutAsync($"/registry/items/{i}", new string('x', 3000));
        }

        await using (var file = File.OpenWrite(temp.Path))
            file.SetLength(file.Length / 2);

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());

        Assert.Contains($"{temp.Path} is damaged", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CREATE TABLE theirs (a)", "another program")]
    [InlineData("PRAGMA application_id = 1280013666; PRAGMA user_version = 99", "newer version")]
    public async Task A_database_that_is_not_ours_is_left_alone(string sql, string reason)
    {
        using var temp = new TempStore();
        await using (var connection = new SqliteConnection($"Data Source={temp.Path};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }

        var before = await File.ReadAllBytesAsync(temp.Path);

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => temp.OpenAsync());

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(temp.Path));
    }

    [Fact]
    public async Task Damage_under_a_running_store_leaves_the_present_readable()
    {
        using var temp = new TempStore();
        await using (var first = await temp.OpenAsync())
        {
            for (var i = 0; i < 1000; i++)
                await first.PutAsync($"/registry/items/{i}", new string('x', 3000));
        }

        // More than SQLite caches: it comes to meet the damage.
        await using var store = await temp.OpenAsync();
        await using (var file = File.OpenWrite(temp.Path))
        {
            // All but the header page, so that SQLite still takes it for its own.
            file.Position = 4096;
            var noise = new byte[file.Length - file.Position];
            new Random(1).NextBytes(noise);
            await file.WriteAsync(noise);
        }

        // The history is on disk only, since the store was opened anew.
        await using var watch = store.Watch("/registry/items/", 1);
        var broken = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await watch.WaitToReadAsync(CancellationToken.None));
        Assert.Contains($"{temp.Path} is damaged", broken.Message, StringComparison.Ordinal);
        Assert.Equal(1000, (await store.RangeAsync("/registry/items/")).Values.Count);
        Assert.Equal(new string('x', 3000), store.Get("/registry/items/42")!.Text());
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.PutAsync("/registry/items/0", "y"));
        Assert.Equal(refused.Message, store.WriteFailure?.Message);
        Assert.Equal(1001, store.CurrentRevision);
    }

    [Fact]
    public async Task The_files_are_for_their_owner_alone()
    {
        using var temp = new TempStore();
        await using var store = await temp.OpenAsync();
        await store.PutAsync("/registry/secrets/default/a", "secret");

        foreach (var file in (string[])[temp.Path, temp.Path + "-wal", temp.Path + "-shm", temp.Path + ".lock"])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }
}
