namespace LiteKube.Cel;

/// <summary>A set of functions, macros and types that an environment may take in.</summary>
public sealed class CelLibrary
{
    internal CelLibrary(string name, IReadOnlyList<CelFunction> functions, IReadOnlyList<Macro>? macros = null, IReadOnlyList<CelType>? types = null, bool optionalSyntax = false)
    {
        Name = name;
        Functions = functions;
        Macros = macros ?? [];
        Types = types ?? [];
        OptionalSyntax = optionalSyntax;
    }

    /// <summary>A library of a host's own functions.</summary>
    public CelLibrary(string name, params IReadOnlyList<CelFunction> functions)
        : this(name, functions, null)
    {
    }

    public string Name { get; }

    public IReadOnlyList<CelFunction> Functions { get; }

    /// <summary>Types whose names are identifiers, e.g. for <c>type(x) == net.IP</c>.</summary>
    public IReadOnlyList<CelType> Types { get; }

    internal IReadOnlyList<Macro> Macros { get; }

    /// <summary>Whether <c>a.?b</c>, <c>a[?b]</c> and optional entries may be written.</summary>
    internal bool OptionalSyntax { get; }
}
