using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>Whether an object fits its schema: declared fields, forms of values, elements that can be told apart.</summary>
public static class ObjectShape
{
    /// <summary>Upstream's text for everything that is wrong, with paths; null: nothing is.</summary>
    /// <param name="allowsDuplicates">Standing objects may hold what an applied one may not.</param>
    public static string? Complain(JsonObject value, IMergeSchema schema, bool allowsDuplicates)
    {
        var walk = new Walker(allowsDuplicates);
        walk.Visit(value, schema);
        return walk.Errors.Count switch
        {
            0 => null,
            1 => walk.Errors[0],
            _ => "errors:\n  " + string.Join("\n  ", walk.Errors),
        };
    }

    private sealed class Walker(bool allowsDuplicates)
    {
        private readonly List<PathElement> _path = [];

        public List<string> Errors { get; } = [];

        public void Visit(JsonNode? value, IMergeSchema schema)
        {
            var form = schema.FormOf(value);
            switch (form == MergeForm.None ? schema.FirstForm() : form)
            {
                case MergeForm.Map when value is JsonObject map:
                    VisitMap(map, schema.Map!);
                    break;
                case MergeForm.List when value is JsonArray list:
                    VisitList(list, schema.List!);
                    break;
                case MergeForm.Map or MergeForm.List:
                    if (value is not null) Fail($"expected {(schema.Map is null ? "list" : "map")}, got {Print(value)}");
                    break;
                default:
                    if (!schema.Scalar.Takes(value)) Fail(Expected(schema.Scalar, value));
                    break;
            }
        }

        private void VisitMap(JsonObject map, IMapMerge schema)
        {
            foreach (var (name, child) in map)
            {
                var field = schema.Find(name);
                var element = field?.Element ?? PathElement.Field(name);
                if ((field?.Schema ?? schema.Values) is not { } below)
                {
                    // Upstream looks no further at a map with a field that it does not know.
                    Fail("field not declared in schema", element);
                    return;
                }

                _path.Add(element);
                Visit(child, below);
                _path.RemoveAt(_path.Count - 1);
            }
        }

        private void VisitList(JsonArray list, IListMerge schema)
        {
            var seen = new HashSet<PathElement>();
            for (var i = 0; i < list.Count; i++)
            {
                var element = PathElement.At(i);
                if (!schema.IsAtomic())
                {
                    if (ListElements.TryElement(schema, list[i], out var told) is { } complaint)
                    {
                        Fail(string.Create(CultureInfo.InvariantCulture, $"element {i}: {complaint}"));
                        return;
                    }

                    element = told!;
                    if (!seen.Add(element) && !allowsDuplicates) Fail($"duplicate entries for key {element}");
                }

                _path.Add(element);
                Visit(list[i], schema.Elements);
                _path.RemoveAt(_path.Count - 1);
            }
        }

        private void Fail(string message, PathElement? at = null)
        {
            var path = string.Concat(_path) + at;
            Errors.Add(path.Length == 0 ? message : $"{path}: {message}");
        }

        private static string Expected(ScalarForm form, JsonNode? value) => form switch
        {
            ScalarForm.Number => $"expected numeric (int or float), got {GoTypeOf(value)}",
            ScalarForm.String => $"expected string, got &value.valueUnstructured{{Value:{Print(value)}}}",
            ScalarForm.Boolean => $"expected boolean, got &{{{Print(value)}}}",
            _ => $"expected any scalar, got &{{{Print(value)}}}",
        };

        private static string GoTypeOf(JsonNode? value) => value switch
        {
            JsonObject => "map[string]interface {}",
            JsonArray => "[]interface {}",
            _ => value?.GetValueKind() switch
            {
                System.Text.Json.JsonValueKind.String => "string",
                System.Text.Json.JsonValueKind.Number => "int64",
                _ => "bool",
            },
        };

        private static string Print(JsonNode? value) => System.Text.Encoding.UTF8.GetString(ObjectWriter.Write(value!));
    }
}
