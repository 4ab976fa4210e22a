using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Controllers.EndpointSlices;
using LiteKube.Testing;

namespace LiteKube.Controllers.Tests.EndpointSlices;

/// <summary>What the controller believes in while its watch is down: it sees the first list and nothing after.</summary>
public sealed class WrittenSlicesTests : ControllerTest
{
    private const string Index = "service";
    private static readonly ObjectKey Service = new("default", "web");

    private readonly WrittenSlices _written;

    public WrittenSlicesTests()
    {
        Kube.Intercept = request => request.PathAndQuery.Contains("watch=", StringComparison.Ordinal) ? InMemoryKube.Failure(500, "InternalError", "no watch in this test") : null;
        Kube.Seed(Slice("10.0.0.1"));
        var informer = Informers.Get<V1EndpointSlice>();
        informer.AddIndex(Index, _ => [Service.ToString()]);
        _written = new WrittenSlices(Kube.Client, informer, Time);
    }

    [Fact]
    public async Task A_slice_that_somebody_else_changed_still_counts_with_what_was_written_into_it()
    {
        await SeenAsync<V1EndpointSlice>("default", "web-1", s => s is not null);
        await UpdateAsync("10.0.0.1", "10.0.0.2");
        Kube.Seed(Slice("10.0.0.1"));

        var refused = await Assert.ThrowsAsync<KubeApiException>(() => UpdateAsync("10.0.0.1", "10.0.0.2", "10.0.0.3"));

        Assert.True(refused.IsConflict);
        // By the informer 10.0.0.2 would be missing, and one slice more be made for it.
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Addresses(Assert.Single(_written.Of(Service, Index))));
    }

    [Fact]
    public async Task A_slice_that_turns_out_to_be_gone_counts_no_more_though_the_informer_shows_it()
    {
        await SeenAsync<V1EndpointSlice>("default", "web-1", s => s is not null);
        Kube.Remove<V1EndpointSlice>("default", "web-1", null);

        var refused = await Assert.ThrowsAsync<KubeApiException>(() => UpdateAsync("10.0.0.1", "10.0.0.2"));

        Assert.True(refused.IsNotFound);
        Assert.Empty(_written.Of(Service, Index));
    }

    private Task UpdateAsync(params string[] addresses)
    {
        var slice = KubeJson.Clone(Assert.Single(_written.Of(Service, Index)));
        slice.Endpoints = Slice(addresses).Endpoints;
        return _written.ApplyAsync(Service, [], [slice], [], default);
    }

    private static IEnumerable<string> Addresses(V1EndpointSlice slice) => slice.Endpoints.Select(e => e.Addresses.Single());

    private static V1EndpointSlice Slice(params string[] addresses) => new()
    {
        Metadata = new V1ObjectMeta { Name = "web-1", NamespaceProperty = "default", Uid = "uid-1" },
        AddressType = "IPv4",
        Endpoints = [.. addresses.Select(a => new V1Endpoint { Addresses = [a] })],
    };
}
