using Microsoft.Extensions.Logging;

namespace LiteKube.Storage;

/// <param name="Path">The database file, for instance /var/lib/litekube/state.db.</param>
public sealed record SqliteStoreOptions(string Path);

public static class SqliteStateStore
{
    /// <summary>Opens (or makes) the store, recovering what a crash left.</summary>
    public static Task<IStateStore> OpenAsync(SqliteStoreOptions options, TimeProvider timeProvider, ILoggerFactory loggerFactory, CancellationToken cancellationToken)
        => throw new NotImplementedException();
}
