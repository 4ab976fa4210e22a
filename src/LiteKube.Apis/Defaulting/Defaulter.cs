using System.Text.Json.Nodes;

namespace LiteKube.Apis.Defaulting;

/// <summary>Fills in what the API's defaulting rules say (Kubernetes' SetDefaults functions and +default markers); what the registry or admission allocates is not its concern.</summary>
public static class Defaulter
{
    public static void Apply(GroupVersionKind kind, JsonObject value) => throw new NotImplementedException();
}
