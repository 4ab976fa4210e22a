using System.Text;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>One condition of being alive or ready.</summary>
/// <param name="Check">Null: fine; else why not, for the log and for verbose readers with the right to see it.</param>
/// <param name="CountsForLiveness">Also part of /livez and /healthz.</param>
public sealed record HealthCheck(string Name, Func<string?> Check, bool CountsForLiveness = false);

/// <summary>/healthz, /livez and /readyz with their single checks (https://kubernetes.io/docs/reference/using-api/health-checks/).</summary>
internal sealed class HealthEndpoints(IReadOnlyList<HealthCheck> checks)
{
    public IReadOnlyList<HealthCheck> Checks => checks;

    private const string Text = "text/plain; charset=utf-8";

    /// <summary>Null: the path is none of ours.</summary>
    public ApiResult? Handle(ApiRequest request, string path)
    {
        var (name, rest) = path switch
        {
            ['/', 'h', 'e', 'a', 'l', 't', 'h', 'z', .. var r] => ("healthz", r),
            ['/', 'l', 'i', 'v', 'e', 'z', .. var r] => ("livez", r),
            ['/', 'r', 'e', 'a', 'd', 'y', 'z', .. var r] => ("readyz", r),
            _ => ("", ""),
        };
        if (name.Length == 0 || (rest.Length > 0 && rest[0] != '/')) return null;
        var relevant = checks.Where(c => name == "readyz" || c.CountsForLiveness).ToList();
        return rest.Length > 1 ? Single(relevant, rest[1..]) : All(request, name, relevant);
    }

    /// <summary>The checks that fail now, each with its reason.</summary>
    public IReadOnlyList<(string Name, string Reason)> Failures()
    {
        var failures = new List<(string, string)>();
        foreach (var check in checks)
        {
            if (check.Check() is { } reason) failures.Add((check.Name, reason));
        }
        return failures;
    }

    private static BytesResult All(ApiRequest request, string name, List<HealthCheck> relevant)
    {
        var excluded = request.Query.All("exclude");
        var report = new StringBuilder();
        var failed = false;
        report.Append("[+]ping ok\n");
        foreach (var check in relevant)
        {
            if (excluded.Remove(check.Name))
            {
                report.Append("[+]").Append(check.Name).Append(" excluded: ok\n");
                continue;
            }
            var isBad = check.Check() is not null;
            failed |= isBad;
            // As upstream: an unauthenticated reader learns that, not why.
            report.Append(isBad ? "[-]" : "[+]").Append(check.Name).Append(isBad ? " failed: reason withheld\n" : " ok\n");
        }
        if (excluded.Count > 0) report.Append("warn: some health checks cannot be excluded: no matches for ").Append(string.Join(", ", excluded.Select(e => $"\"{e}\""))).Append('\n');
        if (failed) return Answer(500, report.Append(name).Append(" check failed\n").ToString());
        return Answer(200, request.Query.Has("verbose") ? report.Append(name).Append(" check passed\n").ToString() : "ok");
    }

    private static BytesResult Single(List<HealthCheck> relevant, string name)
    {
        if (name == "ping") return Answer(200, "ok");
        var check = relevant.Find(c => c.Name == name) ?? throw new UnknownPathException();
        return check.Check() is null ? Answer(200, "ok") : Answer(500, $"internal server error: {name} check failed: reason withheld\n");
    }

    private static BytesResult Answer(int statusCode, string text) => new(Encoding.UTF8.GetBytes(text))
    {
        StatusCode = statusCode,
        ContentType = Text,
        Headers = [new("Cache-Control", "no-cache, private"), new("X-Content-Type-Options", "nosniff")],
    };
}
