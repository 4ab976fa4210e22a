using System.Globalization;

namespace LiteKube.Integration.Tests.Fuzzing;

/// <summary>A test that tries something new each time it runs: skipped unless LITEKUBE_FUZZ_SEEDS says how often.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FuzzingFactAttribute : FactAttribute
{
    public FuzzingFactAttribute()
    {
        if (Seeds <= 0) Skip = "set LITEKUBE_FUZZ_SEEDS to the number of new seeds to try";
    }

    public static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("LITEKUBE_FUZZ_SEEDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seeds) ? seeds : 0;
}
