using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace LiteKube.Kubelet.Server.Logs;

/// <summary>What part of a container's log is wanted (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod).</summary>
/// <param name="TailLines">Only so many lines from the end.</param>
/// <param name="LimitBytes">Stop after so many bytes of output, in the middle of a line if need be.</param>
/// <param name="Stream">"stdout" or "stderr"; null means both.</param>
internal sealed record LogOptions(bool Follow = false, bool Previous = false, bool Timestamps = false, long? TailLines = null, long? LimitBytes = null, DateTimeOffset? Since = null, string? Stream = null)
{
    /// <exception cref="FormatException">A parameter that makes no sense, in Kubernetes' words.</exception>
    public static LogOptions Parse(IQueryCollection query, TimeProvider time)
    {
        var sinceSeconds = Number(query, "sinceSeconds");
        var sinceTime = query["sinceTime"].ToString();
        if (sinceSeconds is not null && sinceTime.Length > 0)
            throw new FormatException("at most one of `sinceTime` or `sinceSeconds` may be specified");
        if (sinceSeconds is < 1)
            throw new FormatException("sinceSeconds: Invalid value: must be greater than 0");
        DateTimeOffset? since = sinceSeconds is { } seconds ? time.GetUtcNow() - TimeSpan.FromSeconds(seconds) : null;
        if (sinceTime.Length > 0)
        {
            since = DateTimeOffset.TryParse(sinceTime, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed)
                ? parsed
                : throw new FormatException($"sinceTime: Invalid value: \"{sinceTime}\": must be an RFC 3339 time");
        }
        var tail = Number(query, "tailLines");
        if (tail is < 0)
            throw new FormatException("tailLines: Invalid value: must be greater than or equal to 0");
        var limit = Number(query, "limitBytes");
        if (limit is < 1)
            throw new FormatException("limitBytes: Invalid value: must be greater than 0");
        var stream = query["stream"].ToString() switch
        {
            "" or "All" => null,
            "Stdout" => "stdout",
            "Stderr" => "stderr",
            var other => throw new FormatException($"stream: Unsupported value: \"{other}\": supported values: \"All\", \"Stdout\", \"Stderr\""),
        };
        if (stream is not null && tail is not null)
            throw new FormatException("`tailLines` and specific `stream` are mutually exclusive for now");
        return new LogOptions(Flag(query, "follow"), Flag(query, "previous"), Flag(query, "timestamps"), tail, limit, since, stream);
    }

    /// <summary>As Go parses booleans, with a parameter that has no value meaning yes.</summary>
    public static bool Flag(IQueryCollection query, string name) =>
        query.TryGetValue(name, out var values) && values.ToString() is ("" or "1" or "t" or "T" or "true" or "TRUE" or "True");

    private static long? Number(IQueryCollection query, string name)
    {
        var text = query[name].ToString();
        if (text.Length == 0)
            return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException($"{name}: Invalid value: \"{text}\": must be an integer");
    }
}
