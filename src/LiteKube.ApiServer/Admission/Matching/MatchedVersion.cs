using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Matching;

/// <summary>The version of a request's resource that a rule asked for, in which the webhook or policy sees the objects.</summary>
internal sealed record MatchedVersion(GroupVersionResource Resource, GroupVersionKind Kind, ServedResource? Served)
{
    public static MatchedVersion OfRequest(AdmissionAttributes attributes) => new(attributes.RequestResource, attributes.Kind, attributes.Served);

    /// <summary>An object as admission holds it, in this version. May be the same tree: read-only.</summary>
    /// <exception cref="ApiException">500: it cannot be converted.</exception>
    public ValueTask<JsonObject?> ShowAsync(AdmissionAttributes attributes, JsonObject? value, CancellationToken cancellationToken)
    {
        if (value is null || Served is null || !IsOfResourceKind(attributes)) return ValueTask.FromResult(value);
        if (Served.Custom is not null) return ConvertCustomAsync(value, attributes.Served!, Served, cancellationToken)!;
        return ValueTask.FromResult<JsonObject?>(Served.Converter is null ? value : Served.Converter.FromStored(value));
    }

    /// <summary>An object in this version as admission holds it.</summary>
    public ValueTask<JsonObject> TakeBackAsync(AdmissionAttributes attributes, JsonObject value, CancellationToken cancellationToken)
    {
        if (Served is null || !IsOfResourceKind(attributes)) return ValueTask.FromResult(value);
        if (Served.Custom is not null) return ConvertCustomAsync(value, Served, attributes.Served!, cancellationToken);
        return ValueTask.FromResult(Served.Converter is null ? value : Served.Converter.ToStored(value));
    }

    /// <summary>A Scale or a Binding is the same in every version of the resource that it belongs to.</summary>
    private static bool IsOfResourceKind(AdmissionAttributes attributes) => attributes.Kind == attributes.Served!.Info.GroupVersionKind;

    private static ValueTask<JsonObject> ConvertCustomAsync(JsonObject value, ServedResource from, ServedResource to, CancellationToken cancellationToken) =>
        from.Info.Resource == to.Info.Resource ? ValueTask.FromResult(value) : from.Custom!.ConvertAsync(value, to.Info.GroupVersionKind, cancellationToken);
}
