namespace LiteKube.E2E.Tests.Support;

/// <summary>A second cluster like <see cref="SharedCluster"/>, so that the tests of what pods hold and say run beside the others.</summary>
[CollectionDefinition(Name)]
public sealed class PodClusterCollection : ICollectionFixture<SharedCluster>
{
    public const string Name = "pod cluster";
}
