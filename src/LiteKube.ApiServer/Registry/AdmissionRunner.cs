using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
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

    /// <param name="owners">Of the new object's fields, which stand beside it; null: there are none.</param>
    public AdmissionAttributes? Attributes(WriteRequest request, AdmissionOperation operation, JsonObject? value, JsonObject? old, ManagedFieldsList? owners = null)
    {
        if (request.SkipAdmission || _byOperation[(int)operation].Length == 0) return null;
        var name = value?.Name();
        return new AdmissionAttributes
        {
            Operation = operation,
            Resource = request.StoredInfo,
            Served = request.Resource,
            Request = request.Name.Length == 0 && !string.IsNullOrEmpty(name) ? request.Info with { Name = name } : request.Info,
            User = request.User,
            Object = value,
            OldObject = old,
            Owners = owners ?? ManagedFieldsList.Empty,
            DryRun = request.DryRun,
            Warnings = request.Warnings,
            Audit = request.Audit,
            Options = request.Options,
            IsOfCollection = request.IsOfCollection,
        };
    }

    /// <summary>Runs the mutating half; what it makes of the object is then in the attributes.</summary>
    public async ValueTask MutateAsync(AdmissionAttributes? attributes, CancellationToken cancellationToken)
    {
        if (attributes is null) return;
        var plugins = _byOperation[(int)attributes.Operation];
        foreach (var plugin in plugins)
            await plugin.MutateAsync(attributes, cancellationToken);
        if (!attributes.TryBeginReinvocation()) return;
        foreach (var plugin in plugins)
            await plugin.MutateAsync(attributes, cancellationToken);
    }

    public async ValueTask ValidateAsync(AdmissionAttributes? attributes, CancellationToken cancellationToken)
    {
        if (attributes is null) return;
        foreach (var plugin in _byOperation[(int)attributes.Operation])
            await plugin.ValidateAsync(attributes, cancellationToken);
    }

    /// <summary>Both halves, for what is not stored as it is: scales, bindings, evictions, tokens, the options of a connect.</summary>
    /// <returns>The object as it is to be taken.</returns>
    public async ValueTask<JsonObject> AdmitAsync(WriteRequest request, AdmissionOperation operation, JsonObject value, JsonObject? old, CancellationToken cancellationToken)
    {
        var attributes = Attributes(request, operation, value, old);
        await MutateAsync(attributes, cancellationToken);
        await ValidateAsync(attributes, cancellationToken);
        return attributes?.Object ?? value;
    }
}
