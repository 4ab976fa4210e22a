using System.Text.Json.Nodes;
using LiteKube.Apis.Schema.Structural;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Where x-kubernetes-validations (CEL rules, KEP-2876) come in: compiled once a version of a CRD, run on each write.</summary>
internal interface IRuleCompiler
{
    /// <summary>The rules of a whole schema; null when it has none.</summary>
    IObjectRules? Compile(StructuralSchema schema);

    /// <summary>Reports rules that do not compile or cost too much.</summary>
    /// <param name="old">The schema that the version had before; its rules stay tolerated. Null for a new version.</param>
    void Check(StructuralSchema schema, StructuralSchema? old, FieldPath path, FieldErrors errors);
}

/// <summary>Compiled rules.</summary>
internal interface IObjectRules
{
    /// <param name="old">The object that is replaced; null on create.</param>
    void Validate(JsonObject value, JsonObject? old, FieldErrors errors);
}
