using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Which of the names that a CRD asks for it gets: each only if no other CRD of the group has it.</summary>
internal static class NameConflicts
{
    public const string None = "NoConflicts";

    /// <returns>The names that are accepted, and the reason and message of the NamesAccepted condition.</returns>
    public static (JsonObject Accepted, string Reason, string Message) Resolve(DefinitionNames requested, DefinitionNames accepted, IReadOnlyList<DefinitionNames> others)
    {
        var usedResources = others.SelectMany(o => (string[])[o.Plural, o.Singular, .. o.ShortNames]).ToHashSet(StringComparer.Ordinal);
        var usedKinds = others.SelectMany(o => (string[])[o.Kind, o.ListKind]).ToHashSet(StringComparer.Ordinal);
        var (reason, message) = (None, "no conflicts found");
        var result = new JsonObject { ["plural"] = Take(requested.Plural, accepted.Plural, usedResources, "PluralConflict") };
        result["singular"] = Take(requested.Singular, accepted.Singular, usedResources, "SingularConflict");
        var taken = requested.ShortNames.Where(s => !accepted.ShortNames.Contains(s) && usedResources.Contains(s)).ToList();
        if (taken.Count > 0)
        {
            reason = "ShortNamesConflict";
            message = taken.Count == 1 ? InUse(taken[0]) : $"[{string.Join(", ", taken.Select(InUse))}]";
        }
        if ((taken.Count > 0 ? accepted : requested).ShortNames is { Count: > 0 } shortNames) result["shortNames"] = new JsonArray([.. shortNames.Select(s => (JsonNode?)s)]);
        result["kind"] = Take(requested.Kind, accepted.Kind, usedKinds, "KindConflict");
        result["listKind"] = Take(requested.ListKind, accepted.ListKind, usedKinds, "ListKindConflict");
        if (requested.Categories.Count > 0) result["categories"] = new JsonArray([.. requested.Categories.Select(c => (JsonNode?)c)]);
        return (result, reason, message);

        string Take(string wanted, string had, HashSet<string> used, string conflict)
        {
            if (wanted == had || !used.Contains(wanted)) return wanted;
            (reason, message) = (conflict, InUse(wanted));
            return had;
        }
    }

    private static string InUse(string name) => $"\"{name}\" is already in use";
}
