using System.Text.Json.Nodes;
using LiteKube.Apis;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Converts custom resources between the versions of their CRD.</summary>
internal interface IObjectConverter
{
    /// <summary>Someone else does it, over the network.</summary>
    bool IsRemote { get; }

    /// <param name="values">Of one kind; may be changed.</param>
    /// <returns>As many, in the same order.</returns>
    /// <exception cref="ApiException">500: it failed; the message says how.</exception>
    ValueTask<IReadOnlyList<JsonObject>> ConvertAsync(IReadOnlyList<JsonObject> values, GroupVersionKind target, CancellationToken cancellationToken);
}

/// <summary>Strategy None: the versions differ in their name only.</summary>
internal sealed class NoneConverter : IObjectConverter
{
    public bool IsRemote => false;

    public ValueTask<IReadOnlyList<JsonObject>> ConvertAsync(IReadOnlyList<JsonObject> values, GroupVersionKind target, CancellationToken cancellationToken)
    {
        foreach (var value in values) value["apiVersion"] = target.ApiVersion;
        return ValueTask.FromResult(values);
    }
}
