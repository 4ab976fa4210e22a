namespace LiteKube.ApiServer.Admission;

/// <summary>A built-in admission plugin. Denials are <see cref="ApiException"/>s, usually <see cref="ApiException.Forbidden"/>.</summary>
public interface IAdmissionPlugin
{
    string Name { get; }
    bool Handles(AdmissionOperation operation);
    /// <summary>May change the object.</summary>
    ValueTask MutateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken);
    /// <summary>Sees the object as it will be stored.</summary>
    ValueTask ValidateAsync(AdmissionAttributes attributes, CancellationToken cancellationToken);
}
