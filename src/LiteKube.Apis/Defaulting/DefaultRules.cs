using System.Collections.Frozen;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Defaulting;

internal delegate void DefaultRule(DefaultTarget target);

/// <summary>Which rule belongs to which type.</summary>
internal static class DefaultRules
{
    private static readonly FrozenDictionary<string, DefaultRule> Rules =
        PodDefaults.Rules
            .Concat(CoreDefaults.Rules)
            .Concat(WorkloadDefaults.Rules)
            .Concat(PolicyDefaults.Rules)
            .ToFrozenDictionary(r => r.Type, r => r.Rule, StringComparer.Ordinal);

    public static DefaultRule? Of(TypeSchema type) => Rules.GetValueOrDefault(type.Name);
}
