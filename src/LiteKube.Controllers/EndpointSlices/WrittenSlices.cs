using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.EndpointSlices;

/// <summary>Writes the slices of an owner and remembers what it wrote until the informer has come as far.</summary>
internal sealed class WrittenSlices(IKubeClient client, IInformer<V1EndpointSlice> informer, TimeProvider timeProvider)
{
    private readonly RecentWrites<V1EndpointSlice> _written = new(informer, timeProvider);

    /// <summary>The owner's slices that stay, as last written or seen.</summary>
    public List<V1EndpointSlice> Of(ObjectKey key, string index) =>
        [.. _written.Over(key, slices => slices.ByIndex(index, key.ToString())).Where(s => s.Metadata.DeletionTimestamp is null)];

    /// <summary>The informer saw the slice go.</summary>
    public void Gone(ObjectKey key, V1EndpointSlice slice) => _written.Gone(key, slice);

    /// <exception cref="KubeApiException">The first refusal of a create or update; a slice that is to be deleted may be gone already.</exception>
    public async Task ApplyAsync(ObjectKey key, IReadOnlyList<V1EndpointSlice> create, IReadOnlyList<V1EndpointSlice> update, IReadOnlyList<V1EndpointSlice> delete, CancellationToken cancellationToken)
    {
        // Creates and updates before deletes: an address must not be missing in between.
        foreach (var slice in create)
            _written.Written(key, await client.CreateAsync(slice, cancellationToken));
        foreach (var slice in update)
        {
            try
            {
                _written.Written(key, await client.UpdateAsync(slice, cancellationToken));
            }
            // On a conflict what was written stays known until the informer shows what somebody else made of it: from an
            // older state the same endpoints would be taken for missing, and written into a slice more.
            catch (KubeApiException e) when (e.IsNotFound)
            {
                _written.Deleted(key, slice);
                throw;
            }
        }
        foreach (var slice in delete)
        {
            try
            {
                await client.DeleteAsync<V1EndpointSlice>(slice.Metadata.NamespaceProperty, slice.Metadata.Name, new DeleteOptions(PreconditionUid: slice.Metadata.Uid), cancellationToken);
                _written.Deleted(key, slice);
            }
            catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
            {
                // Gone already, or replaced by another of its name: either way not there any more.
                _written.Gone(key, slice);
            }
        }
    }
}
