using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission;

namespace LiteKube.ApiServer.Registry;

/// <summary>Runs the admission plugins in their order; the ones that do not handle an operation cost it nothing.</summary>
internal sealed class AdmissionRunner
{
    private readonly IAdmissionPlugin[][] _byOperation;

    public AdmissionRunner(IReadOnlyList<IAdmissionPlugin> plugins)
    {
        var operations = Enum.GetValues<AdmissionOperation>();
        _byOperation = new IAdmissionPlugin[operations.Length][];
        foreach (var operation in operations)
            _byOperation[(int)operation] = [.. plugins.Where(p => p.Handles(operation))];
    }

    public AdmissionAttributes? Attributes(WriteRequest request, AdmissionOperation operation, JsonObject? value, JsonObject? old)
    {
        if (request.SkipAdmission || _byOperation[(int)operation].Length == 0) return null;
        var name = value?.Name();
        return new AdmissionAttributes
        {
            Operation = operation,
            Resource = request.StoredInfo,
            Request = request.Name.Length == 0 && !string.IsNullOrEmpty(name) ? request.Info with { Name = name } : request.Info,
            User = request.User,
            Object = value,
            OldObject = old,
            DryRun = request.DryRun,
        };
    }

    public async ValueTask MutateAsync(AdmissionAttributes? attributes, CancellationToken cancellationToken)
    {
        if (attributes is null) return;
        foreach (var plugin in _byOperation[(int)attributes.Operation])
            await plugin.MutateAsync(attributes, cancellationToken);
    }

    /// <summary>Runs the validating half and hands the plugins' warnings to the request.</summary>
    public async ValueTask ValidateAsync(AdmissionAttributes? attributes, WriteRequest request, CancellationToken cancellationToken)
    {
        if (attributes is null) return;
        foreach (var plugin in _byOperation[(int)attributes.Operation])
            await plugin.ValidateAsync(attributes, cancellationToken);
        request.Warnings.AddRange(attributes.Warnings);
    }
}
