using System.Globalization;
using System.Text;

namespace LiteKube.Controllers.Jobs;

/// <summary>
/// Completion indexes as a Job's status writes them: "1,3-5,7". Ordered intervals, so that a Job of a hundred thousand
/// indexes costs no more than its gaps. Immutable.
/// </summary>
internal sealed class IndexSet
{
    public static readonly IndexSet Empty = new([]);
    private readonly IReadOnlyList<(int First, int Last)> _intervals;

    private IndexSet(IReadOnlyList<(int First, int Last)> intervals) => _intervals = intervals;

    public int Count => _intervals.Sum(i => i.Last - i.First + 1);

    public bool IsEmpty => _intervals.Count == 0;

    public static IndexSet Of(IEnumerable<int> indexes) => Merge([.. indexes.Select(i => (i, i))]);

    /// <summary>Reads a status. What is not a number is left out, and so is what lies at or above <paramref name="completions"/>.</summary>
    public static IndexSet Parse(string? text, int completions)
    {
        if (string.IsNullOrEmpty(text))
            return Empty;
        var intervals = new List<(int, int)>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (!TryIndex(ends[0], out var first) || first >= completions)
                continue;
            var last = first;
            if (ends.Length > 1 && (!TryIndex(ends[1], out last) || last < first))
                continue;
            intervals.Add((first, Math.Min(last, completions - 1)));
        }
        return Merge(intervals);
    }

    public bool Contains(int index)
    {
        var (low, high) = (0, _intervals.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_intervals[middle].Last >= index)
                high = middle;
            else
                low = middle + 1;
        }
        return low < _intervals.Count && _intervals[low].First <= index;
    }

    public IndexSet With(IEnumerable<int> indexes) => Merge([.. _intervals, .. indexes.Select(i => (i, i))]);

    public IndexSet With(IndexSet other) => Merge([.. _intervals, .. other._intervals]);

    /// <summary>How many indexes both sets hold.</summary>
    public int CountShared(IndexSet other)
    {
        var (count, i, j) = (0, 0, 0);
        while (i < _intervals.Count && j < other._intervals.Count)
        {
            var (mine, theirs) = (_intervals[i], other._intervals[j]);
            count += Math.Max(0, Math.Min(mine.Last, theirs.Last) - Math.Max(mine.First, theirs.First) + 1);
            if (mine.Last <= theirs.Last)
                i++;
            if (theirs.Last <= mine.Last)
                j++;
        }
        return count;
    }

    /// <summary>The lowest indexes below <paramref name="completions"/> that are not in the set, at most <paramref name="count"/> of them.</summary>
    public List<int> FirstMissing(int count, int completions)
    {
        var result = new List<int>();
        var candidate = 0;
        foreach (var (first, last) in _intervals)
        {
            for (; candidate < first && candidate < completions && result.Count < count; candidate++)
                result.Add(candidate);
            candidate = Math.Max(candidate, last + 1);
        }
        for (; candidate < completions && result.Count < count; candidate++)
            result.Add(candidate);
        return result;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (first, last) in _intervals)
        {
            if (text.Length > 0)
                text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first)
                text.Append(last == first + 1 ? ',' : '-').Append(CultureInfo.InvariantCulture, $"{last}");
        }
        return text.ToString();
    }

    private static bool TryIndex(string text, out int index) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index);

    private static IndexSet Merge(List<(int First, int Last)> intervals)
    {
        intervals.Sort();
        var result = new List<(int First, int Last)>();
        foreach (var (first, last) in intervals)
        {
            if (result.Count == 0 || first > result[^1].Last + 1)
                result.Add((first, last));
            else if (last > result[^1].Last)
                result[^1] = (result[^1].First, last);
        }
        return result.Count == 0 ? Empty : new IndexSet(result);
    }
}
