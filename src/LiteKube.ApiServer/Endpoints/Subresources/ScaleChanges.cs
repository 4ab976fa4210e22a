using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Tables;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Endpoints.Subresources;

/// <param name="scale">The standing scale; read-only.</param>
/// <param name="managed">Its owners; the tracking's outcome is who they are afterwards.</param>
internal delegate JsonObject ScaleChange(JsonObject scale, ManagedFieldsList managed, FieldTracking tracking);

/// <summary>What a client may do to an autoscaling/v1 Scale, whatever object it shows.</summary>
internal static class ScaleChanges
{
    public static readonly GroupVersionKind Kind = new("autoscaling", "v1", "Scale");

    public static readonly TypeSchema Schema = ResourceCatalog.BuiltIn.FindType(Kind.ApiVersion, Kind.Kind)!;

    /// <summary>How a Scale is shown, for it is no resource of its own.</summary>
    public static readonly ResourceInfo Info = InfoWith(null);

    private static readonly ApplyTarget Target = new(new FieldOwnership(OneVersion.Instance, "scale", ResetFields.None), MergeSchemas.Of(Schema), Schema, Kind,
        ObjectDecoder.Canonicalize([], Schema, FieldValidation.Ignore).Object);

    /// <param name="columns">Null: those of Kubernetes' own kinds.</param>
    public static ResourceInfo InfoWith(IReadOnlyList<PrinterColumn>? columns) => new()
    {
        Resource = new(Kind.Group, Kind.Version, "scales"),
        Kind = Kind.Kind,
        Singular = "scale",
        Namespaced = true,
        Verbs = [],
        Schema = Schema,
        Columns = columns,
    };

    /// <exception cref="ApiException">406: told before the scale is changed.</exception>
    public static AcceptedType Accepted(ApiRequest request) => MediaTypes.Negotiate(request);

    public static ScaleChange Applied(ApiRequest request, ApplyPatch patch, TimeProvider time) =>
        (scale, managed, tracking) => patch.Apply(request, Target, tracking, scale, managed, time.GetUtcNow());

    /// <summary>A change that is no apply: whoever makes it owns the replicas if they differ. A scale that nobody owns stays so.</summary>
    public static ScaleChange Updated(Func<JsonObject, JsonObject> change, TimeProvider time) => (scale, managed, tracking) =>
    {
        var changed = change(scale);
        tracking.Outcome = managed.IsEmpty ? managed : Target.Ownership.Update(
            new(scale, Target.Merge, Kind.ApiVersion), new(changed, Target.Merge, Kind.ApiVersion), managed, tracking.Manager, ObjectFields.FormatTime(time.GetUtcNow()));
        return changed;
    };
}
