using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry;

/// <summary>An object's label selector (meta/v1 LabelSelector) judged as it stands, without parsing it into anything else.</summary>
internal static class LabelSelection
{
    /// <summary>An empty selector matches everything, an absent one nothing.</summary>
    public static bool Matches(JsonObject? selector, IReadOnlyDictionary<string, string> labels)
    {
        if (selector is null)
            return false;
        foreach (var (key, value) in selector.StringMap("matchLabels"))
        {
            if (!labels.TryGetValue(key, out var actual) || actual != value)
                return false;
        }
        foreach (var requirement in selector.Items("matchExpressions"))
        {
            var isThere = labels.TryGetValue(requirement.Str("key"), out var actual);
            var isMatch = requirement.Str("operator") switch
            {
                "In" => isThere && requirement.Strings("values").Contains(actual),
                "NotIn" => !isThere || !requirement.Strings("values").Contains(actual),
                "Exists" => isThere,
                "DoesNotExist" => !isThere,
                _ => false,
            };
            if (!isMatch)
                return false;
        }
        return true;
    }
}
