using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry;

/// <summary>Between the version of a kind that is stored and another one that is served. Inputs are not changed.</summary>
internal interface IVersionConverter
{
    /// <summary>As stored, to as served.</summary>
    JsonObject FromStored(JsonObject stored);

    /// <summary>As served, to as stored.</summary>
    JsonObject ToStored(JsonObject served);
}
