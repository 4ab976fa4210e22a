using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tests.Apply;

/// <summary>An object without a server: what writers make of it, and who owns what then.</summary>
internal sealed class ApplyTarget(string apiVersion, string kind)
{
    private readonly TypeSchema _type = SchemaTable.BuiltIn.Find(apiVersion, kind)!;
    private int _clock;

    public IMergeSchema Schema => MergeSchemas.Of(_type);

    /// <summary>Null: it is not there yet.</summary>
    public JsonObject? Object { get; private set; }

    public ManagedFieldsList Managed { get; private set; } = ManagedFieldsList.Empty;

    public JsonObject Empty => ObjectDecoder.Canonicalize([], _type, FieldValidation.Ignore).Object;

    public void Apply(string manager, JsonObject config, bool isForced = false, string subresource = "")
    {
        var typed = (JsonObject)config.DeepClone();
        typed["apiVersion"] = apiVersion;
        typed["kind"] = kind;
        // Bodies are read with their keys in order.
        typed = new JsonObject(typed.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => KeyValuePair.Create(f.Key, f.Value?.DeepClone())));
        if (ObjectShape.Complain(typed, Schema, allowsDuplicates: false) is { } complaint) throw new MergeException(complaint);
        var applied = Ownership(subresource).Apply(Versioned(Object ?? Empty), Versioned(typed), Versioned(Empty), Managed, manager, isForced, Now());
        (Object, Managed) = (Canonical(applied.Value), applied.Managed);
    }

    public void Update(string manager, JsonObject value, string subresource = "")
    {
        var canonical = Canonical(value);
        Managed = Ownership(subresource).Update(Versioned(Object ?? Empty), Versioned(canonical), Managed, manager, Now());
        Object = canonical;
    }

    /// <summary>Takes every owner's name away, as clearing managedFields does.</summary>
    public void ForgetOwners() => Managed = ManagedFieldsList.Empty;

    public JsonObject Canonical(JsonObject value)
    {
        var copy = (JsonObject)value.DeepClone();
        copy["apiVersion"] = apiVersion;
        copy["kind"] = kind;
        var canonical = ObjectDecoder.Canonicalize(copy, _type, FieldValidation.Strict).Object;
        var group = GroupVersion.Parse(apiVersion);
        Defaulter.Apply(new(group.Group, group.Version, kind), canonical);
        return canonical;
    }

    public FieldSet Fields() => ObjectFieldSet.Of(Object, Schema).WithNamedFields(Schema);

    private VersionedObject Versioned(JsonObject value) => new(value, Schema, apiVersion);

    private static FieldOwnership Ownership(string subresource) => new(OneVersion.Instance, subresource, subresource == "status" ? ResetFields.Excluding("spec") : ResetFields.Excluding("status"));

    private string Now() => $"2026-01-01T00:{_clock / 60:D2}:{_clock++ % 60:D2}Z";
}
