namespace LiteKube.Apis.Apply;

/// <summary>
/// The fields that an endpoint's strategy sets back, so that whoever names them there does not come to own them: either
/// what is left out, or what alone counts. In the latter <c>*</c> stands for every element.
/// </summary>
public sealed class ResetFields
{
    public static readonly ResetFields None = new(FieldSet.Empty, null);

    private readonly FieldSet _excluded;
    private readonly string[][]? _included;

    private ResetFields(FieldSet excluded, string[][]? included) => (_excluded, _included) = (excluded, included);

    public bool IsEmpty => _excluded.IsEmpty && _included is null;

    /// <param name="paths">Dotted.</param>
    public static ResetFields Excluding(params ReadOnlySpan<string> paths) => new(FieldSet.OfFields(paths), null);

    /// <param name="paths">Dotted; <c>*</c> for any step.</param>
    public static ResetFields AllBut(params ReadOnlySpan<string> paths)
    {
        var included = new string[paths.Length][];
        for (var i = 0; i < paths.Length; i++) included[i] = paths[i].Split('.');
        return new(FieldSet.Empty, included);
    }

    /// <summary>What of the set this endpoint's writers can own.</summary>
    public FieldSet Filter(FieldSet set) => _included is null ? set.ExceptBelow(_excluded) : Include(set, _included, 0);

    /// <summary>Nothing of this field of the object can be owned here, so nothing of it need be compared.</summary>
    internal bool Excludes(string topLevelField)
    {
        if (_included is not null) return !_included.Any(p => p[0] == "*" || p[0] == topLevelField);
        foreach (var entry in _excluded.Entries)
        {
            if (entry.IsMember && entry.Element.FieldName == topLevelField) return true;
        }

        return false;
    }

    private static FieldSet Include(FieldSet set, IReadOnlyList<string[]> patterns, int depth)
    {
        var kept = new List<FieldSetEntry>();
        foreach (var entry in set.Entries)
        {
            var matching = patterns.Where(p => p[depth] == "*" || p[depth] == entry.Element.FieldName).ToList();
            if (matching.Count == 0) continue;
            var children = matching.Any(p => p.Length == depth + 1) || entry.Children is null ? entry.Children : Include(entry.Children, matching, depth + 1);
            if (children is { IsEmpty: true }) children = null;
            if (entry.IsMember || children is not null) kept.Add(entry with { Children = children });
        }

        return kept.Count == 0 ? FieldSet.Empty : new([.. kept]);
    }
}
