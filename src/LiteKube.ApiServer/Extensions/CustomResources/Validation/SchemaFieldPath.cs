using LiteKube.Apis.Schema.Structural;

namespace LiteKube.ApiServer.Extensions.CustomResources.Validation;

/// <summary>Paths that name a field by its schema: ".spec.color", ".spec['a.b']".</summary>
internal static class SchemaFieldPath
{
    /// <returns>What is wrong with the path; null: it leads to <paramref name="found"/>.</returns>
    public static string? Find(string path, StructuralSchema schema, bool allowsBrackets, out StructuralSchema found)
    {
        found = schema;
        for (var i = 0; i < path.Length;)
        {
            string name;
            if (path[i] == '[')
            {
                if (!allowsBrackets) return "array notation is not allowed";
                var close = path.IndexOf("']", i, StringComparison.Ordinal);
                if (i + 1 >= path.Length || path[i + 1] != '\'' || close < 0) return "expected single quoted string";
                name = path[(i + 2)..close].Replace("\\'", "'", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
                i = close + 2;
            }
            else if (path[i] == '.')
            {
                var end = i + 1;
                while (end < path.Length && path[end] is not ('.' or '[' or ']')) end++;
                name = path[(i + 1)..end];
                if (name.Length == 0) return "unexpected end of JSON path";
                i = end;
            }
            else
            {
                return $"expected [ or . but got: {path[i..]}";
            }
            if (found.Properties.Count > 0)
            {
                if (!found.Properties.TryGetValue(name, out var property)) return "does not refer to a valid field";
                found = property;
            }
            else if (found.AdditionalProperties is { } additional)
            {
                found = additional;
            }
            else
            {
                return "does not refer to a valid field";
            }
        }
        return null;
    }
}
