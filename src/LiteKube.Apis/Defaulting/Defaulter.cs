using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Defaulting;

/// <summary>Fills in what the API's defaulting rules say (Kubernetes' SetDefaults functions and +default markers); what the registry or admission allocates is not its concern.</summary>
/// <remarks>
/// Rules belong to types, wherever a type occurs: a Probe gets its period in a Pod as in a CronJob's template. A type's
/// own rule runs before those of what it holds. Fields are put where Go writes them, so a canonical object stays one.
/// </remarks>
public static class Defaulter
{
    private const string ResourceListType = "v1.ResourceList";

    /// <summary>Whether a rule can apply to the type or to anything below it: most of an object is passed over.</summary>
    private static readonly ConcurrentDictionary<TypeSchema, bool> Concerned = new();

    /// <summary>Completes an object in place. Kinds without rules, and kinds that the built-in table does not hold, stay as they are.</summary>
    public static void Apply(GroupVersionKind kind, JsonObject value) => Apply(kind, value, TimeProvider.System);

    /// <summary>Completes an object of the type: by the built-in rules of its kind, or by the defaults of its CRD.</summary>
    public static void Apply(TypeSchema schema, GroupVersionKind kind, JsonObject value)
    {
        if (schema.Structural is { } structural)
            StructuralDefaulter.Apply(value, structural);
        else
            Apply(kind, value);
    }

    /// <param name="time">For the rules that note when something was set (device taints).</param>
    public static void Apply(GroupVersionKind kind, JsonObject value, TimeProvider time)
    {
        if (SchemaTable.BuiltIn.Find(kind.ApiVersion, kind.Kind) is { } type)
            ApplyTo(type, value, time);
    }

    private static void ApplyTo(TypeSchema type, JsonObject value, TimeProvider time)
    {
        if (!IsConcerned(type))
            return;
        if (DefaultRules.Of(type) is { } rule)
            rule(new DefaultTarget(type, value, time));
        foreach (var field in type.Fields)
        {
            if (field.Default is not null)
                ApplyMarker(type, field, value, time);
            if (!value.TryGetPropertyValue(field.Name, out var child) || child is null)
                continue;
            if (field.GoType == ResourceListType)
                RoundUp(child.AsObject());
            else if (field.Kind == ValueKind.Object)
                Descend(field, child, time);
        }
    }

    private static void Descend(FieldSchema field, JsonNode child, TimeProvider time)
    {
        if (!IsConcerned(field.Type!))
            return;
        IEnumerable<JsonNode?> elements = field.Cardinality switch
        {
            Cardinality.List => child.AsArray(),
            Cardinality.Map => child.AsObject().Select(p => p.Value),
            _ => [child],
        };
        foreach (var element in elements)
        {
            if (element is JsonObject o)
                ApplyTo(field.Type!, o, time);
        }
    }

    // A zero value counts as unset where Go has no pointer.
    private static void ApplyMarker(TypeSchema type, FieldSchema field, JsonObject value, TimeProvider time)
    {
        var target = new DefaultTarget(type, value, time);
        if (field.IsPointer ? !target.IsMissing(field.Name) : !target.IsEmpty(field.Name))
            return;
        using var marker = JsonDocument.Parse(field.Default!);
        JsonNode node = marker.RootElement.ValueKind switch
        {
            JsonValueKind.String => marker.RootElement.GetString()!,
            JsonValueKind.Number when field.Kind == ValueKind.Int32 => marker.RootElement.GetInt32(),
            JsonValueKind.Number => marker.RootElement.GetInt64(),
            _ => marker.RootElement.GetBoolean(),
        };
        var isZero = node.GetValueKind() switch { JsonValueKind.String => node.GetValue<string>().Length == 0, JsonValueKind.Number => marker.RootElement.GetInt64() == 0, var kind => kind == JsonValueKind.False };
        if (field.IsPointer || !isZero)
            target.Set(field.Name, node);
    }

    // Resource lists keep thousandths at the finest.
    private static void RoundUp(JsonObject list)
    {
        foreach (var (name, amount) in list.ToArray())
        {
            if (amount is not JsonValue value || !value.TryGetValue(out string? text) || !Quantity.TryParse(text, out var quantity))
                continue;
            var rounded = quantity.RoundUpToMilli();
            if (rounded != quantity)
                list[name] = rounded.ToString();
        }
    }

    private static bool IsConcerned(TypeSchema type)
    {
        if (Concerned.TryGetValue(type, out var known))
            return known;
        var isConcerned = Reaches(type, []);
        Concerned[type] = isConcerned;
        return isConcerned;
    }

    private static bool Reaches(TypeSchema type, HashSet<TypeSchema> visited)
    {
        if (!visited.Add(type))
            return false;
        if (DefaultRules.Of(type) is not null)
            return true;
        foreach (var field in type.Fields)
        {
            if (field.Default is not null || field.GoType == ResourceListType || (field.Kind == ValueKind.Object && Reaches(field.Type!, visited)))
                return true;
        }

        return false;
    }
}
