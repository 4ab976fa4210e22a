using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>The served versions of a CRD, for owners that speak another one than the request.</summary>
internal sealed class CustomVersions(IReadOnlyList<ServedResource> served, IReadOnlyDictionary<string, StructuralSchema> schemas, IObjectConverter converter) : IObjectVersions
{
    public VersionedObject? Convert(VersionedObject value, string apiVersion)
    {
        if (value.ApiVersion == apiVersion) return value;
        if (served.FirstOrDefault(r => r.ApiVersion == apiVersion) is not { } target) return null;
        var copy = (JsonObject)value.Value.DeepClone();
        // Local conversions complete at once. A webhook is waited for: only objects that are managed in several versions come here.
        var conversion = converter.ConvertAsync([copy], target.Info.GroupVersionKind, CancellationToken.None);
        var converted = conversion.IsCompleted ? conversion.Result[0] : conversion.AsTask().GetAwaiter().GetResult()[0];
        CustomObjects.Fit(converted, schemas[target.Info.Resource.Version]);
        return new(converted, target.MergeSchema, apiVersion);
    }
}
