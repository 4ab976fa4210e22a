using System.Text.Json.Nodes;
using LiteKube.Apis.Apply;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Defaulting;
using LiteKube.Apis.Patching;
using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Admission.Policies;

/// <summary>A mutation cannot be made.</summary>
internal sealed class PolicyPatchException(string message) : Exception(message);

/// <summary>Makes one mutation of a policy.</summary>
internal static class PolicyPatch
{
    /// <param name="value">In the policy's version; it is not changed.</param>
    /// <returns>The object with the mutation made and defaults filled in.</returns>
    /// <exception cref="PolicyPatchException">It failed.</exception>
    /// <exception cref="ApiException">503: the kind is not served in this version; 500: what came out is no such object.</exception>
    public static JsonObject Apply(PolicyMutation mutation, IReadOnlyList<PolicyVariable> variables, PolicyView view, CelValue? parameter, MatchedVersion version, JsonObject value, CancellationToken cancellationToken)
    {
        var schema = SchemaOf(version) ?? throw new ApiException(503, "ServiceUnavailable", $"Resource kind {version.Kind.Group}/{version.Kind.Version}, Kind={version.Kind.Kind} not found. There can be a delay between when CustomResourceDefinitions are created and when they are available.");
        if (mutation.Expression.Complaint is { } complaint) throw new PolicyPatchException(complaint);
        var evaluation = new PolicyEvaluation(view.Rules, parameter, variables, cancellationToken);
        if (!evaluation.TryEvaluate(mutation.Expression, out var outcome)) throw new PolicyPatchException(PolicyEvaluation.OutOfBudget);
        if (outcome.Error is { } error) throw new PolicyPatchException(error);
        var patched = mutation.IsJsonPatch ? Patch(outcome.Value, value) : Merge(outcome.Value, value, schema, version);
        if (ReferenceEquals(patched, value)) return value;
        return Decode(patched, schema, version);
    }

    private static TypeSchema? SchemaOf(MatchedVersion version) => version.Served is { } served && served.Info.GroupVersionKind == version.Kind
        ? served.Info.Schema
        : ResourceCatalog.BuiltIn.FindType(version.Kind.ApiVersion, version.Kind.Kind);

    private static JsonObject Merge(CelValue result, JsonObject value, TypeSchema schema, MatchedVersion version)
    {
        var applied = (CelMutationObject)result.AsObject;
        if (applied.CheckTypeNames() is { } mismatch) throw new PolicyPatchException($"type mismatch: {mismatch}");
        var config = ToJson(result, "invalid return type") as JsonObject ?? [];
        config["apiVersion"] = version.Kind.ApiVersion;
        config["kind"] = version.Kind.Kind;
        var merge = MergeSchemas.Of(schema);
        if (ObjectShape.Complain(config, merge, allowsDuplicates: false) is { } complaint) throw new PolicyPatchException($"error applying patch: failed to convert patch object to typed object: {complaint}");
        var atomics = new List<string>();
        FindAtomics(config, merge, "", atomics);
        if (atomics.Count > 0) throw new PolicyPatchException($"error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {string.Join(", ", atomics)}");
        try
        {
            return StructuredMerge.Merge(value, config, merge);
        }
        catch (MergeException exception)
        {
            throw new PolicyPatchException($"error applying patch: failed to merge patch: {exception.Message}");
        }
    }

    /// <summary>What is replaced as a whole may not be touched: whoever sets a field of it would take away the others.</summary>
    private static void FindAtomics(JsonNode? value, IMergeSchema? schema, string path, List<string> atomics)
    {
        if (value is JsonObject fields && schema?.Map is { } map)
        {
            if (map.IsAtomic) atomics.Add(path);
            foreach (var (name, child) in fields)
            {
                if (map.Find(name) is { } field) FindAtomics(child, field.Schema, $"{path}.{name}", atomics);
            }
        }
        else if (value is JsonArray elements && schema?.List is { } list)
        {
            if (list.Type == ListType.Atomic) atomics.Add(path);
            for (var i = 0; i < elements.Count; i++) FindAtomics(elements[i], list.Elements, $"{path}[{i}]", atomics);
        }
    }

    private static JsonObject Patch(CelValue result, JsonObject value)
    {
        var operations = new JsonArray();
        for (var i = 0; i < result.AsList.Count; i++)
        {
            var operation = (CelJsonPatch)result.AsList[i].AsObject;
            if (operation.Value is { Kind: CelKind.Object } given && given.AsObject is CelMutationObject nested && nested.CheckTypeNames() is { } mismatch) throw new PolicyPatchException($"type mismatch: {mismatch}");
            operations.Add(ToJson(result.AsList[i], "JSONPath valueExpression evaluated to a type that could not marshal to JSON"));
        }
        try
        {
            return JsonPatch.Apply(value, ObjectWriter.Write(operations)) as JsonObject ?? throw new PolicyPatchException("JSON Patch: the result is no object");
        }
        catch (PatchException exception) when (exception.IsFailedTest)
        {
            // A patch whose test fails is not for this object.
            return value;
        }
        catch (PatchException exception)
        {
            throw new PolicyPatchException($"JSON Patch: {exception.Message}");
        }
    }

    private static JsonNode? ToJson(in CelValue value, string what)
    {
        try
        {
            return CelJson.ToJson(value);
        }
        catch (NotSupportedException exception)
        {
            throw new PolicyPatchException($"{what}: {exception.Message}");
        }
    }

    private static JsonObject Decode(JsonObject patched, TypeSchema schema, MatchedVersion version)
    {
        try
        {
            var decoded = ObjectDecoder.Canonicalize(patched, schema, schema.Structural is null ? FieldValidation.Strict : FieldValidation.Ignore).Object;
            Defaulter.Apply(schema, version.Kind, decoded);
            return decoded;
        }
        catch (DecodeException exception)
        {
            throw ApiException.Internal(exception.Message);
        }
    }
}
