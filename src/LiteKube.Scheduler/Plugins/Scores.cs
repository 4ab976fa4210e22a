using LiteKube.Scheduler.Framework;

namespace LiteKube.Scheduler.Plugins;

internal static class Scores
{
    /// <summary>Stretches scores so that the largest becomes 100; reversed, so that it becomes 0.</summary>
    public static void Normalize(Span<long> scores, bool reverse)
    {
        long max = 0;
        foreach (var score in scores)
            max = Math.Max(max, score);
        if (max == 0)
        {
            if (reverse)
                scores.Fill(IScorePlugin.MaxScore);
            return;
        }
        foreach (ref var score in scores)
        {
            score = score * IScorePlugin.MaxScore / max;
            if (reverse)
                score = IScorePlugin.MaxScore - score;
        }
    }
}
