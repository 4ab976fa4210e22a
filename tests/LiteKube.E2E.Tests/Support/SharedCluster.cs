namespace LiteKube.E2E.Tests.Support;

/// <summary>One cluster for the tests that only add to it, each in a namespace of its own.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    internal LiteKubeCluster Cluster { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Cluster = await LiteKubeCluster.StartAsync();
        await Cluster.ImportTestImageAsync();
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class SharedClusterCollection : ICollectionFixture<SharedCluster>
{
    public const string Name = "shared cluster";
}
