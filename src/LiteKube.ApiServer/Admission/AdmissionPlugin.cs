using LiteKube.Apis;

namespace LiteKube.ApiServer.Admission;

/// <summary>What most plugins share: creates only, nothing to change, nothing to refuse.</summary>
public abstract class AdmissionPlugin : IAdmissionPlugin
{
    public abstract string Name { get; }

    public virtual bool Handles(AdmissionOperation operation) => operation == AdmissionOperation.Create;

    public virtual ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        Mutate(attributes);
        return ValueTask.CompletedTask;
    }

    public virtual ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken)
    {
        Validate(attributes);
        return ValueTask.CompletedTask;
    }

    protected virtual void Mutate(AdmissionAttributes attributes) { }

    protected virtual void Validate(AdmissionAttributes attributes) { }

    /// <summary>The main resource itself, not one of its subresources.</summary>
    protected static bool IsFor(AdmissionAttributes attributes, GroupResource resource, string subresource = "") =>
        attributes.Resource.GroupResource == resource && attributes.Request.Subresource == subresource;

    protected static ApiException Forbidden(AdmissionAttributes attributes, string why) => ApiException.Forbidden(attributes.Resource.GroupResource, attributes.Request.Name, why);
}
