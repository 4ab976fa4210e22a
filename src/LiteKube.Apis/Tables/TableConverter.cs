using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Tables;

public enum IncludeObject
{
    Metadata,
    Object,
    None,
}

/// <summary>meta.k8s.io/v1 Table: what kubectl get prints. Columns and cells per kind are Kubernetes' own.</summary>
public static class TableConverter
{
    /// <summary>The columnDefinitions array for this resource.</summary>
    public static JsonArray Columns(ResourceInfo resource) =>
        resource.Columns is { } custom ? CustomColumns(custom) : new([.. TableColumns.Of(resource.GroupResource).Select(c => (JsonNode)Column(c.Name, c.Type, c.Format, c.Name, c.Priority))]);

    /// <summary>The objects in the order in which Kubernetes shows them: flow schemas as they are matched, all others as they are listed.</summary>
    public static IEnumerable<JsonObject> Order(ResourceInfo resource, IEnumerable<JsonObject> items) => resource.GroupResource is { Group: "flowcontrol.apiserver.k8s.io", Resource: "flowschemas" }
        ? items.OrderBy(o => TableColumns.Number(o, "spec", "matchingPrecedence")).ThenBy(o => TableColumns.Text(o, "metadata", "name"), StringComparer.Ordinal)
        : items;

    /// <summary>One row: {"cells":[...],"object":{...}} for an object of this resource.</summary>
    public static JsonObject Row(ResourceInfo resource, JsonObject value, IncludeObject include, string tableApiVersion, DateTimeOffset now)
    {
        var cells = resource.Columns is { } custom
            ? new JsonArray([JsonValue.Create(TableColumns.Text(value, "metadata", "name")), .. custom.Select(c => c.Cell(value, now))])
            : new JsonArray([.. TableColumns.Of(resource.GroupResource).Select(c => c.Cell(value, now))]);
        var row = new JsonObject { ["cells"] = cells };
        if (resource.Columns is null && PodCells.Completion(resource.GroupResource, value) is { } completion)
            row["conditions"] = new JsonArray(completion);
        switch (include)
        {
            case IncludeObject.Object:
                row["object"] = value.DeepClone();
                break;
            case IncludeObject.None:
                // Go writes a RawExtension with nothing in it.
                row["object"] = null;
                break;
            case IncludeObject.Metadata:
                row["object"] = new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = tableApiVersion, ["metadata"] = value["metadata"]?.DeepClone() };
                break;
        }
        return row;
    }

    private static JsonArray CustomColumns(IReadOnlyList<PrinterColumn> columns)
    {
        var definitions = new JsonArray(Column("Name", "string", "name", "Name must be unique within a namespace.", 0));
        foreach (var column in columns)
            definitions.Add((JsonNode)Column(column.Name, column.Type, column.Format, column.Description, column.Priority));
        return definitions;
    }

    private static JsonObject Column(string name, string type, string format, string description, int priority) => new()
    {
        ["name"] = name,
        ["type"] = type,
        ["format"] = format,
        ["description"] = description,
        ["priority"] = priority,
    };
}
