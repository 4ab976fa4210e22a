using System.Text.Json.Nodes;
using System.Threading.Channels;
using LiteKube.Apis.Codec;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>Writes status.typeChecking and status.observedGeneration of each ValidatingAdmissionPolicy whose spec changed.</summary>
internal sealed class PolicyStatusController(IObjectReader objects, ObjectRegistry registry, Func<ResourceTable> resources)
{
    private static readonly UserInfo Server = new("system:apiserver", [UserInfo.MastersGroup, UserInfo.AuthenticatedGroup]);

    private readonly PolicyTypeChecker _checker = new(resources);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // One pending signal stands for any number of changes.
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var subscription = objects.Subscribe(PolicyResources.ValidatingPolicies, (_, _) => changes.Writer.TryWrite(true));
        await foreach (var _ in changes.Reader.ReadAllAsync(cancellationToken))
        {
            foreach (var policy in objects.List(PolicyResources.ValidatingPolicies))
            {
                if (policy.Obj("status").Long("observedGeneration") < policy.Obj("metadata").Long("generation")) await WriteAsync(policy, cancellationToken);
            }
        }
    }

    private async Task WriteAsync(JsonObject policy, CancellationToken cancellationToken)
    {
        if (!resources().TryFind(PolicyResources.ValidatingPolicies, out var resource)) throw new InvalidOperationException("ValidatingAdmissionPolicies are not served.");
        var value = (JsonObject)policy.DeepClone();
        value.Metadata().Remove("managedFields");
        var status = value.GetOrAdd("status");
        status["observedGeneration"] = policy.Obj("metadata").Long("generation");
        status["typeChecking"] = _checker.Check(policy) is { Count: > 0 } warnings ? new JsonObject { ["expressionWarnings"] = warnings } : [];
        var at = resource.Stored.Resource;
        var request = new WriteRequest
        {
            Resource = resource,
            User = Server,
            SkipAdmission = true,
            Fields = new FieldTracking(FieldTracking.ManagerOf(Server)),
            Info = new RequestInfo { Verb = "update", Path = "", IsResourceRequest = true, Group = at.Group, Version = at.Version, Resource = at.Resource, Subresource = "status", Name = value.MetaName() },
        };
        try
        {
            await registry.UpdateAsync(request, (_, _, _) => ValueTask.FromResult(ObjectDecoder.Canonicalize((JsonObject)value.DeepClone(), resource.Stored.Schema, FieldValidation.Ignore).Object), null, cancellationToken);
        }
        catch (ApiException exception) when (exception.Reason is "Conflict" or "NotFound")
        {
            // Whoever was faster has signalled again.
            return;
        }
    }
}
