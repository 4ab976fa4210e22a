namespace LiteKube.Apis.Apply;

/// <summary>A field that an applied configuration changes and another manager owns.</summary>
/// <param name="Path">As printed: <c>.spec.replicas</c>.</param>
public readonly record struct FieldConflict(ManagerKey Manager, string Path);

/// <summary>An apply without force that would take fields from others; the message as kubectl prints it.</summary>
public sealed class FieldConflictException : Exception
{
    internal FieldConflictException(IReadOnlyList<(ManagerKey Manager, FieldSet Fields)> sets)
        : this(sets, [.. sets.SelectMany(s => s.Fields.Paths().Select(p => new FieldConflict(s.Manager, p)))])
    {
    }

    private FieldConflictException(IReadOnlyList<(ManagerKey Manager, FieldSet Fields)> sets, FieldConflict[] conflicts) : base(Print(conflicts)) =>
        (Sets, Conflicts) = (sets, conflicts);

    public IReadOnlyList<FieldConflict> Conflicts { get; }

    internal IReadOnlyList<(ManagerKey Manager, FieldSet Fields)> Sets { get; }

    private static string Print(FieldConflict[] conflicts)
    {
        if (conflicts.Length == 1) return $"Apply failed with 1 conflict: conflict with {conflicts[0].Manager}: {conflicts[0].Path}";
        var lines = conflicts.GroupBy(c => c.Manager).SelectMany(g => g.Select(c => "- " + c.Path).Prepend($"conflicts with {g.Key}:"));
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Apply failed with {conflicts.Length} conflicts: {string.Join('\n', lines)}");
    }
}
