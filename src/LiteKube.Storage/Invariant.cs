using System.Diagnostics.CodeAnalysis;

namespace LiteKube.Storage;

/// <summary>Truths that the store's promises rest on. They stay checked in release builds.</summary>
internal static class Invariant
{
    public static void That([DoesNotReturnIf(false)] bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException($"invariant broken: {what}");
    }
}
