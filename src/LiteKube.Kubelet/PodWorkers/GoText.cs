using LiteKube.Apis.Values;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Values as Go prints them: clients compare the kubelet's messages as text.</summary>
internal static class GoText
{
    /// <summary>"10s", "2m40s", "1.234s", "250ms"; to the millisecond, as the kubelet cuts its durations.</summary>
    public static string Duration(TimeSpan value) => GoDuration.Format(TimeSpan.FromMilliseconds(Math.Floor(value.TotalMilliseconds)));

    /// <summary>A slice: "[a b]".</summary>
    public static string List(IEnumerable<string> values) => "[" + string.Join(' ', values) + "]";
}
