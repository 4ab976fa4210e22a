using System.Globalization;

namespace LiteKube.Simulation.Tests;

/// <summary>A theory that plays other histories each time it runs: skipped unless LITEKUBE_SIMULATION_SEEDS says how many.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NewHistoriesTheoryAttribute : TheoryAttribute
{
    public NewHistoriesTheoryAttribute()
    {
        if (Seeds <= 0) Skip = "set LITEKUBE_SIMULATION_SEEDS to the number of new histories to play";
    }

    public static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("LITEKUBE_SIMULATION_SEEDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seeds) ? seeds : 0;
}
