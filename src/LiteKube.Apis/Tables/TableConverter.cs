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
    public static JsonArray Columns(ResourceInfo resource) => throw new NotImplementedException();

    /// <summary>One row: {"cells":[...],"object":{...}} for an object of this resource.</summary>
    public static JsonObject Row(ResourceInfo resource, JsonObject value, IncludeObject include, string tableApiVersion, DateTimeOffset now) => throw new NotImplementedException();
}
